"""The status line: what it tells, and what gives way where there is no room."""

from __future__ import annotations

import math

import pytest

from pytest_autoloop.model import Effect
from pytest_autoloop.reporting.live_line import Status, clock, doing, eta, told

FULL = Status(
    number=4,
    total=50,
    doing=(("measuring", 7),),
    kept=2,
    best="3.97 ms",
    gain=Effect(math.log(1.21), math.log(1.19), math.log(1.24)),
    spent_usd=1.84,
    cap_usd=5.0,
    elapsed=3730.0,
    left=1860.0,
)


def test_everything_is_told_where_there_is_room() -> None:
    """Where it is, what it does, what was won, what it costs, and how long it takes."""
    assert told(FULL) == (
        "4/50 · measuring pair 7 · best 3.97 ms, 1.21× [1.19×, 1.24×] · 2 kept · $1.84 of $5.00 · "
        "1:02:10 · eta 31 min"
    )


@pytest.mark.parametrize("width", range(1, 120))
def test_no_line_is_longer_than_its_room(width: int) -> None:
    """Least important things are shortened or left out first; where it is stays to the last."""
    line = told(FULL, width)
    assert len(line) <= width
    assert line.startswith("4/50 · measuring pair 7"[: max(0, width - 1)])


def test_eighty_columns_hold_the_interval() -> None:
    """The value of the metric gives way, not how sure the gain is."""
    assert told(FULL, 79) == (
        "4/50 · measuring pair 7 · best 1.21× [1.19×, 1.24×] · $1.84/$5.00 · eta 31 min"
    )


def test_what_is_unknown_is_not_told() -> None:
    """Before the first experiment nothing but the phase and the time."""
    assert told(Status(doing=(("baseline", 0),), elapsed=5.0)) == "baseline · 0:05"
    assert told(Status(number=1, doing=(("proposing", 0),))) == (
        "1/∞ · proposing · nothing kept yet · 0:00"
    )


def test_what_several_workers_do_is_counted() -> None:
    """Each thing is named once."""
    phases = (("proposing", 0), ("measuring", 2), ("proposing", 0), ("guards", 0))
    assert doing(phases) == "2 proposing, measuring pair 2, guards"  # type: ignore[arg-type]
    assert doing(phases, steps=False) == "2 proposing, measuring, guards"  # type: ignore[arg-type]


def test_times_are_short_and_guesses_are_coarse() -> None:
    """A guess to the second would pretend."""
    assert [clock(seconds) for seconds in (0, 61.9, 3599, 3600, 90_061)] == [
        *("0:00", "1:01", "59:59", "1:00:00", "25:01:01")
    ]
    assert [eta(seconds) for seconds in (1, 44, 95, 3600, 9000)] == [
        *("5 s", "45 s", "2 min", "1 h 0 min", "2 h 30 min")
    ]
