"""What better means with several metrics: one Protocol, one class per objective.

An objective sees one series of gains per metric and says keep, discard or go on. Bounds of the
kind `at_least` are checked before (see `decision.verdict`).
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.model import Metric

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.decision.rules import Rule, Step
    from pytest_autoloop.decision.series import Series


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an objective makes of the pairs so far."""

    step: Step
    #: Why a candidate is discarded: ``no-gain`` or ``regression``; or kept, though it is no better.
    reason: str = ""
    detail: str = ""
    #: The series that decided, the one that a keep has to be confirmed on.
    decisive: str = ""


class Objective(Protocol):
    """Turns several series into one opinion."""

    def view(self, series: Sequence[Series]) -> list[Series]:
        """Return the series it looks at: the metrics' own, or ones made of them."""

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Say keep, discard or go on."""

    def supported(self, series: Sequence[Series], decisive: str) -> list[Series]:
        """Return the series that fresh pairs have to support on their own."""


class Primary:
    """The first metric improves; each other one stays within its `max_regression`."""

    def view(self, series: Sequence[Series]) -> list[Series]:
        """Look at the metrics themselves."""
        return list(series)

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Decide on the first metric, then look at the others."""
        first, *others = series
        return _unless_worse(first, others, rule)

    def supported(self, series: Sequence[Series], decisive: str) -> list[Series]:
        """Ask it of the series that decided."""
        return [named(series, decisive)]


class Pareto(Primary):
    """Better in one metric, worse in none."""

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Keep as soon as one metric is better, unless another is certainly worse."""
        worse = next((s for s in series if s.worse(0.0)), None)
        if worse is not None:
            return Opinion("discard", "regression", _told(worse), worse.metric.name)
        steps = [s.step(rule.shared(len(series))) for s in series]
        if "keep" in steps:
            return Opinion("keep", decisive=series[steps.index("keep")].metric.name)
        if "continue" in steps:
            return Opinion("continue")
        return Opinion("discard", "no-gain", decisive=series[0].metric.name)


class Weighted(Primary):
    """The weighted mean of all gains improves; gains have no unit, so they can be added."""

    def view(self, series: Sequence[Series]) -> list[Series]:
        """Look at the composite, whose noise is that of its parts, added as if independent."""
        total = math.fsum(s.metric.weight for s in series)
        shares = [s.metric.weight / total for s in series]
        columns = zip(*(s.gains for s in series), strict=True)
        composite = replace(
            series[0],
            metric=Metric("weighted", "higher"),
            gains=tuple(math.fsum(w * g for w, g in zip(shares, c, strict=True)) for c in columns),
            noise=_combined([s.noise for s in series], shares),
            exact=all(s.exact for s in series),
            # Times may be read from first calls, or be unclear still; metrics are what they are.
            basis=next((s.basis for s in series if s.basis != "metric"), "metric"),
            favoured=any(s.favoured for s in series),
        )
        return [composite]

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Decide on the composite alone."""
        return _unless_worse(series[0], (), rule)


class Lexicographic(Primary):
    """The first metric that is not a tie decides; a tie is less than the smallest gain."""

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Go through the metrics in order."""
        for one in series:
            step = one.step(rule.shared(len(series)))
            if step == "keep":
                return Opinion("keep", decisive=one.metric.name)
            if step == "continue":
                return Opinion("continue")
            if one.worse(0.0):
                return Opinion("discard", "regression", _told(one), one.metric.name)
        return Opinion("discard", "no-gain", "a tie in every metric", series[0].metric.name)


class Gated(Primary):
    """Metrics with a bound must hold it; then the first metric without one counts.

    While the incumbent itself is outside a bound, coming closer to it is what counts.
    """

    def view(self, series: Sequence[Series]) -> list[Series]:
        """Turn a metric round that has gone beyond its bound in its own direction."""
        return [replace(s, gains=tuple(-g for g in s.gains)) if s.overshot else s for s in series]

    def judge(self, series: Sequence[Series], rule: Rule) -> Opinion:
        """Decide on the first gate that is closed, else on the first metric without a bound."""
        closed = next((s for s in series if not s.within_bounds), None)
        if closed is not None:
            return _unless_worse(closed, (), rule)
        first, *others = [s for s in series if not s.metric.bounded] or list(series)
        return _unless_worse(first, others, rule)


OBJECTIVES: dict[str, Callable[[], Objective]] = {
    "primary": Primary,
    "pareto": Pareto,
    "weighted": Weighted,
    "lexicographic": Lexicographic,
    "gated": Gated,
}


def named(series: Sequence[Series], name: str) -> Series:
    """Return the series of a metric, the first one if there is none of that name."""
    return next((one for one in series if one.metric.name == name), series[0])


def _unless_worse(first: Series, others: Sequence[Series], rule: Rule) -> Opinion:
    step = first.step(rule)
    if step == "discard":
        return Opinion("discard", "no-gain", decisive=first.metric.name)
    if step == "continue":
        return Opinion("continue")
    worse = next((s for s in others if s.lost(math.log1p(s.metric.max_regression))), None)
    if worse is not None:
        told = f"{_told(worse)}, of which {worse.metric.max_regression:.0%} are allowed"
        return Opinion("discard", "regression", told, worse.metric.name)
    return Opinion("keep", decisive=first.metric.name)


def _told(series: Series) -> str:
    lost = -math.expm1(statistics.fmean(series.gains))
    return f"{series.metric.name} became {lost:.1%} worse"


def _combined(noises: Sequence[Noise], shares: Sequence[float]) -> Noise:
    variance = math.fsum(w * w * n.sigma**2 for n, w in zip(noises, shares, strict=True))
    return Noise(variance, min(noise.degrees for noise in noises))
