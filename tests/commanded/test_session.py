"""Campaigns whose harness is commands."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project

#: A table of words, counted by a command; a test and a metric in Python stand beside it.
FILES = {
    "words.txt": "alpha beta gamma delta\n",
    "conftest.py": """
        import pytest_autoloop as autoloop

        @autoloop.metric(at_most=100)
        def letters():
            with open("words.txt") as stream:
                return len(stream.read())
    """,
    "test_words.py": """
        def test_it_has_words():
            with open("words.txt") as stream:
                assert stream.read().split()
    """,
    "pytest.ini": """
        [pytest]
        autoloop_command = sh -c 'echo words: $(wc -w <words.txt); echo letters >&2'
        autoloop_score = words:\\s+(?P<words>\\d+)$
        autoloop_guard_command =
            grep -q alpha words.txt
            test -s words.txt
        autoloop_target = words.txt
        autoloop_launcher = spawn
    """,
}
IMPROVE = """\
## Change
file: words.txt

## Check
run: wc -w words.txt
score: (\\d+) words

## Instructions

Leave words out.
"""


def test_commands_and_tests_judge_together(project: Project) -> None:
    """In children that are started anew; an ini file alone configures it."""
    project.commit(FILES)
    ideas = project.ideas("beta\n", f"alpha {'x' * 100}\n", suffix=".txt")
    report = project.root.parent / "report.xml"
    session = project.autoloop(2, f"--autoloop-proposer={ideas}", f"--junitxml={report}")

    assert session.returncode == 0, session.output
    assert "metrics words ↓ letters ↓ · 4 guards" in session.stdout
    assert session.decisions == [("discard", "guard"), ("discard", "constraint")]
    assert session.journal[0]["metrics"] == {"words": 4, "letters": 23}
    assert session.journal[1]["guard"]["test"] == "commands::grep -q alpha words.txt"
    assert 'name="000"' in report.read_text(encoding="utf-8")


def test_a_score_that_a_candidate_breaks_is_its_own_fault(project: Project) -> None:
    """A row with the command's last words; the same on the untouched target is an error."""
    written = "## Change\nfile: print.sh\n## Check\nrun: sh print.sh\n"
    project.commit({"print.sh": "echo 3\n", "improve.md": written})
    ideas = project.ideas("echo none\n", "echo '# less' >>improve.md; echo 1\n", suffix=".sh")
    session = project.autoloop(2, f"--autoloop-proposer={ideas}")
    assert session.returncode == 0, session.output
    assert session.decisions == [("crash", "measure"), ("discard", "tampered")]
    assert "its last line is 'none'" in session.journal[1]["detail"]
    assert "improve.md" in session.journal[2]["detail"]

    red = project.autoloop(
        0, "--autoloop-command=echo none", "--autoloop-score=(3)", "--autoloop-tag=red"
    )
    assert red.returncode == pytest.ExitCode.TESTS_FAILED
    assert "on the untouched print.sh, metric 'score' failed" in red.output
    assert "'(3)' is not in what `echo none` printed" in red.output


def test_only_the_instructions_may_differ_from_the_commit(project: Project) -> None:
    """What children read of improve.md is what was committed."""
    project.commit({"words.txt": "alpha beta\n"})
    (project.root / "improve.md").write_text(IMPROVE, encoding="utf-8")
    untracked = project.autoloop(0)
    assert untracked.returncode == pytest.ExitCode.USAGE_ERROR
    assert "improve.md (untracked)" in untracked.stderr
    project.commit()
    other = IMPROVE.replace("wc -w", "wc -c")
    (project.root / "improve.md").write_text(other, encoding="utf-8")
    changed = project.autoloop(0)
    assert changed.returncode == pytest.ExitCode.USAGE_ERROR
    assert "uncommitted changes in improve.md" in changed.stderr
    text = IMPROVE.replace("Leave words out", "Be brief")
    (project.root / "improve.md").write_text(text, encoding="utf-8")
    session = project.autoloop(0)
    assert session.returncode == 0, session.output
    assert session.journal[0]["metrics"] == {"score": 2}
