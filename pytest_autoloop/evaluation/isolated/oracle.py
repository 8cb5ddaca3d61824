"""What the original does with an input; and which fresh inputs it copes with."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.inputs import fresh
from pytest_autoloop.evaluation.isolated.limits import PlainDataError

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Sequence

    from pytest_autoloop.evaluation.isolated.answers import Outcome
    from pytest_autoloop.evaluation.isolated.handle import Worker
    from pytest_autoloop.evaluation.isolated.inputs import Arguments, Mutator, Observed

#: A mutator is used when so large a share of its calls end as the recorded ones do.
_ENOUGH = 0.8
_TRIES = 5


class Oracle:
    """The original in a worker, which is replaced when a fresh input was too much for it."""

    def __init__(self, worker: Worker, again: Callable[[], Worker] | None) -> None:
        self._worker: Worker | None = worker
        self._again = again

    @property
    def alive(self) -> bool:
        """Whether it still answers."""
        return self._worker is not None

    def ask(self, function: str, arguments: Arguments, seconds: float) -> Outcome | None:
        """Return what the original does; None when it takes too long, or returns no plain data."""
        if self._worker is None:
            return None
        positional, named = arguments
        try:
            return self._worker.call(function, positional, named, seconds=seconds)
        except CandidateFault:
            # The user's own code: no fault of anybody's, the input is not one for it.
            self._worker = self._again() if self._again else None
            return None


def encoded(arguments: Arguments) -> bytes | None:
    """Return the bytes of a call, to tell whether it was made before; None if it cannot cross."""
    try:
        return plain.encode(arguments)
    except PlainDataError:
        return None


def usable(
    oracle: Oracle,
    function: str,
    calls: Sequence[Arguments],
    observed: Observed,
    *,
    mutators: Iterable[Mutator],
    rng: random.Random,
    seconds: float,
    most: int,
    until: float,
) -> list[Mutator]:
    """Return mutators, strongest first, whose calls the original takes as it takes `calls`.

    `calls` did not raise. At most so many are looked for, and until that moment of
    `time.monotonic()`.
    """
    found: list[Mutator] = []
    for mutator in mutators:
        if len(found) == most or time.monotonic() > until:
            break
        good = varied = 0
        for place in range(_TRIES):
            call = calls[(place * 7 + rng.randrange(len(calls))) % len(calls)]
            other = fresh(call, observed, rng, mutator)
            data = encoded(other)
            varied += data is not None and data != encoded(call)
            outcome = oracle.ask(function, other, seconds) if data is not None else None
            good += outcome is not None and outcome.raised is None
            if outcome is None or place + 1 - good > _TRIES * (1 - _ENOUGH):
                break
        if good >= _ENOUGH * _TRIES and varied > _TRIES // 2:
            found.append(mutator)
    return found
