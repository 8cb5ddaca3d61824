"""`pytest-autoloop clean`: removes what is the campaign's, after saying what that is."""

from __future__ import annotations

import io
import os
from typing import TYPE_CHECKING, Any

from pytest_autoloop.history.lock import CampaignLock
from tests.cli.campaigns import Made
from tests.projects import git, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    Run = Callable[..., str]


def refs(made: Made) -> set[str]:
    """Return the names of all refs."""
    return set(git(made.project.root, "for-each-ref", "--format=%(refname)").split())


def test_all_of_a_campaign_goes_and_nothing_else(
    made: Made, run: Run, document: Callable[..., Any]
) -> None:
    """Refs, branches and records; another campaign with a longer name stays."""
    other = Made(made.project, "nov20-b")
    other.keep("alpha\n")
    git(made.project.root, "branch", "autoloop/nov20/1-review", made.tip)
    before = snapshot(made.project.root)

    told = run("clean", "nov20", "--dry-run")

    assert "records of 5 experiments" in told
    assert (
        "3 refs below refs/autoloop/nov20, branch autoexp/nov20, branch autoloop/nov20/1-" in told
    )
    assert "2 kept changes of it are in no branch of yours" in told
    assert told.endswith("nothing was removed\n")
    assert snapshot(made.project.root) == before
    found = document("clean", "nov20", "--yes")
    assert (found["removed"], found["campaigns"][0]["unmerged"]) == (True, 2)
    assert refs(made) == {"refs/heads/main", "refs/heads/autoexp/nov20-b"} | {
        "refs/autoloop/nov20-b/001"
    }
    assert [path.name for path in made.journal.directory.parent.iterdir() if path.is_dir()] == [
        "nov20-b"
    ]
    run("clean", "nov20-b", "--yes")
    assert not made.journal.directory.parent.exists()


def test_a_branch_with_commits_of_the_user_stays(made: Made, run: Run) -> None:
    """And so does one that is checked out."""
    git(made.project.root, "switch", "-q", "-c", "mine", "autoexp/nov20")
    made.project.commit({"note.txt": "mine\n"})
    git(made.project.root, "switch", "-q", "main")
    git(made.project.root, "branch", "-f", "autoexp/nov20", "mine")
    git(
        made.project.root,
        "worktree",
        "add",
        "-q",
        "-b",
        "autoloop/nov20/1-a",
        "../beside",
        made.tip,
    )

    told = run("clean", "nov20", "--yes")

    assert "stays: branch autoexp/nov20, whose last commit" in told
    assert "stays: branch autoloop/nov20/1-a, which is checked out" in told
    assert "note:" not in told, "all that was kept is in a branch of the user's"
    assert {"refs/heads/autoexp/nov20", "refs/heads/autoloop/nov20/1-a"} <= refs(made)
    assert not [name for name in refs(made) if name.startswith("refs/autoloop/")]


def test_only_who_is_asked_can_agree(
    made: Made, run: Run, refused: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With JSON `--yes` is needed; an answer other than yes removes nothing."""
    assert "name the campaigns to remove" in refused("clean")
    assert "add --yes, or --dry-run" in refused("clean", "nov20", "--json")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for answer in ("\n", "no\n"):
        monkeypatch.setattr("sys.stdin", Terminal(answer))
        assert "nothing was removed" in run("clean", "nov20")
    assert made.journal.path.is_file()
    monkeypatch.setattr("sys.stdin", Terminal("y\n"))
    run("clean", "nov20")
    assert not made.journal.directory.exists()


def test_without_a_terminal_nobody_is_asked(
    made: Made, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to add, and removes nothing."""
    from pytest_autoloop.cli import main

    monkeypatch.setattr("sys.stdin", io.StringIO("y\n"))
    assert main(["clean", "nov20"]) == 2
    assert "there is no terminal to ask in: add --yes" in capsys.readouterr().err
    assert made.journal.path.is_file()


def test_old_ones_are_those_that_nothing_was_added_to(made: Made, run: Run) -> None:
    """By the age of the record."""
    assert run("clean", "--older", "1", "--yes") == "no campaign is that old\n"
    for path in (made.journal.path, made.journal.header_path):
        os.utime(path, (0, 0))
    assert "campaign nov20" in run("clean", "--older", "1", "--yes")
    assert not made.journal.directory.exists()


def test_one_that_runs_is_left_alone(made: Made, refused: Run) -> None:
    """Another session holds it."""
    lock = CampaignLock(made.journal.directory)
    try:
        assert "is being run" in refused("clean", "nov20", "--yes")
    finally:
        lock.close()
    assert made.journal.path.is_file()


def test_records_behind_a_link_are_not_followed(made: Made, refused: Run) -> None:
    """What it leads to may be anybody's."""
    elsewhere = made.project.root.parent / "elsewhere"
    made.journal.directory.rename(elsewhere)
    made.journal.directory.symlink_to(elsewhere)
    assert "is behind a link" in refused("clean", "nov20", "--yes")
    assert (elsewhere / "experiments.jsonl").is_file()


def test_a_damaged_journal_can_be_removed(made: Made, run: Run) -> None:
    """That is what somebody may want to do with it."""
    made.journal.path.write_text("{\n", encoding="utf-8")
    run("clean", "nov20", "--yes")
    assert not made.journal.directory.exists()
