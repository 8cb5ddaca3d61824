"""The command that goes on with a campaign."""

from __future__ import annotations

import math
import shlex
from pathlib import Path

import pytest

from pytest_autoloop.reporting.going_on import going_on


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("--autoloop 50", "--autoloop 100 --autoloop-tag nov20"),
        ("--autoloop=50 -v", "--autoloop 100 -v --autoloop-tag nov20"),
        (
            "tests/fast --autoloop 50 --autoloop-tag nov20 --autoloop-proposer=rules -k 'a or b'",
            "--autoloop 100 tests/fast --autoloop-proposer=rules -k 'a or b' --autoloop-tag nov20",
        ),
        (
            "--autoloop-from best --autoloop-rebaseline --autoloop-tag=nov20 --autoloop 50",
            "--autoloop 100 --autoloop-tag nov20",
        ),
    ],
)
def test_all_else_is_as_it_was_given(given: str, expected: str) -> None:
    """What only begins a campaign is left out, and the number counts all experiments."""
    command = going_on(shlex.split(given), "nov20", asked=50, done=50)
    assert command == f"pytest {expected}"


@pytest.mark.parametrize(
    ("asked", "done", "number"),
    [(50, 50, "100"), (50, 17, "50"), (0, 0, "10"), (math.inf, 400, "inf"), (50, 120, "170")],
)
def test_the_number_grows_where_it_was_reached(asked: float, done: int, number: str) -> None:
    """A campaign that was interrupted goes on to where it wanted to go."""
    command = going_on(["--autoloop", "x"], "t", asked=asked, done=done)
    assert command == f"pytest --autoloop {number} --autoloop-tag t"


@pytest.mark.parametrize(
    ("reason", "given", "expected"),
    [
        ("cost", "--autoloop-max-cost=2.5", "--autoloop-max-cost=5"),
        ("time", "--autoloop-max-time 8h", "--autoloop-max-time 16h"),
        ("time", "--autoloop-max-time 1h30m", "--autoloop-max-time 1h30m"),
        ("patience", "--autoloop-patience=20", "--autoloop-patience=40"),
        ("crashes", "--autoloop-patience=20", "--autoloop-patience=20"),
    ],
)
def test_a_limit_that_was_reached_is_doubled(reason: str, given: str, expected: str) -> None:
    """Else the command would end at once; one that cannot be read is left to its owner."""
    arguments = ["--autoloop", "50", *given.split()]
    command = going_on(arguments, "t", asked=50, done=17, reason=reason)
    assert command == f"pytest --autoloop 50 {expected} --autoloop-tag t"


def test_a_goal_that_was_reached_needs_no_command() -> None:
    """There is nothing to go on to."""
    assert going_on(["--autoloop", "50"], "t", asked=50, done=17, reason="until") == ""


def test_paths_may_be_objects() -> None:
    """As pytest.main takes them."""
    assert going_on([Path("tests")], "t", asked=1, done=0) == (
        "pytest --autoloop 1 tests --autoloop-tag t"
    )
