"""`@autoloop.target(same_results=False)`: a target whose results are meant to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project


CONFTEST = """
import pytest

import guessing
import pytest_autoloop as autoloop


@autoloop.target({options})
def target():
    "Make the guess better."
    return "guessing.py"


@autoloop.metric(direction="higher")
def right():
    return float(sum(guessing.guess(n) == n * n for n in range(20)))
"""
GUARD = """
import guessing


def test_a_guess_is_a_number():
    assert all(isinstance(guessing.guess(n), int) for n in range(20))
"""


@pytest.mark.parametrize(
    ("options", "decision"),
    [("same_results=False", ("keep", "")), ("", ("discard", "differential"))],
)
def test_results_may_change_where_they_are_meant_to(
    project: Project, options: str, decision: tuple[str, str]
) -> None:
    """Only then is a better guess no fault; it is kept away from its judges all the same."""
    project.commit(
        {
            "conftest.py": CONFTEST.format(options=options),
            "test_guess.py": GUARD,
            "guessing.py": "def guess(n):\n    return 2 * n\n",
        }
    )
    queue = project.ideas("def guess(n):\n    return n * n\n")
    session = project.autoloop(1, f"--autoloop-proposer={queue}")

    assert session.decisions == [decision], session.output
    assert session.journal[1]["assurance"] == "isolated"
