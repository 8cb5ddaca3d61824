"""From paired samples to gains: one log-ratio per pair, and which times it speaks of."""

from __future__ import annotations

import math
import statistics
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
_CONFIDENCE = 0.99
#: One nanosecond: below it a clock reads noise, and zero has no logarithm.
_CLOCK = 1e-9


def time_gain(pair: Pair, basis: Basis) -> float:
    """Return the mean log-ratio of times over the benchmarks both sides have (geometric mean)."""
    return statistics.fmean(_log_ratios(pair, basis).values())


def time_gains_by_benchmark(pairs: Sequence[Pair], basis: Basis) -> dict[str, list[float]]:
    """Return each benchmark's log-ratio in each pair."""
    ratios = [_log_ratios(pair, basis) for pair in pairs]
    return {name: [one[name] for one in ratios] for name in ratios[0]}


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
        return metric.sign * math.log(after / before)
    return metric.sign * (after - before) / max(abs(before), abs(after))


def basis_of(pairs: Sequence[Pair]) -> Basis | None:
    """Choose the times that tell the truth about these pairs; None while it is unclear.

    Rounds share a process, so a cache that outlives the call speeds up every round but the first
    one. An honest saving shows in both: what a call saves when warm, it saves when cold. Where the
    first calls say otherwise for any benchmark, they decide.
    """
    verdicts = {
        _basis_of_benchmark(pairs, name)
        for name in sorted(pairs[0].incumbent.first.keys() & pairs[0].candidate.first.keys())
    }
    if "first" in verdicts:
        return "first"
    return None if None in verdicts else "warm"


def _basis_of_benchmark(pairs: Sequence[Pair], name: str) -> Basis | None:
    warm_saving = min(p.incumbent.warm[name] for p in pairs) - min(
        p.candidate.warm[name] for p in pairs
    )
    first = [(p.incumbent.first[name], p.candidate.first[name]) for p in pairs]
    contradictions = [before - after - warm_saving for before, after in first]
    centre = statistics.median(contradictions)
    call = min(statistics.median(side) for side in zip(*first, strict=True))
    if abs(centre) <= max(_DIFFERENT_SAVING * abs(warm_saving), _DIFFERENT_CALL * call):
        return "warm"
    if len(pairs) < 3:  # noqa: PLR2004 - a spread needs three values to mean anything
        return None
    error = statistics.stdev(contradictions) / math.sqrt(len(contradictions))
    critical = student.quantile((1 + _CONFIDENCE) / 2, len(contradictions) - 1)
    return "first" if abs(statistics.fmean(contradictions)) > critical * error else None


def _times(sample: Sample, basis: Basis) -> dict[str, float]:
    return sample.first if basis == "first" else sample.warm


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
