"""The rules that read one series of gains: one Protocol, the sequential test is the default.

A rule sees the gains of a comparison, pair after pair, and the noise of the campaign. It says
keep, discard or go on; what it would keep has to pass `confirmed` on fresh pairs.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

from pytest_autoloop.decision import sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.decision.noise import Noise

Step: TypeAlias = Literal["keep", "discard", "continue"]


class Rule(Protocol):
    """Decides on one series of gains."""

    def decide(self, gains: Sequence[float], noise: Noise) -> Step:
        """Say what the pairs so far allow."""

    def with_smallest_gain(self, gain: float) -> Rule:
        """Return the same rule with another smallest gain of interest, as a relative change."""

    def shared(self, chances: int) -> Rule:
        """Return the rule for one of several chances to keep the same candidate."""

    def confirmation_pairs(self, noise: Noise) -> int:
        """Return how many fresh pairs a keep must be confirmed on; 0 for none."""

    def confirmed(self, gains: Sequence[float], noise: Noise) -> bool:
        """Say whether fresh pairs alone support a keep."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """The sequential test of `decision.sequential`, the default."""

    limits: sequential.Limits = field(default_factory=sequential.Limits)

    def at_level(self, alpha: float) -> Sequential:
        """Return the same test with a smaller chance of a false keep."""
        return Sequential(replace(self.limits, alpha=min(alpha, self.limits.alpha)))

    def shared(self, chances: int) -> Sequential:
        """Share the level between the chances (Bonferroni)."""
        return self.at_level(self.limits.alpha / chances)

    def with_smallest_gain(self, gain: float) -> Sequential:
        """Return the same test for another smallest gain."""
        return Sequential(replace(self.limits, smallest_gain=gain))

    def decide(self, gains: Sequence[float], noise: Noise) -> Step:
        """Keep or discard as soon as the evidence suffices, discard at the cap."""
        return sequential.decide(gains, noise, self.limits)

    def confirmation_pairs(self, noise: Noise) -> int:
        """Return as many as a 5% gain needs to be seen again."""
        return sequential.pairs_needed(noise, self.limits).confirmation

    def confirmed(self, gains: Sequence[float], noise: Noise) -> bool:
        """Ask for evidence from the fresh pairs alone."""
        return sequential.confirmed(gains, noise, self.limits)


@dataclass(frozen=True, slots=True)
class Batched:
    """K pairs; keep when the mean gain is above one standard deviation of the gains.

    The rule of the pattern's batched variant. It bounds no error: with K = 3 a change without any
    effect is kept about once in nine tries (benchmarks/decision.py).
    """

    pairs: int = 3

    def shared(self, chances: int) -> Batched:  # noqa: ARG002 - it bounds no error
        """Return itself."""
        return self

    def with_smallest_gain(self, gain: float) -> Batched:  # noqa: ARG002 - it has none
        """Return itself: only the spread counts."""
        return self

    def decide(self, gains: Sequence[float], noise: Noise) -> Step:  # noqa: ARG002 - own spread
        """Decide once, after K pairs."""
        if len(gains) < self.pairs:
            return "continue"
        spread = statistics.stdev(gains) if len(gains) > 1 else 0.0
        return "keep" if statistics.fmean(gains) > spread else "discard"

    def confirmation_pairs(self, noise: Noise) -> int:  # noqa: ARG002 - the same for any noise
        """Confirm nothing: the variant does not."""
        return 0

    def confirmed(self, gains: Sequence[float], noise: Noise) -> bool:  # noqa: ARG002
        """Take what was found."""
        return True


@dataclass(frozen=True, slots=True)
class Threshold:
    """One pair; keep when its gain reaches the smallest gain of interest. Bounds no error."""

    smallest_gain: float = 0.01

    def shared(self, chances: int) -> Threshold:  # noqa: ARG002 - it bounds no error
        """Return itself."""
        return self

    def with_smallest_gain(self, gain: float) -> Threshold:
        """Return the same rule for another smallest gain."""
        return replace(self, smallest_gain=gain)

    def decide(self, gains: Sequence[float], noise: Noise) -> Step:  # noqa: ARG002 - as it says
        """Decide after the first pair."""
        return "keep" if gains[-1] >= math.log1p(self.smallest_gain) else "discard"

    def confirmation_pairs(self, noise: Noise) -> int:  # noqa: ARG002 - the same for any noise
        """Confirm nothing."""
        return 0

    def confirmed(self, gains: Sequence[float], noise: Noise) -> bool:  # noqa: ARG002
        """Take what was found."""
        return True


@dataclass(frozen=True, slots=True)
class Strict:
    """Five pairs, all of them better, the median by the smallest gain; confirmed by three more."""

    smallest_gain: float = 0.01
    pairs: int = 5
    fresh: int = 3

    def shared(self, chances: int) -> Strict:  # noqa: ARG002 - it bounds no error
        """Return itself."""
        return self

    def with_smallest_gain(self, gain: float) -> Strict:
        """Return the same rule for another smallest gain."""
        return replace(self, smallest_gain=gain)

    def decide(self, gains: Sequence[float], noise: Noise) -> Step:  # noqa: ARG002 - ranks only
        """Discard at the first pair that is not better."""
        if gains[-1] <= 0:
            return "discard"
        if len(gains) < self.pairs:
            return "continue"
        enough = statistics.median(gains) >= math.log1p(self.smallest_gain)
        return "keep" if enough else "discard"

    def confirmation_pairs(self, noise: Noise) -> int:  # noqa: ARG002 - the same for any noise
        """Return how many more have to be better."""
        return self.fresh

    def confirmed(self, gains: Sequence[float], noise: Noise) -> bool:  # noqa: ARG002 - ranks only
        """Ask for every fresh pair to be better."""
        return min(gains) > 0


def rule_from_spec(spec: str, smallest_gain: float) -> Rule:
    """Return the rule that `sequential`, `strict`, `threshold` or `batched:K` names."""
    kind, _, count = spec.partition(":")
    if kind == "batched":
        return Batched(int(count)) if count else Batched()
    rules: dict[str, Rule] = {
        "sequential": Sequential(sequential.Limits(smallest_gain=smallest_gain)),
        "strict": Strict(smallest_gain),
        "threshold": Threshold(smallest_gain),
    }
    return rules[kind]
