"""What a campaign can see on this machine, and how long a decision takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_autoloop.decision import sequential
from pytest_autoloop.decision.rules import Rule, Sequential

if TYPE_CHECKING:
    from pytest_autoloop.decision.noise import Noise
    from pytest_autoloop.decision.series import Calibration
    from pytest_autoloop.decision.verdict import Policy

#: Seconds that one decision may take where pairs are slow: fewer pairs then, and less power.
_LONGEST_DECISION = 600.0


@dataclass(frozen=True, slots=True)
class Outlook:
    """What the baseline's measurements promise."""

    #: Noise of one pair's gain in the first metric; None when it has none at all.
    noise: Noise | None
    #: Smallest relative gain that is found and confirmed with a good chance.
    smallest_gain: float
    #: Seconds from the first to the last pair of a decision, at least and at most.
    shortest: float
    longest: float

    @property
    def duration(self) -> str:
        """How long a decision takes, in words."""
        shortest, longest = f"{self.shortest:.0f}", f"{self.longest:.0f}"
        return f"{longest} s" if shortest == longest else f"{shortest} to {longest} s"

    @classmethod
    def of(cls, policy: Policy, calibration: Calibration, pair_seconds: float) -> Outlook:
        """Derive it from the noise and from the time a pair takes."""
        primary, rule = policy.metrics[0], policy.rule
        if primary.name in calibration.exact:
            # One pair decides and one confirms.
            return cls(None, primary.min_gain or 0.0, pair_seconds, 2 * pair_seconds)
        noise = calibration.of(primary.name)
        limits = rule.limits if isinstance(rule, Sequential) else sequential.Limits()
        cap, fresh = sequential.pairs_needed(noise, limits)
        gain = sequential.smallest_visible_gain(noise, limits)
        return cls(noise, gain, pair_seconds, (cap + fresh) * pair_seconds)


def affordable(rule: Rule, pair_seconds: float) -> Rule:
    """Return the rule with a cap on pairs that keeps the search for a gain within ten minutes.

    At least three pairs remain: a slow harness is told less, never told wrong. A gain that was
    found is confirmed on top of that.
    """
    if not isinstance(rule, Sequential):
        return rule
    limits = rule.limits
    cap = max(limits.minimum_pairs, min(limits.longest_cap, int(_LONGEST_DECISION / pair_seconds)))
    return Sequential(replace(limits, longest_cap=cap, shortest_cap=min(limits.shortest_cap, cap)))
