"""One series of gains per metric, with the noise that belongs to it."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.decision import gains, sequential
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.model import TIME, Effect

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.decision.gains import Basis
    from pytest_autoloop.decision.rules import Rule, Step
    from pytest_autoloop.model import Metric, Pair, Rounds

#: After so many pairs, first and warm calls that still disagree are not asked again.
_UNCLEAR_PAIRS = 20
#: Standard deviations from zero at which a control pair says that the machine has changed.
_UNUSUAL = 4.0
#: Name of the noise of first calls, beside that of the warm ones.
_FIRST = f"{TIME.name}:first"


@dataclass(frozen=True, slots=True)
class Series:
    """The gains of one metric over the pairs of one comparison."""

    metric: Metric
    gains: tuple[float, ...]
    noise: Noise
    #: The metric gave exactly the same value for the same file: one pair says all.
    exact: bool = False
    #: Which times the gains speak of; None while first and warm calls disagree.
    basis: Basis | None = "metric"
    #: First calls say that the candidate is better.
    favoured: bool = False
    #: Whether the incumbent meets the metric's bounds.
    within_bounds: bool = True
    #: The bound that it breaks lies against the direction: what counts as a loss comes closer.
    overshot: bool = False
    #: Log gain that it may lose and still be as good, which then will do; None asks for a gain.
    margin: float | None = None

    def step(self, rule: Rule) -> Step:
        """Say what the rule makes of it."""
        if self.exact:
            return "keep" if self._improved(self.gains[-1]) else "discard"
        step = self._decided(rule)
        if self.basis is not None or step == "continue":
            return step
        # Only agreement can keep: a warm gain that first calls deny may be a cache. Nor can a warm
        # loss discard what first calls favour: then the incumbent may be the one with the cache.
        asked = _UNCLEAR_PAIRS if step == "keep" or self.favoured else 0
        return "continue" if len(self.gains) < asked else "discard"

    def confirmed(self, rule: Rule) -> bool:
        """Say whether these fresh pairs alone support a keep."""
        if self.exact:
            return self._improved(min(self.gains))
        if self.margin is not None:
            rule = rule.with_smallest_gain(_half(self.margin))
        return not self.gains or rule.confirmed(self._tested, self.noise)

    def found_again(self, rule: Rule) -> bool:
        """Say whether these fresh pairs alone would be kept by the rule itself."""
        return self._improved(min(self.gains)) if self.exact else self._decided(rule) == "keep"

    @property
    def effect(self) -> Effect:
        """The mean gain with its interval."""
        basis = self.basis or "warm"
        if self.exact:
            last = self.gains[-1]
            return Effect(last, last, last, 1.0, len(self.gains), basis)
        return sequential.effect(self.gains, self.noise, basis)

    def worse(self, bound: float) -> bool:
        """Say whether it has certainly lost, and by more than `bound` on the log scale."""
        effect = self.effect
        return effect.log_gain < -bound and effect.high < 0

    def lost(self, bound: float) -> bool:
        """Say whether it has lost more than `bound` on the log scale, as far as one can tell."""
        return self.effect.log_gain < -bound

    @property
    def _tested(self) -> list[float]:
        """The gains over what has to be beaten: being as good beats being worse by the margin."""
        return [gain + (self.margin or 0.0) for gain in self.gains]

    def _decided(self, rule: Rule) -> Step:
        if self.margin is not None:
            rule = rule.with_smallest_gain(_half(self.margin))
        elif self.metric.min_gain is not None:
            rule = rule.with_smallest_gain(self.metric.min_gain)
        return rule.decide(self._tested, self.noise)

    def _improved(self, gain: float) -> bool:
        """Say whether an exact gain is one, and as large as was asked for."""
        if self.margin is not None:
            return gain >= 0
        smallest = math.log1p(self.metric.min_gain or 0.0)
        # The logarithm of the very gain that was asked for may differ in its last bits.
        return gain > 0 and (gain > smallest or math.isclose(gain, smallest))


def _half(margin: float) -> float:
    """Return the smallest gain to ask of gains that were moved up by a margin, relative.

    What is truly equal has a gain of the whole margin there. Asked for all of it, every other one
    would miss it by chance.
    """
    return math.expm1(margin / 2)


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the campaign knows of its noise; grows with every comparison."""

    noises: Mapping[str, Noise] = field(default_factory=dict)
    exact: frozenset[str] = frozenset()

    @classmethod
    def from_same_file(cls, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Calibration:
        """Start from an A/A run: pairs of the baseline with itself."""
        found = _gains_by_name(pairs, metrics)
        exact = {name for name, values in found.items() if not any(values)}
        # A clock that never moves is no measurement; only a fixture can be exact.
        exact -= {TIME.name, _FIRST}
        return cls(
            {name: Noise().calibrated(values) for name, values in found.items()}, frozenset(exact)
        )

    def controlled(self, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Calibration:
        """Add control pairs, again of a file with itself, measured in mid-campaign."""
        found = _gains_by_name(pairs, metrics)
        noises = {name: self.of(name).calibrated(values) for name, values in found.items()}
        moved = {name for name in self.exact if any(found.get(name, ()))}
        return Calibration({**self.noises, **noises}, self.exact - moved)

    def observed(self, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> Calibration:
        """Add the pairs of one comparison, around their own mean.

        A metric that gave the incumbent two values is not exact; a candidate may be random itself.
        """
        found = _gains_by_name(pairs, metrics)
        noises = {name: self.of(name).observed(values) for name, values in found.items()}
        moved = {
            name
            for name in self.exact & found.keys()
            if len({pair.incumbent.metrics[name] for pair in pairs}) > 1
        }
        return Calibration({**self.noises, **noises}, self.exact - moved)

    def noisier(self, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> bool:
        """Say whether a comparison was so much noisier than the campaign that it needs saying."""
        found = _gains_by_name(pairs, metrics)
        found.pop(_FIRST, None)
        return any(self.of(name).noisier(values) for name, values in found.items())

    def unusual(self, pairs: Sequence[Pair], metrics: Sequence[Metric]) -> bool:
        """Say whether control pairs lie further from zero than the campaign's noise explains."""
        found = _gains_by_name(pairs, metrics)
        found.pop(_FIRST, None)
        return any(
            abs(gain) > _UNUSUAL * self.of(name).sigma
            for name, values in found.items()
            for gain in values
        )

    def widened(self, factor: float) -> Calibration:
        """Return the same with every variance multiplied: for pairs of fewer turns."""
        noises = {
            name: Noise(noise.sigma**2 * factor, noise.degrees)
            for name, noise in self.noises.items()
        }
        return replace(self, noises=noises)

    def of(self, name: str) -> Noise:
        """Return the noise of one metric's gains."""
        return self.noises.get(name, Noise())


def series_of(
    pairs: Sequence[Pair],
    metrics: Sequence[Metric],
    calibration: Calibration,
    rounds: Rounds = "fresh",
    basis: Basis | None = None,
) -> list[Series]:
    """Return one series per metric, in the order of the metrics.

    Times are read from warm calls unless `rounds` is "fresh" and first calls tell another story;
    `basis` fixes that choice, for pairs that confirm an earlier one.
    """
    return [
        _times(pairs, metric, calibration, rounds, basis)
        if metric.name == TIME.name
        else Series(
            metric,
            tuple(gains.metric_gain(pair, metric) for pair in pairs),
            calibration.of(metric.name),
            exact=metric.name in calibration.exact,
            within_bounds=all(metric.meets(pair.incumbent.metrics[metric.name]) for pair in pairs),
            overshot=any(metric.overshot(pair.incumbent.metrics[metric.name]) for pair in pairs),
        )
        for metric in metrics
    ]


def _times(
    pairs: Sequence[Pair],
    metric: Metric,
    calibration: Calibration,
    rounds: Rounds,
    basis: Basis | None,
) -> Series:
    chosen = basis or ("warm" if rounds == "warm" else gains.basis_of(pairs))
    return Series(
        metric,
        tuple(gains.time_gain(pair, chosen or "warm") for pair in pairs),
        calibration.of(_FIRST if chosen == "first" else TIME.name),
        basis=chosen,
        favoured=chosen is None
        and statistics.median(gains.time_gain(pair, "first") for pair in pairs) > 0,
    )


def _gains_by_name(pairs: Sequence[Pair], metrics: Sequence[Metric]) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {}
    for metric in metrics:
        if metric.name != TIME.name:
            found[metric.name] = [gains.metric_gain(pair, metric) for pair in pairs]
            continue
        found[TIME.name] = [gains.time_gain(pair, "warm") for pair in pairs]
        first = [gains.time_gain(pair, "first") for pair in pairs if gains.has_first_calls(pair)]
        if first:
            found[_FIRST] = first
    return found
