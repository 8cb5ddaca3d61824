"""From pairs to a decision: bounds first, then the objective, then single benchmarks."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.decision import gains, student
from pytest_autoloop.decision.objectives import Objective, Primary, named
from pytest_autoloop.decision.rules import Rule, Sequential
from pytest_autoloop.decision.series import Calibration, Series, series_of
from pytest_autoloop.model import TIME, Decision

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.decision.gains import Basis
    from pytest_autoloop.model import Effect, Metric, Pair, Rounds, Sample

#: One-sided confidence that a benchmark has lost more than it may.
_SURELY = 0.95


@dataclass(frozen=True, slots=True)
class Policy:
    """How a campaign decides."""

    metrics: tuple[Metric, ...]
    objective: Objective = field(default_factory=Primary)
    rule: Rule = field(default_factory=Sequential)
    rounds: Rounds = "fresh"

    def series(
        self, pairs: Sequence[Pair], calibration: Calibration, basis: Basis | None = None
    ) -> list[Series]:
        """Return the series that the objective looks at."""
        own = series_of(pairs, self.metrics, calibration, self.rounds, basis)
        return self.objective.view(own)


@dataclass(frozen=True, slots=True)
class Finding:
    """A decision, and on what it rests."""

    decision: Decision
    #: The series that decided; None for a candidate that breaks a bound.
    series: Series | None = None
    #: Those that fresh pairs have to support on their own.
    supported: tuple[Series, ...] = ()


def violated(sample: Sample, metrics: Sequence[Metric]) -> Metric | None:
    """Return the first metric whose bounds a sample breaks."""
    for metric in metrics:
        value = sample.metrics.get(metric.name)
        if value is not None and not metric.meets(value):
            return metric
    return None


def told_violation(sample: Sample, metric: Metric) -> str:
    """Say in words which bound a sample breaks."""
    value = sample.metrics[metric.name]
    if metric.at_least is not None and value < metric.at_least:
        return f"{metric.name} is {value:g}, below at_least={metric.at_least:g}"
    return f"{metric.name} is {value:g}, above at_most={metric.at_most:g}"


def decide(pairs: Sequence[Pair], calibration: Calibration, policy: Policy) -> Finding | None:
    """Say what the pairs so far allow; None asks for another pair.

    A `keep` from here still has to be confirmed on fresh pairs.
    """
    broken = _broken_bound(pairs[-1], policy)
    if broken is not None:
        return Finding(broken)
    series = policy.series(pairs, calibration)
    opinion = policy.objective.judge(series, policy.rule)
    if opinion.step == "continue":
        return None
    decisive = named(series, opinion.decisive)
    effect = decisive.effect
    if opinion.step == "discard":
        detail = opinion.detail or _why_not(pairs, decisive, effect)
        return Finding(Decision("discard", opinion.reason, detail, effect))
    slower = _slower_benchmark(pairs, calibration, policy, decisive.basis)
    if slower:
        return Finding(Decision("discard", "regression", slower, effect))
    supported = policy.objective.supported(series, opinion.decisive)
    return Finding(Decision("keep", opinion.reason, "", effect), decisive, tuple(supported))


def hopeless(pair: Pair, calibration: Calibration, policy: Policy) -> bool:
    """Say whether half a pair, one turn of each side, is enough to discard: the short race."""
    finding = decide([pair], calibration.widened(2.0), policy)
    return finding is not None and finding.decision.status == "discard"


def confirm(
    found: Sequence[Pair],
    fresh: Sequence[Pair],
    finding: Finding,
    calibration: Calibration,
    policy: Policy,
) -> Decision:
    """Say whether fresh pairs alone support a keep; the effect is that of all pairs."""
    assert finding.series is not None
    broken = next((b for pair in fresh if (b := _broken_bound(pair, policy))), None)
    if broken is not None:
        return broken
    name, basis = finding.series.metric.name, finding.series.basis
    basis = None if basis == "metric" else basis
    effect = named(policy.series([*found, *fresh], calibration, basis), name).effect
    if effect.basis == "warm" and gains.has_first_calls(found[0]):
        every = [*found, *fresh]
        first = statistics.fmean(gains.time_gain(pair, "first") for pair in every)
        effect = replace(effect, first_calls=first)
    if not fresh:
        return replace(finding.decision, effect=effect)
    everything = [*found, *fresh]
    opinion = policy.objective.judge(policy.series(everything, calibration, basis), policy.rule)
    slower = _slower_benchmark(everything, calibration, policy, finding.series.basis)
    if opinion.reason == "regression" or slower:
        return Decision("discard", "regression", opinion.detail or slower, effect)
    again = policy.objective.supported(policy.series(fresh, calibration, basis), name)
    for old, new in zip(finding.supported, again, strict=True):
        if old.exact and {*old.gains} != {*new.gains}:
            detail = f"{old.metric.name} was exact, but two runs of this candidate gave different"
            return Decision("discard", "no-gain", f"{detail} values", effect)
    if all(one.confirmed(policy.rule) for one in again):
        return replace(finding.decision, effect=effect)
    what = "the gain was" if again[0].margin is None else "that it is as good was"
    return Decision("discard", "no-gain", f"{what} not confirmed on fresh pairs", effect)


def confirmation_pairs(finding: Finding, policy: Policy) -> int:
    """Return how many fresh pairs a keep must be confirmed on."""
    assert finding.supported
    return max(
        1 if one.exact else policy.rule.confirmation_pairs(one.noise) for one in finding.supported
    )


def found_again(
    fresh: Sequence[Pair], finding: Finding, calibration: Calibration, policy: Policy
) -> bool:
    """Say whether fresh pairs alone would be kept by the rule itself.

    That asks for more than a confirmation does, and may be looked at after each pair.
    """
    assert finding.series is not None
    basis = None if finding.series.basis == "metric" else finding.series.basis
    series = policy.series(fresh, calibration, basis)
    again = policy.objective.supported(series, finding.series.metric.name)
    timed = not all(one.exact for one in again)
    return timed and all(one.found_again(policy.rule) for one in again)


def overall(pairs: Sequence[Pair], calibration: Calibration, policy: Policy) -> Effect:
    """Return the effect on the objective's first series."""
    return policy.series(pairs, calibration)[0].effect


def _broken_bound(pair: Pair, policy: Policy) -> Decision | None:
    # A bound that the incumbent does not meet either is a goal, not a reason to discard.
    met = [m for m in policy.metrics if violated(pair.incumbent, [m]) is None]
    broken = violated(pair.candidate, met)
    if broken is None:
        return None
    return Decision("discard", "constraint", told_violation(pair.candidate, broken))


def _why_not(pairs: Sequence[Pair], series: Series, effect: Effect) -> str:
    if series.basis is None:
        return "first calls and warm calls disagree: a cache that outlives the call?"
    if series.basis == "first":
        warm = statistics.fmean(gains.time_gain(pair, "warm") for pair in pairs)
        if warm > 0:
            return "only later calls are faster: a cache that outlives the call"
        return "judged by first calls"
    return "" if effect.low < 0 else "smaller than the smallest gain of interest"


def _slower_benchmark(
    pairs: Sequence[Pair], calibration: Calibration, policy: Policy, basis: Basis | None
) -> str:
    """Name a benchmark that a keep would surely make slower than the time's bound allows.

    Surely: the upper end of a one-sided interval of its mean log gain (Student's t) is beyond the
    bound. Each of k benchmarks has √k times the noise of their geometric mean.
    """
    bound = next((m.max_regression for m in policy.metrics if m.name == TIME.name), None)
    if bound is None:
        return ""
    times: Basis = "first" if basis == "first" else "warm"
    gained = gains.time_gains_by_benchmark(pairs, times)
    noise = calibration.of(TIME.name)
    spread = noise.sigma * math.sqrt(len(gained) / len(pairs))
    uncertain = student.quantile(_SURELY, max(1, round(noise.degrees))) * spread
    for name, values in gained.items():
        mean = statistics.fmean(values)
        if mean + uncertain < -math.log1p(bound):
            return f"{name} became {math.expm1(-mean):.1%} slower"
    return ""
