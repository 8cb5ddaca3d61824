"""From pairs to a decision: constraints, then the objective, then regressions."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_autoloop.decision import gains, sequential
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.model import Decision, Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.decision.gains import Basis
    from pytest_autoloop.decision.sequential import Rule
    from pytest_autoloop.model import Metric, Pair, Sample

#: What any single benchmark, or any metric but the first, may lose in a keep: 5%.
_LARGEST_REGRESSION = math.log(1.05)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the campaign knows of its noise; grows with every comparison."""

    warm: Noise
    first: Noise
    metric: Noise
    #: The metric fixtures gave exactly the same values for the same file.
    deterministic: bool = False

    @classmethod
    def from_same_file(cls, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Calibration:
        """Start from an A/A run: pairs of the baseline with itself."""
        nothing = Noise()
        if not metrics:
            return cls(
                warm=nothing.calibrated([gains.time_gain(p, "warm") for p in pairs]),
                first=nothing.calibrated(
                    [gains.time_gain(p, "first") for p in pairs if p.incumbent.first]
                ),
                metric=nothing,
            )
        values = [gains.metric_gain(pair, metric) for pair in pairs for metric in metrics]
        return cls(
            warm=nothing,
            first=nothing,
            metric=nothing.calibrated([gains.metric_gain(pair, metrics[0]) for pair in pairs]),
            deterministic=not any(values),
        )

    def of(self, basis: Basis) -> Noise:
        """Return the noise of gains on one basis."""
        return {"warm": self.warm, "first": self.first, "metric": self.metric}[basis]

    def observed(self, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Calibration:
        """Add the pairs of one comparison."""
        if metrics:
            noise = self.metric.observed([gains.metric_gain(p, metrics[0]) for p in pairs])
            return replace(self, metric=noise)
        first = [gains.time_gain(p, "first") for p in pairs if p.incumbent.first]
        return replace(
            self,
            warm=self.warm.observed([gains.time_gain(p, "warm") for p in pairs]),
            first=self.first.observed(first),
        )


def violated(sample: Sample, metrics: Sequence[Metric]) -> str:
    """Return which bound a sample breaks, in words; empty when it meets them all."""
    for metric in metrics:
        value = sample.metrics[metric.name]
        if metric.at_least is not None and value < metric.at_least:
            return f"{metric.name} is {value:g}, below at_least={metric.at_least:g}"
        if metric.at_most is not None and value > metric.at_most:
            return f"{metric.name} is {value:g}, above at_most={metric.at_most:g}"
    return ""


def decide(
    pairs: Sequence[Pair], calibration: Calibration, metrics: Sequence[Metric], rule: Rule
) -> Decision | None:
    """Say what the pairs so far allow; None asks for another pair.

    A `keep` from here still has to be confirmed on fresh pairs.
    """
    broken = violated(pairs[-1].candidate, metrics)
    if broken:
        return Decision("discard", "constraint", broken)
    basis = objective_basis(pairs, metrics)
    step = _step(pairs, basis, calibration, metrics, rule)
    if step == "continue":
        return None
    effect = effect_of(pairs, calibration, metrics)
    if step == "discard":
        return Decision("discard", "no-gain", _why_not(pairs, basis, effect, rule), effect)
    worse = _regression(pairs, basis or "warm", metrics)
    if worse:
        return Decision("discard", "regression", worse, effect)
    return Decision("keep", "", "", effect)


def _step(
    pairs: Sequence[Pair],
    basis: Basis | None,
    calibration: Calibration,
    metrics: Sequence[Metric],
    rule: Rule,
) -> sequential.Step:
    if basis is None:
        return "continue" if len(pairs) < rule.maximum_pairs else "discard"
    values = gains_of(pairs, basis, metrics)
    if calibration.deterministic:
        return "keep" if values[-1] > 0 else "discard"
    return sequential.decide(values, calibration.of(basis), rule)


def confirmed(
    fresh: Sequence[Pair],
    basis: Basis,
    calibration: Calibration,
    metrics: Sequence[Metric],
    rule: Rule,
) -> bool:
    """Say whether fresh pairs alone support a keep; each must meet the bounds again."""
    if any(violated(pair.candidate, metrics) for pair in fresh):
        return False
    values = gains_of(fresh, basis, metrics)
    if calibration.deterministic:
        return min(values) > 0
    return sequential.confirmed(values, calibration.of(basis), rule)


def objective_basis(pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Basis | None:
    """Choose what the objective is read from; None while first and warm calls disagree."""
    return "metric" if metrics else gains.basis_of(pairs)


def gains_of(pairs: Sequence[Pair], basis: Basis, metrics: Sequence[Metric]) -> list[float]:
    """Return the objective's gain in each pair."""
    if basis == "metric":
        return [gains.metric_gain(pair, metrics[0]) for pair in pairs]
    return [gains.time_gain(pair, basis) for pair in pairs]


def effect_of(pairs: Sequence[Pair], calibration: Calibration, metrics: Sequence[Metric]) -> Effect:
    """Return the effect with its interval; where it is unclear, of the warm calls."""
    basis = objective_basis(pairs, metrics) or "warm"
    values = gains_of(pairs, basis, metrics)
    if calibration.deterministic:
        return Effect(values[-1], values[-1], values[-1], 1.0, len(values), basis)
    return sequential.effect(values, calibration.of(basis), basis)


def _why_not(pairs: Sequence[Pair], basis: Basis | None, effect: Effect, rule: Rule) -> str:
    if basis is None:
        return "first calls and warm calls disagree: a cache that outlives the call?"
    if basis == "first":
        warm = statistics.fmean(gains.time_gain(pair, "warm") for pair in pairs)
        if warm > rule.threshold:
            return "only later calls are faster: a cache that outlives the call is not a gain"
        return "judged by first calls"
    return "" if effect.low < 0 else "smaller than the smallest gain of interest"


def _regression(pairs: Sequence[Pair], basis: Basis, metrics: Sequence[Metric]) -> str:
    """Name a benchmark, or a metric but the first, that a keep would make worse."""
    parts = {
        metric.name: [gains.metric_gain(pair, metric) for pair in pairs] for metric in metrics[1:]
    }
    if not metrics:
        parts = gains.time_gains_by_benchmark(pairs, basis)
    for name, values in parts.items():
        mean = statistics.fmean(values)
        if mean < -_LARGEST_REGRESSION:
            return f"{name} became {math.expm1(-mean):.1%} worse"
    return ""
