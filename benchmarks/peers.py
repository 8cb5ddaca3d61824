"""Loops that decide: our rules on pairs, and the rules of other loops, which store a number."""

from __future__ import annotations

import copy
import math
import random
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop.decision import gains, sequential
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Rule, Sequential, Strict, Threshold
from pytest_autoloop.evaluation.turns import reduced
from pytest_autoloop.model import Pair, Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sources import Source

#: As in a campaign: A/A pairs at its start, experiments between control pairs, pairs of the audit.
_CALIBRATION = 3
_CONTROL_EVERY = 10
_AUDIT = 5
#: The MAD confidence that is called real, and the runs it takes to have one.
_REAL = 2.0
_SMALLEST_HISTORY = 3


class Loop(Protocol):
    """Keeps or discards one candidate after the other."""

    def start(self, source: Source) -> None:
        """Begin a campaign: measure the original code."""

    def control(self, source: Source, incumbent: float) -> None:
        """Do what is due between two experiments."""

    def keeps(self, source: Source, incumbent: float, candidate: float) -> bool:
        """Measure a candidate; say whether it is kept."""

    def aside(self) -> Loop:
        """Return the loop for a candidate that will not become the incumbent."""

    def claim(self, source: Source, best: float) -> float:
        """Return the log-gain that is reported at the end."""


@dataclass(slots=True)
class Paired:
    """Our loop: pairs in ABBA turns, until the rule decides."""

    rule: Rule
    noise: Noise = field(default_factory=Noise)
    _since_control: int = 0
    _random: random.Random = field(default_factory=lambda: random.Random(0))

    def start(self, source: Source) -> None:
        """Measure the original against itself."""
        source.begin()
        same = [self._gain(source, 0.0, 0.0) for _ in range(_CALIBRATION)]
        self.noise = Noise().calibrated(same)
        self._since_control = 0

    def control(self, source: Source, incumbent: float) -> None:
        """Measure the incumbent against itself now and then."""
        if self._since_control >= _CONTROL_EVERY:
            source.begin()
            self.noise = self.noise.calibrated([self._gain(source, incumbent, incumbent)])
            self._since_control = 0

    def keeps(self, source: Source, incumbent: float, candidate: float) -> bool:
        """Measure pairs until the rule decides, and fresh ones to confirm a keep."""
        source.begin()
        self._since_control += 1
        found: list[float] = []
        step = "continue"
        while step == "continue":
            found.append(self._gain(source, incumbent, candidate))
            step = self.rule.decide(found, self.noise)
        fresh: list[float] = []
        if step == "keep":
            count = self.rule.confirmation_pairs(self.noise)
            fresh = [self._gain(source, incumbent, candidate) for _ in range(count)]
        kept = step == "keep" and (not fresh or self.rule.confirmed(fresh, self.noise))
        self.noise = self.noise.observed([*found, *fresh])
        return kept

    def aside(self) -> Loop:
        """Return itself: it stores no number of the incumbent."""
        return self

    def claim(self, source: Source, best: float) -> float:
        """Measure the original against the best on fresh pairs."""
        if best == 0:
            return 0.0
        source.begin()
        audit = [self._gain(source, 0.0, best) for _ in range(_AUDIT)]
        return sequential.effect(audit, self.noise, "warm").log_gain

    def _gain(self, source: Source, incumbent: float, candidate: float) -> float:
        sides: dict[str, list[Sample]] = {"I": [], "C": []}
        for side in self._random.choice(("ICCI", "CIIC")):
            level = candidate if side == "C" else incumbent
            seconds = source.run(level, candidate=side == "C")
            sides[side].append(Sample(warm={"work": seconds}))
        pair = Pair(reduced(sides["I"], "min"), reduced(sides["C"], "min"))
        return gains.time_gain(pair, "warm")


@dataclass(slots=True)
class Stored:
    """A loop that measures the candidate alone, and compares with a stored number."""

    #: Runs of a candidate, and what they are reduced to.
    runs: int = 1
    reduce: Callable[[Sequence[float]], float] = min
    baseline: float = math.inf
    best: float = math.inf

    def start(self, source: Source) -> None:
        """Measure the original as often as a candidate."""
        source.begin()
        times = self._times(source, 0.0, candidate=False)
        self.baseline = self.best = self.reduce(times)

    def control(self, source: Source, incumbent: float) -> None:
        """Measure nothing again."""

    def keeps(self, source: Source, incumbent: float, candidate: float) -> bool:  # noqa: ARG002
        """Measure the candidate; a keep stores its number."""
        source.begin()
        times = self._times(source, candidate, candidate=True)
        kept = self.better(times)
        if kept:
            self.best = self.reduce(times)
        return kept

    def better(self, times: Sequence[float]) -> bool:
        """Say whether a candidate beats what is stored."""
        return self.reduce(times) < self.best

    def aside(self) -> Loop:
        """Return a copy: its numbers are forgotten."""
        return copy.deepcopy(self)

    def claim(self, source: Source, best: float) -> float:  # noqa: ARG002 - nothing is measured
        """Compare the stored numbers."""
        return math.log(self.baseline / self.best)

    def _times(self, source: Source, level: float, *, candidate: bool) -> list[float]:
        return [source.run(level, candidate=candidate) for _ in range(self.runs)]


class BeyondSpread(Stored):
    """The mean is better by more than the candidate's own standard deviation."""

    def better(self, times: Sequence[float]) -> bool:
        """Add one standard deviation to the mean."""
        return statistics.fmean(times) + statistics.stdev(times) < self.best


class BeyondThreshold(Stored):
    """Better than the stored number by 5%; a keep becomes the new one."""

    def better(self, times: Sequence[float]) -> bool:
        """Ask for a ratio of times."""
        return self.reduce(times) * 1.05 <= self.best


@dataclass(slots=True)
class Confident(Stored):
    """Best so far, with |best − baseline| / MAD of all runs of at least 2."""

    history: list[float] = field(default_factory=list)

    def start(self, source: Source) -> None:
        """Begin the history with the baseline."""
        # Not super(): a slotted dataclass is another class than the one `super` would look for.
        Stored.start(self, source)
        self.history = [self.baseline]

    def better(self, times: Sequence[float]) -> bool:
        """Compare the best with the baseline, in units of the spread of all runs."""
        found = self.reduce(times)
        self.history.append(found)
        if found >= self.best or len(self.history) < _SMALLEST_HISTORY:
            return False
        middle = statistics.median(self.history)
        spread = statistics.median(abs(value - middle) for value in self.history)
        return abs(found - self.baseline) >= _REAL * spread > 0


def loops() -> dict[str, Loop]:
    """Return every loop by name, ours first."""
    return {
        "sequential": Paired(Sequential()),
        "strict": Paired(Strict()),
        "batched:3": Paired(Batched(3)),
        "threshold": Paired(Threshold()),
        "peer: 1 sample < best": Stored(),
        "peer: min of 3 < stored": Stored(3),
        "peer: mean+sd of 3 < stored": BeyondSpread(3, statistics.fmean),
        "peer: best, MAD conf. >= 2": Confident(),
        "peer: 5% below stored": BeyondThreshold(),
    }
