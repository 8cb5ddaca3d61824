"""From paired samples to gains: one log-ratio per pair, and which times it speaks of."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.decision import student

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_autoloop.model import Metric, Pair, Sample

Basis: TypeAlias = Literal["warm", "first", "metric"]

#: A first call speaks of something else than a warm one when its saving differs by more than
#: this share of the warm saving, and by more than this share of the first call itself.
_DIFFERENT_SAVING = 0.5
_DIFFERENT_CALL = 0.1
#: How sure one must be that chance does not explain a contradiction, before first calls decide,
#: and before more pairs are asked for.
_CONFIDENCE = 0.99
_SUSPICION = 0.9
#: One nanosecond: below it a clock reads noise, and zero has no logarithm.
_CLOCK = 1e-9


def time_gain(pair: Pair, basis: Basis) -> float:
    """Return the mean log-ratio of times over the benchmarks both sides have (geometric mean)."""
    return statistics.fmean(_log_ratios(pair, basis).values())


def time_gains_by_benchmark(pairs: Sequence[Pair], basis: Basis) -> dict[str, list[float]]:
    """Return the log-ratios of each benchmark that every pair has."""
    ratios = [_log_ratios(pair, basis) for pair in pairs]
    shared = [name for name in ratios[0] if all(name in one for one in ratios)]
    return {name: [one[name] for one in ratios] for name in shared}


def _log_ratios(pair: Pair, basis: Basis) -> dict[str, float]:
    before, after = _times(pair.incumbent, basis), _times(pair.candidate, basis)
    shared = sorted(before.keys() & after.keys())
    return {name: math.log(max(before[name], _CLOCK) / max(after[name], _CLOCK)) for name in shared}


def metric_gain(pair: Pair, metric: Metric) -> float:
    """Return the gain in one metric: a log-ratio, or a bounded ratio where that has no meaning.

    Two positive values give the log of their ratio. With a zero or a negative value the
    difference is divided by the larger magnitude, which agrees with the log-ratio for small
    changes and stays within ±2.
    """
    before, after = pair.incumbent.metrics[metric.name], pair.candidate.metrics[metric.name]
    if before == after:
        return 0.0
    if before > 0 and after > 0:
        return metric.sign * (math.log(after) - math.log(before))
    return metric.sign * (after - before) / max(abs(before), abs(after))


@dataclass(frozen=True, slots=True)
class _Contradiction:
    """What first calls saved beyond what warm calls did, as shares of a first call."""

    #: One value for each pair.
    shares: list[float]
    #: Up to here both tell the same.
    tolerance: float

    @property
    def matters(self) -> bool:
        """Tell whether it would be worth a word, were it no noise."""
        return abs(statistics.median(self.shares)) > self.tolerance

    def is_sure(self, confidence: float, variance: float = 0.0, tests: int = 1) -> bool:
        """Tell whether chance does not explain it, in several tests of the same kind.

        `variance` is the least that is believed, from all of these tests together.
        """
        count = len(self.shares)
        believed = max(variance, statistics.variance(self.shares))
        if self.matters and not believed:
            return True
        critical = student.quantile(1 - (1 - confidence) / 2 / tests, tests * (count - 1))
        return self.matters and (
            abs(statistics.fmean(self.shares)) > critical * math.sqrt(believed / count)
        )


def basis_of(pairs: Sequence[Pair]) -> Basis | None:
    """Choose the times that tell the truth about these pairs; None while it is unclear.

    Rounds share a process, so a cache that outlives the call speeds up every round but the first
    one. An honest saving shows in both: what a call saves when warm, it saves when cold. Where the
    first calls say otherwise, of one benchmark or of all together, they decide.
    """
    each = [_contradiction(pairs, name) for name in _with_first_calls(pairs)]
    if not each:
        return "warm"
    # One first call is noisy; over many benchmarks the noise goes and a contradiction stays.
    together = _Contradiction(
        [statistics.fmean(shares) for shares in zip(*(c.shares for c in each), strict=True)],
        statistics.fmean(c.tolerance for c in each),
    )
    if len(pairs) > 2:  # noqa: PLR2004 - a spread needs three values to mean anything
        common = statistics.fmean(statistics.variance(c.shares) for c in each)

        def sure(confidence: float) -> bool:
            alone = any(c.is_sure(confidence, common, len(each)) for c in each)
            return alone or together.is_sure(confidence)

        if sure(_CONFIDENCE):
            return "first"
        if sure(_SUSPICION):
            return None
    return None if together.matters else "warm"


def _with_first_calls(pairs: Sequence[Pair]) -> list[str]:
    sides = [side for pair in pairs for side in (pair.incumbent, pair.candidate)]
    return sorted(set.intersection(*({*s.first} & {*s.warm} for s in sides)))


def _contradiction(pairs: Sequence[Pair], name: str) -> _Contradiction:
    first = [(p.incumbent.first[name], p.candidate.first[name]) for p in pairs]
    warm = [p.incumbent.warm[name] - p.candidate.warm[name] for p in pairs]
    call = max(_CLOCK, min(statistics.median(side) for side in zip(*first, strict=True)))
    # Both savings of one pair come from the same minutes: their difference carries the noise of
    # both, so that neither a slow spell nor a fast one passes for a contradiction.
    return _Contradiction(
        [
            (before - after - saving) / call
            for (before, after), saving in zip(first, warm, strict=True)
        ],
        max(_DIFFERENT_CALL, _DIFFERENT_SAVING * abs(statistics.median(warm)) / call),
    )


def _times(sample: Sample, basis: Basis) -> dict[str, float]:
    return sample.first if basis == "first" else sample.warm


def has_first_calls(pair: Pair) -> bool:
    """Tell whether both sides know what a benchmark's first call took."""
    return bool(pair.incumbent.first.keys() & pair.candidate.first.keys())


def score(samples: Iterable[Sample]) -> float | None:
    """Return the score of benchmark samples: seconds, geometric mean over the benchmarks.

    Each benchmark counts with its fastest sample; None without any.
    """
    best: dict[str, float] = {}
    for sample in samples:
        for name, seconds in sample.warm.items():
            best[name] = min(seconds, best.get(name, math.inf))
    return statistics.geometric_mean(best.values()) if best else None


def typical(values: Sequence[float]) -> float:
    """Return the value that stands for several measurements of one metric: their median."""
    return statistics.median(values)
