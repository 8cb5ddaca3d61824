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
    ("reason", "limit", "given", "expected"),
    [
        ("cost", 2.5, "--autoloop-max-cost=2.5", "--autoloop-max-cost=5"),
        ("time", 28800, "--autoloop-max-time 8h", "--autoloop-max-time 16h"),
        ("time", 5400, "--autoloop-max-time 1h30m", "--autoloop-max-time 3h"),
        ("time", 5460, "--autoloop-max-time=1h31m", "--autoloop-max-time=182m"),
        ("patience", 20, "--autoloop-patience=20", "--autoloop-patience=40"),
        ("crashes", None, "--autoloop-patience=20", "--autoloop-patience=20"),
        # From a file.
        ("cost", 2.5, "-q", "-q --autoloop-max-cost 5"),
        ("time", 45, "-q", "-q --autoloop-max-time 90"),
    ],
)
def test_a_limit_that_was_reached_is_doubled(
    reason: str, limit: float | None, given: str, expected: str
) -> None:
    """Else the command would end at once, wherever the limit was written."""
    arguments = ["--autoloop", "50", *given.split()]
    command = going_on(arguments, "t", asked=50, done=17, reason=reason, limit=limit)
    assert command == f"pytest --autoloop 50 {expected} --autoloop-tag t"


def test_a_goal_that_was_reached_needs_no_command() -> None:
    """There is nothing to go on to."""
    assert going_on(["--autoloop", "50"], "t", asked=50, done=17, reason="until") == ""


def test_paths_stay_behind_two_dashes() -> None:
    """An option there would be taken for a path."""
    command = going_on(["--", "tests"], "t", asked=50, done=17, reason="patience", limit=5)
    assert command == "pytest --autoloop 50 --autoloop-patience 10 --autoloop-tag t -- tests"


def test_paths_may_be_objects() -> None:
    """As pytest.main takes them."""
    assert going_on([Path("tests")], "t", asked=1, done=0) == (
        "pytest --autoloop 1 tests --autoloop-tag t"
    )
