"""Inputs for timing: calls of one benchmark, each of them new to the worker that gets it."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.inputs import GENTLE, Observed, fresh, observe
from pytest_autoloop.evaluation.isolated.oracle import encoded

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_autoloop.evaluation.isolated.answers import Window
    from pytest_autoloop.evaluation.isolated.handle import Worker
    from pytest_autoloop.evaluation.isolated.inputs import Arguments, Mutator
    from pytest_autoloop.evaluation.isolated.recording import Recording
    from pytest_autoloop.evaluation.isolated.verification import Inputs

#: A function and what it is called with.
Named: TypeAlias = "tuple[str, Arguments]"

#: Fresh calls that a mutator is tried on, and the share that must end as the recorded ones do.
_TRIES, _ENOUGH = 5, 0.8
#: Fresh calls should cost what recorded ones do, within this factor either way.
_SIMILAR = 4.0
#: In one window, at most: calls, and bytes of their arguments.
_MOST_CALLS, _MOST_BYTES = 2000, 4 * 2**20
#: Seconds that an input may take on the original when mutators are tried.
_TRIAL_SECONDS = 20.0


@dataclass(slots=True)
class Supply:
    """The calls of one benchmark."""

    benchmark: str
    #: Recorded calls that are varied, with all that is known of their function and of themselves.
    varied: list[tuple[str, Arguments, Observed, Observed, Mutator]]
    #: Calls that can only be made as they are.
    fixed: list[Named]
    inputs: Inputs
    rng: random.Random
    #: Calls in a window.
    size: int = 1
    _made: set[bytes] = field(default_factory=set)
    _left: list[Named] = field(default_factory=list)

    def renew(self) -> None:
        """Begin with fresh workers: they have seen nothing."""
        self._made.clear()
        self._left = list(self.fixed)
        self.rng.shuffle(self._left)

    def take(self, count: int) -> list[Named]:
        """Return so many calls that were not made since `renew`; fewer when there are no more."""
        found: list[Named] = []
        if not self.varied:
            found, self._left = self._left[:count], self._left[count:]
            return found
        room = _MOST_BYTES
        for _ in range(2 * count + 20):
            function, call, observed, own, mutator = self.rng.choice(self.varied)
            arguments = fresh(call, observed, self.rng, mutator, own)
            data = encoded(arguments)
            if data is None or data in self._made:
                continue
            # Long ones by their hash: as many as a session makes would fill the memory.
            self._made.add(data if len(data) < 200 else hash(data).to_bytes(8, "big", signed=True))  # noqa: PLR2004
            found.append((function, arguments))
            room -= len(data)
            if len(found) == count or room < 0:
                break
        return found

    def resize(self, seconds_per_call: float, wanted: float) -> None:
        """Choose how many calls make a window of so many seconds."""
        self.size = min(_MOST_CALLS, max(1, math.ceil(wanted / max(seconds_per_call, 1e-7))))


def supplies(
    recording: Recording,
    start: Callable[[], Worker],
    extra: Mapping[str, Iterable[Arguments]],
    rng: random.Random,
    until: float,
) -> list[Supply]:
    """Return the calls of each benchmark; `start` gives a worker of the original."""
    everything: dict[str, list[Arguments]] = {}
    timed: dict[str, dict[str, dict[bytes, Arguments]]] = {}
    for call in recording.calls:
        arguments = plain.decode(call.data)
        if not call.raised:
            everything.setdefault(call.function, []).append(arguments)
        if call.benchmark:
            of_node = timed.setdefault(call.node, {})
            of_node.setdefault(call.function, {})[call.data] = arguments
    trial = _Trial(start, rng, until)
    observed = {name: observe(calls) for name, calls in everything.items()}
    found = []
    for node in sorted(timed):
        supply = Supply(node, [], [], "fresh", rng)
        for function, calls in timed[node].items():
            _fill(
                supply,
                function,
                list(calls.values()),
                observed=observed.get(function),
                extra=extra,
                trial=trial,
            )
        if supply.fixed:
            # What stands as it is must not come again, and so the rest waits for it.
            supply.varied.clear()
        found.append(supply)
    trial.close()
    return found


def _fill(
    supply: Supply,
    function: str,
    calls: list[Arguments],
    *,
    observed: Observed | None,
    extra: Mapping[str, Iterable[Arguments]],
    trial: _Trial,
) -> None:
    if function in extra:
        supply.fixed += [(function, arguments) for arguments in extra[function]]
        supply.inputs = "given"
        return
    mutator = trial.best(function, calls, observed) if observed is not None else None
    if mutator is None or observed is None:
        supply.fixed += [(function, arguments) for arguments in calls]
        supply.inputs = "recorded"
        return
    supply.varied += [(function, call, observed, observe([call]), mutator) for call in calls]


class _Trial:
    """Finds out which mutators the original copes with, and what fresh calls cost."""

    def __init__(self, start: Callable[[], Worker], rng: random.Random, until: float) -> None:
        self._start = start
        self._worker: Worker | None = None
        self._rng = rng
        self._until = until

    def close(self) -> None:
        """End the worker."""
        if self._worker is not None:
            self._worker.close()

    def best(self, function: str, calls: Sequence[Arguments], observed: Observed) -> Mutator | None:
        """Return the strongest mutator whose calls end and cost like the recorded ones."""
        usual = self._run(function, list(calls)[:_TRIES])
        if usual is None:
            return None
        per_call = usual.call_cpu / len(usual.outcomes)
        closest: tuple[float, Mutator] | None = None
        for mutator in GENTLE:
            if time.monotonic() > self._until:
                break
            drawn = [
                fresh(calls[place % len(calls)], observed, self._rng, mutator)
                for place in range(_TRIES)
            ]
            known = {encoded(call) for call in calls}
            new = {encoded(arguments) for arguments in drawn} - known - {None}
            if len(new) < _TRIES * _ENOUGH:
                continue
            window = self._run(function, drawn)
            if window is None or not _fine(window):
                continue
            ratio = max(window.call_cpu / len(drawn), 1e-7) / max(per_call, 1e-7)
            distance = abs(math.log(ratio))
            if distance <= math.log(_SIMILAR):
                return mutator
            if closest is None or distance < closest[0]:
                closest = distance, mutator
        return closest[1] if closest is not None else None

    def _run(self, function: str, calls: list[Arguments]) -> Window | None:
        if self._worker is None:
            self._worker = self._start()
        try:
            return self._worker.batch(function, calls, seconds=_TRIAL_SECONDS)
        except CandidateFault:
            # The user's own code, which did not cope with what was made up.
            self._worker = None
            return None


def _fine(window: Window) -> bool:
    ended = sum(outcome.raised is None for outcome in window.outcomes)
    return ended >= _ENOUGH * len(window.outcomes)
