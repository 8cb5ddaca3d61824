"""A whole session on a small project: what a user sees and finds afterwards."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tests.projects import COUNTED, git, snapshot

if TYPE_CHECKING:
    from tests.projects import Project


def test_shorter_is_kept_and_a_failing_guard_discards(project: Project) -> None:
    """The branch advances by keeps alone, and table, journal and refs tell of every try."""
    project = replace(project, all_plugins=True)
    project.commit(COUNTED)
    head = git(project.root, "rev-parse", "HEAD")
    ideas = project.ideas("alpha beta\n", "beta\n", "alpha gamma delta\n", suffix=".txt")

    session = project.autoloop(3, "--autoloop-proposer", ideas, "--autoloop-tag", "one")

    assert session.returncode == 0, session.output
    assert session.decisions == [("keep", ""), ("discard", "guard"), ("discard", "no-gain")]
    assert [row["status"] for row in session.results] == ["keep", "keep", "discard", "discard"]
    assert git(project.root, "show", "autoexp/one:words.txt") == "alpha beta\n"
    assert git(project.root, "show", "refs/autoloop/one/002:words.txt") == "beta\n"
    assert git(project.root, "rev-parse", "HEAD") == head
    assert git(project.root, "status", "--porcelain") == "?? results.tsv\n"
    assert "1 baseline, 1 keep, 2 discard" in session.stdout
    assert snapshot(project.root)["words.txt"] == b"alpha beta gamma\n"


def test_a_hook_that_lets_no_experiment_run_ends_the_session(project: Project) -> None:
    """Else the proposer would be asked, and paid, for ever: what never ran counts as nothing."""
    hook = """
        def pytest_runtest_setup(item):
            if item.nodeid == "autoloop::001":
                item.function
    """
    project.commit({**COUNTED, "conftest.py": COUNTED["conftest.py"] + hook})
    ideas = project.ideas("alpha beta\n", "alpha\n", suffix=".txt")
    session = project.autoloop(2, "--autoloop-proposer", ideas)

    assert session.returncode == 1
    assert "autoloop::001 was not run: a conftest or a plugin" in session.output
    assert [row["number"] for row in session.journal] == [0]
