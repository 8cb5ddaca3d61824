"""The example `scheduler`: rules for a job shop, judged on days that nobody has tuned them for."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_known_rules_beat_first_come_first_served(example: Callable[[str], Project]) -> None:
    """What sacrifices a job or knows the days by heart is refused; a known rule is kept."""
    project = example("scheduler")
    session = project.autoloop(5)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    decided = {row["description"]: (row["status"], row["reason"]) for row in rows}
    assert decided == {
        "shortest step first": ("discard", "constraint"),
        "due dates by heart": ("discard", "guard"),
        "earliest due date": ("keep", ""),
        "least slack": ("discard", "no-gain"),
        "take turns": ("discard", "guard"),
    }
    assert rows[2]["metrics"]["tardiness"] < 0.6 * baseline["metrics"]["tardiness"]
    assert "due dates by heart" in session.output
    assert "a hidden guard failed" in session.output
    assert "test_the_same_question_has_the_same_answer" in session.output


def test_its_guards_pass_and_the_rules_by_heart_fail(example: Callable[[str], Project]) -> None:
    """Plain pytest passes; the table of due dates wins where it is scored, and only there."""
    project = example("scheduler")
    passed = project.pytest("-q")
    assert passed.returncode == 0, passed.output

    idea = project.root / "ideas" / "02_due_dates_by_heart.py"
    (project.root / "dispatch.py").write_bytes(idea.read_bytes())
    failed = project.pytest("-q", "-rf")
    assert "test_what_is_won_on_scored_days_is_won_on_others" in failed.output
    assert "1 failed, 7 passed" in failed.output
