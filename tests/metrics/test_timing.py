"""Time of commands and of calls."""

from __future__ import annotations

import gc
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.metrics import latency, timing
from pytest_autoloop.metrics.programs import run

if TYPE_CHECKING:
    from pytest_autoloop.metrics.measurement import Place
    from pytest_autoloop.metrics.programs import Finished, Program

posix = pytest.mark.skipif(sys.platform == "win32", reason="written for POSIX")


@posix
def test_a_command_takes_at_least_as_long_as_it_sleeps() -> None:
    """Wall time, in seconds, of the command alone."""
    measurement = latency("sleep 0.2")
    assert (measurement.direction, measurement.unit) == ("lower", "s")
    assert measurement.description == "wall time of `sleep 0.2`"
    assert 0.2 <= measurement() < 60


@posix
def test_of_several_runs_the_fastest_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """One run, unless more are asked for."""
    seen: list[float] = []

    def watched(what: Program, place: Place) -> Finished:
        done = run(what, place)
        seen.append(done.seconds)
        return done

    monkeypatch.setattr(timing, "run", watched)
    assert [latency("true")()] == seen
    seen.clear()
    assert latency("true", calls=3)() == min(seen)
    assert len(seen) == 3


def test_calls_make_a_round_as_long_as_a_clock_needs() -> None:
    """A call that takes no time is made often, and the time is that of one."""
    called = 0

    def count() -> None:
        nonlocal called
        called += 1

    measurement = latency(count)
    began = time.perf_counter()
    seconds = measurement()
    passed = time.perf_counter() - began
    assert measurement.description == "time of a call of count"
    # Rounds of 1, 2, 4 ... calls, and five more of as many as the last.
    calls, rest = divmod(called + 1, 7)
    assert (rest, calls.bit_count()) == (0, 1)
    assert 0 < seconds <= passed / (5 * calls)
    called = 0
    latency(count, calls=7)()
    assert called == 35


def test_garbage_is_part_of_what_a_call_costs() -> None:
    """A call is timed as it is made elsewhere: with a collector, unless that is off."""
    seen: set[bool] = set()
    measurement = latency(lambda: seen.add(gc.isenabled()), calls=1)
    measurement()
    assert seen == {True}
    gc.disable()
    try:
        measurement()
        assert not gc.isenabled()
    finally:
        gc.enable()
    assert seen == {True, False}


def test_what_a_call_raises_is_not_hidden() -> None:
    """It is the target's own fault, with its own traceback."""
    with pytest.raises(ZeroDivisionError):
        latency(lambda: 1 / 0)()


@pytest.mark.parametrize(
    ("what", "options", "message"),
    [
        ("true", {"calls": 0}, "calls=0: write a whole number, at least 1"),
        ("true", {"calls": 1.5}, "calls=1.5"),
        ("true", {"calls": True}, "calls=True"),
        (print, {"timeout": 3}, "timeout and shell are for commands"),
        (print, {"shell": True}, "timeout and shell are for commands"),
        (3, {}, "3 is no command"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(
    what: Any, options: dict[str, Any], message: str
) -> None:
    """Where they are written."""
    with pytest.raises(ValueError, match=message):
        latency(what, **options)
