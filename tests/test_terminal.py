"""What a session shows, and what its reports hold."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree

from tests.projects import COUNTED, snapshot

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

#: Kept, failed by the guard, and the first again.
IDEAS = ("alpha beta\n", "beta\n", "alpha beta\n")


def lines(text: str) -> list[str]:
    """Return the lines of an output, without trailing blanks."""
    return [line.rstrip() for line in text.splitlines()]


def test_a_session_by_default(project: Project, tmp_path: Path) -> None:
    """One line before, one for each experiment, a summary, a report, and exit status 0."""
    project.commit(COUNTED)
    ideas = project.ideas(*IDEAS, suffix=".txt")
    report = tmp_path / "report.xml"

    session = project.autoloop(
        9, "-x", f"--junitxml={report}", "--autoloop-tag=look", f"--autoloop-proposer={ideas}"
    )

    # A discarded idea is no failed test: -x goes on, and the session is green.
    assert session.returncode == 0, session.output
    shown = lines(session.stdout)
    opening, sandbox, first, assurance, last = [
        line for line in shown if line.startswith("autoloop: ")
    ]
    assert sandbox.startswith("autoloop: sandbox ")
    assert assurance == "autoloop: assurance: compatible (the target is not a Python module)"
    assert first == "autoloop: measuring the baseline of words.txt"
    assert last == "autoloop: auditing: the first commit against the best, on fresh pairs"
    assert "target words.txt · metrics letters ↓" in opening
    assert "branch autoexp/look" in opening
    experiments = [line for line in shown if line.startswith("autoloop::")]
    assert [line.split()[:2] for line in experiments] == [
        ["autoloop::000", "BASELINE"],
        ["autoloop::001", "KEEP"],
        ["autoloop::002", "DISCARD"],
        ["autoloop::003", "DISCARD"],
    ]
    assert "letters 17" in experiments[0]
    assert "-35.3%" in experiments[1].replace("−", "-")
    assert "test_words.py::test_it_begins_with_alpha" in experiments[2]
    assert "idea" in experiments[1]
    # The third is what the first was, which is the incumbent by now.
    assert "no-op" in experiments[3]
    assert "1 baseline" in shown[-1]
    assert "1 keep" in shown[-1]
    assert "2 discard" in shown[-1]
    assert any("pytest-autoloop apply look (or git merge autoexp/look)" in line for line in shown)
    assert "letters 17 → 11" in session.stdout
    assert "Traceback" not in session.output

    suite = ElementTree.parse(report).getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("4", "0", "0")
    assert suite.get("skipped") == "2"
    case = suite.findall("testcase")[1]
    properties = {p.get("name"): p.get("value") for p in case.iter("property")}
    assert properties["autoloop_status"] == "keep"
    assert properties["autoloop_letters"] == "11.0"
    assert properties["autoloop_commit"] == session.journal[1]["commit"]
    assert len(list(case.iter("property"))) == len(properties)


def test_quiet_sessions_print_letters(project: Project) -> None:
    """With -q an experiment is one letter, as a test is."""
    project.commit(COUNTED)
    ideas = project.ideas("alpha beta gamma\n", "beta\n", suffix=".txt")
    session = project.autoloop(2, "-q", f"--autoloop-proposer={ideas}")
    assert session.returncode == 0, session.output
    assert any(line.split() and line.split()[0] == "bdd" for line in lines(session.stdout))
    assert "autoloop::001" not in session.stdout


def test_collect_only_lists_and_runs_nothing(project: Project) -> None:
    """`--co` shows the guards; no file, branch or worktree appears."""
    project.commit(COUNTED)
    before = snapshot(project.root)
    session = project.autoloop(
        5, "--co", "-q", "-p", "no:cacheprovider", environment={"PYTHONDONTWRITEBYTECODE": "1"}
    )
    assert session.returncode == 0, session.output
    assert "test_words.py::test_it_begins_with_alpha" in session.stdout
    assert "autoloop::" not in session.stdout
    assert snapshot(project.root) == before


def test_several_targets_have_a_block_each(project: Project) -> None:
    """What was won of each, then one diff and one command for all; side lines name their parent."""
    project.commit(
        {
            **COUNTED,
            "more.txt": "alpha beta gamma delta\n",
            "conftest.py": '''
                import pytest_autoloop as autoloop

                @autoloop.target(metrics=["letters"])
                def target():
                    """Make it shorter."""
                    return "words.txt"

                @autoloop.target(metrics=["more_letters"], stage=2)
                def more():
                    """Make it shorter."""
                    return "more.txt"

                @autoloop.metric(direction="lower")
                def letters(target):
                    return len(target.read_text())

                @autoloop.metric(direction="lower")
                def more_letters(more):
                    return len(more.read_text())
            ''',
        }
    )
    ideas = project.ideas(
        "alpha b\n", "beta\n", "alpha beta gamma delta epsilon\n", "alpha bet\n", suffix=".txt"
    )

    session = project.autoloop(
        8,
        "-v",
        "--autoloop-tag=two",
        "--autoloop-search=explore:3",
        f"--autoloop-proposer={ideas}",
        "--autoloop-sandbox=off",
    )

    assert session.returncode == 0, session.output
    shown = lines(session.stdout)
    told = "\n".join(shown)
    assert "letters 31 (+287.5%)   [explore]   idea 3" in told
    assert "[improve from 003]   idea 4" in told
    # The verbose summary names the ideas that failed, the biggest wins come first.
    block = shown[shown.index("words.txt:") :]
    assert block[1].split() == ["keep", "commit", "effect", "in", "all", "description"]
    assert block[2].endswith("letters 8 (2.13× better)  2.13×    idea 1")
    assert block[3:5] == [
        "not kept: 1 guard",
        "  002 guard failed: test_words.py::test_it_begins_with_alpha   idea 2",
    ]
    assert block[5] == "letters 17 → 8 · audited gain 2.13× · claimed 2.13×"
    assert block[6] == "more.txt:"
    (see,) = [line for line in block if line.startswith("see it: ")]
    assert see.endswith("autoexp/two -- :/words.txt :/more.txt")
    assert sum(line.startswith("take it: ") for line in block) == 1
    (again,) = [line for line in block if line.startswith("go on: ")]
    assert again.startswith("go on: pytest --autoloop 16 ")
    assert again.endswith("--autoloop-sandbox=off --autoloop-tag two")
