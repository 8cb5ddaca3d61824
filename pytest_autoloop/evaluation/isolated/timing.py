"""Timing from outside: fresh inputs in, every result compared, clocks that no candidate reaches.

A memo, an answer learnt by heart or rubbish in the rounds that nobody looks at shows as a gain in
a benchmark that repeats one input in one process. Here every timed call has an input of its own.
"""

from __future__ import annotations

import random
import statistics
import time
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.isolated import verdicts
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.isolated.supply import Supply, supplies
from pytest_autoloop.evaluation.isolated.verification import (
    Cost,
    Interval,
    Twin,
    Verification,
    by_benchmark,
    contradiction,
    gain,
    is_blind,
    is_overclaimed,
    log_gains,
    told,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from pytest_autoloop.evaluation.isolated.answers import Outcome
    from pytest_autoloop.evaluation.isolated.handle import Worker
    from pytest_autoloop.evaluation.isolated.inputs import Arguments
    from pytest_autoloop.evaluation.isolated.recording import Recording
    from pytest_autoloop.evaluation.isolated.supply import Named
    from pytest_autoloop.evaluation.isolated.verification import Inputs

Version: TypeAlias = Literal["original", "incumbent", "candidate"]

#: Processor seconds of a window's calls, on the incumbent.
_WINDOW = 0.008
#: Pairs of windows in a block, over all benchmarks, and for each at least.
_PAIRS, _PAIRS_EACH = 8, 2
#: Blocks of fresh workers: at least, and at most.
_LEAST_BLOCKS, _MOST_BLOCKS = 2, 24
#: After so many, what would need more than the most of them is given up.
_HOPELESS_BLOCKS = 4
#: Seconds for a batch, beyond a multiple of what it should take.
_BATCH_SECONDS, _BATCH_FACTOR = 20.0, 50.0
_CACHE = "the usual cause is a cache that lives across calls, or answers for known inputs"


class _Differs(Exception):
    """A timed call gave another result than the original."""


def verify_gain(
    start: Callable[[Version], Worker],
    recording: Recording,
    *,
    claimed_log_gain: float,
    seed: int,
    seconds: float,
    extra: Mapping[str, Iterable[Arguments]] | None = None,
    tolerance: float = 1e-9,
    allow_cross_call_cache: bool = False,
    incumbent_is_original: bool = False,
) -> Verification:
    """Confirm that a candidate is faster than the incumbent on inputs it has never seen.

    With `incumbent_is_original` what the incumbent answers is what is expected, which saves a
    third of the time.

    Raises:
        CandidateFault: the candidate did what none may.
        EvaluationError: the incumbent cannot be run.
    """
    race = _Race(start, seed, seconds, tolerance, incumbent_is_original)
    race.warm = allow_cross_call_cache
    reason, why = "", ""
    try:
        race.prepare(recording, extra or {})
        race.run()
    except _Differs as difference:
        reason, why = "differential", str(difference)
    finally:
        race.close()
    found = race.estimate()
    blind = is_blind(race.decisive, race.inputs) and found.high > 0
    if not reason and found.low <= 0 and not blind:
        reason, why = "unverified-gain", _CACHE if found.mean < claimed_log_gain / 2 else ""
    elif not reason:
        why = contradiction(race.decisive)
        reason = "unverified-gain" if why else ""
    if not race.supplies:
        why = "no benchmark calls a function of the target"
    return race.verification(found, claimed_log_gain, reason, why, blind=blind)


class _Race:
    def __init__(
        self,
        start: Callable[[Version], Worker],
        seed: int,
        seconds: float,
        tolerance: float,
        same: bool,
    ) -> None:
        self._start = start
        self._rng = random.Random(seed)  # noqa: S311 - drawn when the candidate is loaded
        self._until = time.monotonic() + seconds
        self._tolerance = tolerance
        self._original: Worker | None = None
        self._same = same
        self.warm = False
        self.supplies: list[Supply] = []
        self._cold: list[Twin] = []
        self._warm: list[Twin] = []
        self._blocks = 0

    @property
    def decisive(self) -> list[Twin]:
        """The pairs that decide."""
        return self._warm if self.warm else self._cold

    def prepare(self, recording: Recording, extra: Mapping[str, Iterable[Arguments]]) -> None:
        """Find out how the benchmarks' calls can be varied."""
        left = self._until - time.monotonic()
        self.supplies = supplies(
            recording,
            lambda: self._ours("original"),
            extra,
            self._rng,
            time.monotonic() + left / 3,
        )

    def run(self) -> None:
        """Time blocks until it is clear, or time is up."""
        while self.supplies and self._blocks < _MOST_BLOCKS:
            self._block()
            self._blocks += 1
            if self._blocks >= _LEAST_BLOCKS and self._decided():
                return
            if time.monotonic() > self._until:
                return

    def estimate(self) -> Interval:
        """Return the gain as it looks now."""
        twins = self.decisive
        return gain(twins) if twins else Interval(0.0, -1.0, 1.0)

    @property
    def inputs(self) -> Inputs:
        """Where the inputs come from, of the benchmark that has the least varied ones."""
        kinds: set[Inputs] = {supply.inputs for supply in self.supplies}
        return next((k for k in ("recorded", "given") if k in kinds), "fresh")

    def verification(
        self, found: Interval, claimed: float, reason: str, why: str, *, blind: bool
    ) -> Verification:
        """Return what was found."""
        inputs = self.inputs
        groups = by_benchmark(self.decisive)
        return Verification(
            confirmed=not reason and (found.low > 0 or blind),
            log_gain=found.mean,
            low=found.low,
            high=found.high,
            windows=len(self.decisive),
            inputs=inputs,
            per_benchmark={
                node: statistics.fmean(log_gains(twins)) for node, twins in groups.items()
            },
            cold=gain(self._cold).mean if self.warm and self._cold else None,
            warm=gain(self._warm).mean if self.warm and self._warm else None,
            reason=reason,
            detail=told(claimed, found, inputs, why),
            overclaimed=not blind and is_overclaimed(claimed, found.mean),
            blind=blind,
        )

    def close(self) -> None:
        """End the original's worker."""
        if self._original is not None:
            self._original.close()

    def _decided(self) -> bool:
        found = self.estimate()
        if found.low > 0 or found.high < 0:
            return True
        # How many blocks of this noise it would take until the mean, if it is true, shows.
        reach = found.mean - found.low
        needed = self._blocks * (reach / found.mean) ** 2 if found.mean > 0 else _MOST_BLOCKS
        return self._blocks >= _HOPELESS_BLOCKS and needed >= _MOST_BLOCKS

    def _ours(self, version: Version) -> Worker:
        return self._loaded(version, self._start(version))

    def _loaded(self, version: Version, worker: Worker) -> Worker:
        try:
            _ = worker.exports
        except CandidateFault as fault:
            if version == "candidate":
                raise
            raise EvaluationError(f"the {version} version cannot be run: {fault}") from fault
        return worker

    def _block(self) -> None:
        sides: list[Version] = ["incumbent", "candidate"]
        self._rng.shuffle(sides)
        workers: dict[Version, Worker] = {}
        try:
            for side in sides:
                workers[side] = self._start(side)
            # They load at the same time.
            for side, worker in workers.items():
                self._loaded(side, worker)
            for supply in self.supplies:
                supply.renew()
                self._settle(supply, workers)
            for _ in range(max(_PAIRS_EACH, -(-_PAIRS // len(self.supplies)))):
                for supply in self._rng.sample(self.supplies, len(self.supplies)):
                    self._pair(supply, workers)
                if time.monotonic() > self._until and self._blocks:
                    return
        finally:
            for worker in workers.values():
                worker.close()

    def _settle(self, supply: Supply, workers: Mapping[Version, Worker]) -> None:
        """Make first calls, which import and compile things, and learn what a call costs."""
        if not supply.varied:
            # Each only once, and so all at once: whatever they cost is in the window.
            supply.size = len(supply.fixed)
            return
        if self._blocks:
            for side in ("incumbent", "candidate"):
                self._timed(side, workers, supply.take(1))
            return
        while True:
            calls = supply.take(supply.size)
            taken = self._timed("incumbent", workers, calls)[0]
            self._timed("candidate", workers, calls)
            if not calls or taken.cpu > _WINDOW / 4 or taken.wall > _WINDOW * 4:
                break
            before = supply.size
            supply.resize(taken.cpu / len(calls), _WINDOW / 2)
            if supply.size <= 2 * before:
                break
            # A first call of many says little: go up in steps.
            supply.size = min(supply.size, 32 * before)
        if calls:
            supply.resize(taken.cpu / len(calls), _WINDOW * 1.1)

    def _pair(self, supply: Supply, workers: Mapping[Version, Worker]) -> None:
        calls = supply.take(supply.size)
        if not calls:
            return
        for twins in (self._cold, self._warm) if self.warm else (self._cold,):
            sides: list[Version] = ["incumbent", "candidate"]
            self._rng.shuffle(sides)
            found = {side: self._timed(side, workers, calls) for side in sides}
            expected = found["incumbent"][1]
            if not self._same:
                expected = self._expected(calls)
            self._compare(calls, expected, found["candidate"][1])
            twins.append(
                Twin(supply.benchmark, self._blocks, found["incumbent"][0], found["candidate"][0])
            )

    def _expected(self, calls: Sequence[Named]) -> list[Outcome]:
        if self._original is None:
            self._original = self._ours("original")
        return self._timed("original", {"original": self._original}, calls)[1]

    def _timed(
        self, side: Version, workers: Mapping[Version, Worker], calls: Sequence[Named]
    ) -> tuple[Cost, list[Outcome]]:
        """Run one window; several functions run one after the other."""
        order: dict[str, list[int]] = {}
        for place, (function, _) in enumerate(calls):
            order.setdefault(function, []).append(place)
        worker = workers[side]
        cpu = wall = total = idle = 0.0
        outcomes: dict[int, Outcome] = {}
        for function, places in order.items():
            batch = [calls[place][1] for place in places]
            try:
                window = worker.batch(function, batch, seconds=_BATCH_SECONDS)
            except CandidateFault as fault:
                if side == "candidate":
                    raise
                raise EvaluationError(f"the {side} version failed in timing: {fault}") from fault
            cpu += window.call_cpu
            wall += window.call_wall
            total += window.total_cpu
            idle += window.idle_cpu
            outcomes.update(zip(places, window.outcomes, strict=True))
        cost = Cost(cpu=cpu, wall=wall, total=total, idle=idle)
        return cost, [outcomes[place] for place in range(len(calls))]

    def _compare(
        self, calls: Sequence[Named], expected: Sequence[Outcome], actual: Sequence[Outcome]
    ) -> None:
        for (function, arguments), one, other in zip(calls, expected, actual, strict=True):
            if not verdicts.counts(one, contract_only=False):
                continue
            difference = verdicts.difference(one, other, self._tolerance)
            if difference:
                raise _Differs(
                    f"in a timed call, {verdicts.described(function, arguments)}: {difference}"
                )
