"""The differential guard: the original and a candidate answer inputs that nobody has seen before.

The candidate is loaded before the seed is drawn, and the inputs exist nowhere on disk: it cannot
know them. What counts is what a caller could see: values with their exact types, exceptions that
the original raises on purpose, arguments changed by the call, objects shared, earlier results.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_autoloop import text
from pytest_autoloop.evaluation.isolated import edges, plain, verdicts
from pytest_autoloop.evaluation.isolated.inputs import MUTATORS, fresh, observe
from pytest_autoloop.evaluation.isolated.oracle import Oracle, encoded, usable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from pytest_autoloop.evaluation.isolated.answers import Outcome
    from pytest_autoloop.evaluation.isolated.handle import Worker
    from pytest_autoloop.evaluation.isolated.inputs import Arguments, Mutator, Observed
    from pytest_autoloop.evaluation.isolated.recording import Recording

#: Fresh calls for each function, when there is time for all of them.
_CALLS = 120
#: Shares of these that are at the edge of their type, and beyond it.
_EDGES, _FOREIGN = 0.35, 0.1
#: How often a call is made again at once, and how often an earlier one is.
_TWICE, _EARLIER = 0.1, 0.1
#: With fewer different recorded calls little is known about what a function takes.
_FEW = 3
#: Share of the time for finding out what the original answers to what was recorded.
_FOR_RECORDED = 0.4
#: Seconds that a call may take, at least and as a multiple of what the original needed.
_CALL_SECONDS, _CALL_FACTOR = 2.0, 20.0


@dataclass(frozen=True, slots=True)
class Differential:
    """What became of comparing two versions."""

    #: Calls that were compared.
    calls: int
    #: The first difference, in one line for the proposer; "" when there was none.
    finding: str
    #: The largest relative deviation between floats that counted as equal.
    largest_deviation: float
    #: Where the comparison says little, for a person; "" when nothing is to be said.
    weak: str


@dataclass(slots=True)
class _Function:
    name: str
    recorded: list[Arguments]
    #: Those among them that did not raise.
    good: list[Arguments]
    observed: Observed
    slowest: float
    #: Given by the user: then nothing is made up.
    given: list[Arguments] | None = None
    mutators: list[Mutator] = field(default_factory=list)
    earlier: list[tuple[Arguments, Outcome]] = field(default_factory=list)
    steady: bool = True

    @property
    def seconds(self) -> float:
        """How long one call may take."""
        return max(_CALL_SECONDS, _CALL_FACTOR * self.slowest)


class _Found(Exception):
    """A difference was found."""


def compare_versions(
    original: Worker,
    candidate: Worker,
    recording: Recording,
    *,
    seed: int,
    seconds: float,
    extra: Mapping[str, Iterable[Arguments]] | None = None,
    tolerance: float = 1e-9,
    again: Callable[[], Worker] | None = None,
) -> Differential:
    """Compare a candidate with the original on recorded and on fresh inputs.

    `extra` holds calls that the user's project gives for some functions: there nothing else is
    made up. `again` starts another worker of the original: it tells whether a difference is one
    between versions, or between two runs of the same, and stands in when an input was too much.

    Raises:
        CandidateFault: the candidate did what none may.
    """
    comparison = _Comparison(
        original, candidate, seed=seed, seconds=seconds, tolerance=tolerance, again=again
    )
    functions = _functions(recording, extra or {})
    try:
        comparison.run(functions)
    except _Found as found:
        finding = str(found)
    else:
        finding = ""
    # Cut short by a finding, a comparison has not learnt what it could not have done.
    weak = "" if finding else comparison.weak(functions)
    return Differential(comparison.calls, finding, comparison.deviation, weak)


def _functions(recording: Recording, extra: Mapping[str, Iterable[Arguments]]) -> list[_Function]:
    by_name: dict[str, list[Any]] = {name: [] for name in extra}
    for call in recording.calls:
        by_name.setdefault(call.function, []).append(call)
    found = []
    for name, calls in by_name.items():
        distinct = {call.data: call for call in calls}
        decoded = [(plain.decode(data), call.raised) for data, call in distinct.items()]
        recorded = [arguments for arguments, _ in decoded]
        good = [arguments for arguments, raised in decoded if not raised]
        given = list(extra[name]) if name in extra else None
        slowest = max((call.seconds for call in calls), default=0.0)
        observed = observe(good or recorded)
        found.append(_Function(name, recorded, good or recorded, observed, slowest, given))
    return found


class _Comparison:
    def __init__(
        self,
        original: Worker,
        candidate: Worker,
        *,
        seed: int,
        seconds: float,
        tolerance: float,
        again: Callable[[], Worker] | None,
    ) -> None:
        self._oracle = Oracle(original, again)
        self._second = Oracle(again(), again) if again is not None else self._oracle
        self._candidate = candidate
        self._rng = random.Random(seed)  # noqa: S311 - the seed is drawn when nothing can know it
        self._start = time.monotonic()
        self._seconds = seconds
        self._tolerance = tolerance
        self.calls = 0
        self.deviation = 0.0

    def run(self, functions: list[_Function]) -> None:
        """Compare until there is a difference, or enough was compared."""
        until = self._start + self._seconds * _FOR_RECORDED
        for function in functions:
            self._recorded(function, until)
        for function in functions:
            if function.given is None and function.good and function.steady:
                function.mutators = usable(
                    self._oracle,
                    function.name,
                    function.good,
                    function.observed,
                    mutators=MUTATORS,
                    rng=self._rng,
                    seconds=function.seconds,
                    most=3,
                    until=self._start + self._seconds / 2,
                )
        for function in functions:
            if function.given is None and function.good and function.steady:
                self._refusals(function)
        for turn in range(_CALLS):
            for function in functions:
                if time.monotonic() - self._start > self._seconds or not self._oracle.alive:
                    return
                if function.steady:
                    self._fresh(function, turn)

    def weak(self, functions: list[_Function]) -> str:
        """Say for which functions the comparison tells little."""
        parts = []
        for one in functions:
            if not one.steady:
                parts.append(f"{one.name}() answers equal input differently: not compared")
            elif one.given is not None:
                continue
            elif len(one.recorded) < _FEW:
                calls = text.count(len(one.recorded), "recorded call")
                parts.append(f"{one.name}() has only {calls} with different arguments")
            elif not one.mutators:
                parts.append(f"{one.name}() takes no varied input: only recorded ones compared")
        return "; ".join(parts)

    def _recorded(self, function: _Function, until: float) -> None:
        """Replay what was recorded; drop a function that does not answer alike twice."""
        answers: list[tuple[Arguments, Outcome]] = []
        for arguments in function.recorded:
            if answers and time.monotonic() > until:
                break
            outcome = self._oracle.ask(function.name, arguments, function.seconds)
            if outcome is not None:
                answers.append((arguments, outcome))
        # In another order and another process: state that calls leave behind shows.
        for arguments, outcome in reversed(answers):
            other = self._second.ask(function.name, arguments, function.seconds)
            if other is not None and verdicts.difference(outcome, other, self._tolerance):
                function.steady = False
                return
        for arguments, outcome in answers:
            self._check(function, arguments, outcome)
        function.earlier += answers[-8:]

    def _refusals(self, function: _Function) -> None:
        """Try each argument with each other type: a check dropped must not be missed by chance."""
        call = min(function.good, key=lambda arguments: len(encoded(arguments) or b""))
        for arguments in edges.other_types(call):
            if function.steady:
                self._try(function, arguments, contract_only=True)

    def _fresh(self, function: _Function, turn: int) -> None:
        arguments, contract_only = self._drawn(function, turn)
        expected = None
        if arguments is not None and encoded(arguments) is not None:
            expected = self._try(function, arguments, contract_only=contract_only)
        if arguments is None or expected is None:
            return
        if function.steady and self._rng.random() < _TWICE:
            self._check(function, arguments, expected)
        if function.steady and function.earlier and self._rng.random() < _EARLIER:
            self._check(function, *self._rng.choice(function.earlier))
        function.earlier.append((arguments, expected))
        del function.earlier[:-32]

    def _try(
        self, function: _Function, arguments: Arguments, *, contract_only: bool
    ) -> Outcome | None:
        """Compare one call; return what the original does, unless that binds nobody."""
        expected = self._oracle.ask(function.name, arguments, function.seconds)
        if expected is None or not verdicts.counts(expected, contract_only=contract_only):
            return None
        self._check(function, arguments, expected)
        return expected

    def _drawn(self, function: _Function, turn: int) -> tuple[Arguments | None, bool]:
        """Return the next input, and whether it resembles nothing that was recorded."""
        rng = self._rng
        if function.given is not None:
            return (function.given[turn] if turn < len(function.given) else None), False
        if not function.recorded:
            return None, False
        kind = rng.random()
        if kind < _FOREIGN:
            # One fault at a time: which of two is noticed first is no promise.
            return edges.foreign(rng.choice(function.good), function.observed, rng), True
        call = rng.choice(function.good)
        if kind < _FOREIGN + _EDGES or not function.mutators:
            return edges.edge(call, function.observed, rng), False
        return fresh(call, function.observed, rng, rng.choice(function.mutators)), False

    def _check(self, function: _Function, arguments: Arguments, expected: Outcome) -> None:
        positional, named = arguments
        self.calls += 1
        actual = self._candidate.call(function.name, positional, named, seconds=function.seconds)
        told = verdicts.difference(expected, actual, self._tolerance)
        if not told:
            if expected.raised is None:
                apart = verdicts.deviation(expected.value, actual.value)
                self.deviation = max(self.deviation, apart)
            return
        other = self._second.ask(function.name, arguments, function.seconds)
        if other is not None and verdicts.difference(expected, other, self._tolerance):
            function.steady = False
            return
        raise _Found(f"{verdicts.described(function.name, arguments)}: {told}")
