"""How long a command takes, or a call."""

from __future__ import annotations

import gc
import timeit
from typing import TYPE_CHECKING

from pytest_autoloop.metrics.measurement import Measurement
from pytest_autoloop.metrics.programs import TIMEOUT, program, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.metrics.measurement import Place
    from pytest_autoloop.metrics.programs import Command

#: Rounds of calls, of which the fastest counts; and seconds that a round lasts at least: some ten
#: thousand times what a clock can tell apart.
_ROUNDS, _ROUND = 5, 0.01


def latency(
    what: Command | Callable[[], object],
    *,
    calls: int | None = None,
    timeout: float | None = None,
    shell: bool = False,
) -> Measurement:
    """Time a command, or a call of a function: s of wall time, lower is better.

    Of several runs, or rounds of calls, the fastest counts: other programs can only make one
    slower. For a function, a test with the `benchmark` fixture is the better score: it is verified.

    Args:
        what: a command, or a function without arguments.
        calls: of a command, how many times it runs (1); of a function, how many calls make a
            round (as many as last 10 ms), of which there are five.
        timeout: seconds after which a run of a command is ended (60).
        shell: whether the system's shell runs the command, which is one line then.

    Raises:
        ValueError: there is nothing to run, or an argument is out of range.
    """
    if calls is not None and (not isinstance(calls, int) or isinstance(calls, bool) or calls < 1):
        raise ValueError(f"calls={calls!r}: write a whole number, at least 1")
    if not callable(what):
        command = program(what, timeout=TIMEOUT if timeout is None else timeout, shell=shell)
        runs = calls or 1

        def take(place: Place) -> float:
            return min(run(command, place).seconds for _ in range(runs))

        return Measurement("lower", "s", f"wall time of `{command}`", take)
    if timeout is not None or shell:
        raise ValueError("timeout and shell are for commands: a function cannot be ended")
    called = what
    name = getattr(called, "__name__", repr(called))
    return Measurement("lower", "s", f"time of a call of {name}", lambda _: _fastest(called, calls))


def _fastest(called: Callable[[], object], calls: int | None) -> float:
    # Garbage is part of what a call costs, and timeit looks away.
    timer = timeit.Timer(called, "import gc; gc.enable()" if gc.isenabled() else "pass")
    number = calls or 1
    while calls is None and timer.timeit(number) < _ROUND:
        number *= 2
    return min(timer.repeat(_ROUNDS, number)) / number
