"""The sequential test: after every pair keep, discard or go on.

Two likelihood-ratio mixtures, with the scale of the noise estimated and so Student-like tails.
Each is a non-negative martingale of mean at most one under its null hypothesis, so by Ville's
inequality looking after every pair costs nothing: the chance that a change without gain is ever
called a gain stays under `alpha`.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.decision import student
from pytest_autoloop.decision.noise import Noise, clip
from pytest_autoloop.model import Effect

if TYPE_CHECKING:
    from collections.abc import Sequence

Step: TypeAlias = Literal["keep", "discard", "continue"]

#: Effects that the evidence for a gain is averaged over, as ratios less one.
_GAINS = (0.01, 0.02, 0.03, 0.05, 0.08, 0.13, 0.21, 0.34, 0.55, 0.9)
#: Losses that the evidence against a gain is averaged over, in smallest gains of interest.
_LOSSES = (0, 1, 2, 4, 8, 16, 32)
_CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Rule:
    """The limits of the test."""

    #: Smallest relative gain worth keeping: 0.01 is 1%.
    smallest_gain: float = 0.01
    #: Highest chance that a change without gain is kept, and that a worthwhile one is dropped.
    alpha: float = 0.01
    beta: float = 0.2
    minimum_pairs: int = 3
    maximum_pairs: int = 10
    confirmation_pairs: int = 2
    #: Evidence that the fresh pairs of the confirmation must give on their own.
    confirmation_evidence: float = 4.0

    @property
    def threshold(self) -> float:
        """The smallest gain of interest on the log scale."""
        return math.log1p(self.smallest_gain)


def decide(gains: Sequence[float], noise: Noise, rule: Rule) -> Step:
    """Say what the pairs so far allow."""
    evidence = list(map(clip, gains))
    enough = len(evidence) >= rule.minimum_pairs
    mean = statistics.fmean(evidence)
    if enough and mean >= rule.threshold and evidence_for(evidence, noise, rule) >= 1 / rule.alpha:
        return "keep"
    if evidence_against(evidence, noise, rule) >= 1 / rule.beta:
        return "discard"
    return "discard" if len(evidence) >= rule.maximum_pairs else "continue"


def confirmed(gains: Sequence[float], noise: Noise, rule: Rule) -> bool:
    """Say whether fresh pairs alone support the gain that was found."""
    evidence = list(map(clip, gains))
    return (
        statistics.fmean(evidence) > 0
        and evidence_for(evidence, noise, rule) >= rule.confirmation_evidence
    )


def evidence_for(gains: Sequence[float], noise: Noise, rule: Rule) -> float:
    """Return the e-value for a gain against none."""
    effects = [math.log1p(x) for x in _GAINS if x >= rule.smallest_gain]
    effects = effects or [rule.threshold]
    null = _log_likelihood(gains, 0.0, noise)
    return _mean_ratio([_log_likelihood(gains, g, noise) for g in effects], null)


def evidence_against(gains: Sequence[float], noise: Noise, rule: Rule) -> float:
    """Return the e-value for no gain, or a loss, against the smallest gain of interest."""
    null = _log_likelihood(gains, rule.threshold, noise)
    losses = [_log_likelihood(gains, -k * rule.threshold, noise) for k in _LOSSES]
    return _mean_ratio(losses, null)


def _log_likelihood(gains: Sequence[float], effect: float, noise: Noise) -> float:
    """Return the log of Student's likelihood with pooled scale, up to a constant.

    −(ν + n)/2 · log(ν + Σ((d − θ)/σ)²), with ν the degrees of freedom behind σ.
    """
    distance = sum(((gain - effect) / noise.sigma) ** 2 for gain in gains)
    return -(noise.degrees + len(gains)) / 2 * math.log(noise.degrees + distance)


def _mean_ratio(logs: list[float], null: float) -> float:
    # Bounded so that the exponential cannot overflow; 1e130 is evidence enough.
    return statistics.fmean(math.exp(min(300.0, value - null)) for value in logs)


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


def smallest_visible_gain(noise: Noise, rule: Rule) -> float:
    """Return the relative gain that the test can tell from nothing before its cap.

    The mean of `maximum_pairs` pairs must lie where the evidence for it reaches 1/alpha.
    """
    low, high = 0.0, math.log(2)
    for _ in range(40):
        middle = (low + high) / 2
        if evidence_for([middle] * rule.maximum_pairs, noise, rule) >= 1 / rule.alpha:
            high = middle
        else:
            low = middle
    return max(math.expm1(high), rule.smallest_gain)
