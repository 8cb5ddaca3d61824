"""The sequential test: after every pair keep, discard or go on.

Two likelihood-ratio mixtures, with the scale of the noise estimated and so Student-like tails.
Each is a non-negative martingale of mean at most one under its null hypothesis (approximately so,
because the scale is pooled from earlier pairs). By Ville's inequality looking after every pair
then costs nothing: the chance that a change without gain is ever called one stays under `alpha`.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

from pytest_autoloop.decision import student
from pytest_autoloop.decision.noise import CLIP, Noise, clip
from pytest_autoloop.model import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

Step: TypeAlias = Literal["keep", "discard", "continue"]

#: Effects that the evidence for a gain is averaged over, as ratios less one.
_GAINS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.21, 0.34, 0.55, 0.9)
#: Losses that the evidence against a gain is averaged over, in smallest gains of interest.
_LOSSES = (0, 1, 2, 4, 8, 16, 32)
_CONFIDENCE = 0.95
#: The cap lets a gain of this size be found, and confirmed, with this chance each.
_GUARANTEED_GAIN = 0.05
_POWER = 0.99
#: Chance that a gain which is called visible is confirmed, once it has been found.
_VISIBLE = 0.9
_NORMAL = statistics.NormalDist()


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of the test."""

    #: Smallest relative gain worth keeping: 0.01 is 1%.
    smallest_gain: float = 0.01
    #: Highest chance that a change without gain is kept, and that a worthwhile one is dropped.
    alpha: float = 0.01
    beta: float = 0.2
    #: Give up when the chance of still reaching a keep within the cap falls below this.
    gamma: float = 0.02
    minimum_pairs: int = 3
    #: The cap on pairs: at least this many, more on a noisy machine, never more than the last.
    shortest_cap: int = 10
    longest_cap: int = 60
    #: Evidence that the fresh pairs of the confirmation must give on their own.
    confirmation_evidence: float = 4.0

    @property
    def threshold(self) -> float:
        """The smallest gain of interest on the log scale."""
        return math.log1p(self.smallest_gain)


class PairsNeeded(NamedTuple):
    """How many pairs a decision may take on a machine with some noise."""

    cap: int
    confirmation: int


def decide(gains: Sequence[float], noise: Noise, limits: Limits) -> Step:
    """Say what the pairs so far allow."""
    evidence = list(map(clip, gains))
    enough = len(evidence) >= limits.minimum_pairs
    mean = statistics.fmean(evidence)
    found = enough and mean >= limits.threshold
    if found and evidence_for(evidence, noise, limits) >= 1 / limits.alpha:
        return "keep"
    if evidence_against(evidence, noise, limits) >= 1 / limits.beta:
        return "discard"
    cap = pairs_needed(noise, limits).cap
    if len(evidence) >= cap or _futile(mean, len(evidence), cap, noise, limits):
        return "discard"
    return "continue"


def confirmed(gains: Sequence[float], noise: Noise, limits: Limits) -> bool:
    """Say whether fresh pairs alone support the gain that was found."""
    evidence = list(map(clip, gains))
    return (
        statistics.fmean(evidence) > 0
        and evidence_for(evidence, noise, limits) >= limits.confirmation_evidence
    )


def evidence_for(gains: Sequence[float], noise: Noise, limits: Limits) -> float:
    """Return the e-value for a gain against none."""
    larger = [math.log1p(x) for x in _GAINS if x > limits.smallest_gain]
    effects = [limits.threshold, *larger]
    null = _log_likelihood(gains, 0.0, noise)
    return _mean_ratio([_log_likelihood(gains, g, noise) for g in effects], null)


def evidence_against(gains: Sequence[float], noise: Noise, limits: Limits) -> float:
    """Return the e-value for no gain, or a loss, against the smallest gain of interest."""
    null = _log_likelihood(gains, limits.threshold, noise)
    losses = [_log_likelihood(gains, -k * limits.threshold, noise) for k in _LOSSES]
    return _mean_ratio(losses, null)


def pairs_needed(noise: Noise, limits: Limits) -> PairsNeeded:
    """Return the cap on pairs, and the pairs of a confirmation, that keep the promised power.

    The cap grows with the noise instead of the chance of an error.
    """
    return _pairs_needed(round(noise.sigma, 4), noise.degrees, limits)


@lru_cache(maxsize=256)
def _pairs_needed(sigma: float, degrees: float, limits: Limits) -> PairsNeeded:
    noise = Noise(sigma**2, degrees)
    gain = max(math.log1p(_GUARANTEED_GAIN), limits.threshold)
    lucky = _NORMAL.inv_cdf(_POWER)

    def needed(first: int, last: int, evidence: float) -> int:
        for count in range(first, last):
            unlucky = gain - lucky * sigma / math.sqrt(count)
            if unlucky > 0 and evidence_for([unlucky] * count, noise, limits) >= evidence:
                return count
        return last

    cap = needed(limits.shortest_cap, limits.longest_cap, 1 / limits.alpha)
    return PairsNeeded(cap, needed(2, cap, limits.confirmation_evidence))


def _futile(mean: float, count: int, cap: int, noise: Noise, limits: Limits) -> bool:
    """Say whether a keep within the cap has become too unlikely.

    Predicts the mean at the cap from the mean so far, whose own error is part of the prediction.
    """
    if count >= cap:
        return True
    goal = boundary(cap, noise, limits)
    spread = noise.sigma * math.sqrt((cap - count) / (cap * count))
    return 1 - _NORMAL.cdf((goal - mean) / spread) < limits.gamma


def boundary(count: int, noise: Noise, limits: Limits) -> float:
    """Return the mean gain at which `count` pairs are evidence enough for a keep."""
    found = _boundary(count, round(noise.sigma, 4), noise.degrees, limits, 1 / limits.alpha)
    return max(found, limits.threshold)


@lru_cache(maxsize=1024)
def _boundary(count: int, sigma: float, degrees: float, limits: Limits, evidence: float) -> float:
    noise = Noise(sigma**2, degrees)
    low, high = 0.0, CLIP
    for _ in range(30):
        middle = (low + high) / 2
        if evidence_for([middle] * count, noise, limits) >= evidence:
            high = middle
        else:
            low = middle
    return high


def smallest_visible_gain(noise: Noise, limits: Limits) -> float:
    """Return the relative gain that is kept with a good chance: found, and confirmed."""
    sigma = noise.sigma
    cap, fresh = pairs_needed(noise, limits)
    # With the margin that the cap is made for: part of it goes to stopping early.
    found = boundary(cap, noise, limits) + _NORMAL.inv_cdf(_POWER) * sigma / math.sqrt(cap)
    again = _boundary(fresh, round(sigma, 4), noise.degrees, limits, limits.confirmation_evidence)
    again += _NORMAL.inv_cdf(_VISIBLE) * sigma / math.sqrt(fresh)
    return math.expm1(max(found, again))


def effect(gains: Sequence[float], noise: Noise, basis: str) -> Effect:
    """Return the mean gain with its interval.

    Student's t with the spread of these pairs pooled with the campaign's.
    """
    mean = statistics.fmean(gains)
    own = sum((gain - mean) ** 2 for gain in gains)
    degrees = round(noise.degrees) + len(gains) - 1
    variance = (noise.degrees * noise.sigma**2 + own) / degrees
    half = student.quantile((1 + _CONFIDENCE) / 2, degrees) * math.sqrt(variance / len(gains))
    return Effect(mean, mean - half, mean + half, _CONFIDENCE, len(gains), basis)


def _log_likelihood(gains: Sequence[float], effect: float, noise: Noise) -> float:
    """Return the log of Student's likelihood with pooled scale, up to a constant.

    −(ν + n)/2 · log(ν + Σ((d − θ)/σ)²), with ν the degrees of freedom behind σ.
    """
    distance = sum(((gain - effect) / noise.sigma) ** 2 for gain in gains)
    return -(noise.degrees + len(gains)) / 2 * math.log(noise.degrees + distance)


def _mean_ratio(logs: list[float], null: float) -> float:
    # Bounded so that the exponential cannot overflow; 1e130 is evidence enough.
    return statistics.fmean(math.exp(min(300.0, value - null)) for value in logs)
