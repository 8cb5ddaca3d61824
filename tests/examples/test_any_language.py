"""The example without Python: an awk program, and improve.md."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_a_program_in_another_language_gets_better(example: Callable[[str], Project]) -> None:
    """Ready ideas shorten the tour; leaving stops out and a tour by heart fail the guard."""
    project = example("any_language")
    assert not [*project.root.rglob("*.py")]
    session = project.autoloop(6)

    assert session.returncode == 0, session.output
    assert "autoloop: improve.md: target tour.awk" in session.stdout
    assert session.decisions == [
        ("keep", ""),
        ("discard", "guard"),
        ("discard", "no-gain"),
        ("keep", ""),
        ("discard", "guard"),
        ("keep", ""),
    ]
    assert session.journal[0]["metrics"]["length"] == 2847.7
    assert session.journal[-1]["metrics"]["length"] == 549.5
    refused = [row["guard"] for row in session.journal if row["reason"] == "guard"]
    assert {guard["test"] for guard in refused} == {"improve.md::sh test.sh"}
    assert refused[0]["message"].endswith("on thirty stops: the tour comes to 21 of 30 stops")
    assert refused[1]["message"].endswith("on one stop: there is no stop ash")
