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
    opening, sandbox, assurance = [line for line in shown if line.startswith("autoloop: ")]
    assert sandbox.startswith("autoloop: sandbox ")
    assert assurance == "autoloop: assurance: compatible (the target is not a Python module)"
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


def test_verbose_sessions_name_each_experiment_once(project: Project) -> None:
    """With -v the node id and the status stand on one line."""
    project.commit(COUNTED)
    ideas = project.ideas("alpha beta gamma\n", suffix=".txt")
    session = project.autoloop(1, "-v", f"--autoloop-proposer={ideas}")
    assert session.returncode == 0, session.output
    told = [line for line in lines(session.stdout) if line.startswith("autoloop::")]
    assert [line.split()[:2] for line in told] == [
        ["autoloop::000", "BASELINE"],
        ["autoloop::001", "DISCARD"],
    ]
    assert "no-op" in told[1]
    assert "idea" in told[1]


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
