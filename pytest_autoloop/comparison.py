"""Compares what stands in the two worktrees: pair after pair until the policy decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.decision import verdict
from pytest_autoloop.decision.series import series_of
from pytest_autoloop.model import TIME, Decision, Effect, Pair

if TYPE_CHECKING:
    from pytest_autoloop.decision.series import Calibration
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.evaluation.evaluator import Evaluator
    from pytest_autoloop.harness.manifest import Manifest

_AUDIT_PAIRS = 5


@dataclass(frozen=True, slots=True)
class Audit:
    """The first commit against the best, on fresh pairs."""

    effect: Effect
    #: The gain in first calls, where benchmarks are timed and it tells another story.
    first_calls: Effect | None = None


@dataclass(slots=True)
class Comparison:
    """Measures pairs, and keeps what they teach of the machine's noise."""

    evaluator: Evaluator
    manifest: Manifest
    calibration: Calibration
    #: Control pairs that were noisier than all others, since the start of the campaign.
    pairs: list[Pair] = field(default_factory=list)

    def decide(self, policy: Policy) -> Decision:
        """Measure until the policy decides; confirm a keep on fresh pairs.

        `pairs` holds what was measured, also when the candidate could not be measured to the end.
        """
        self.pairs = []
        finding = None
        while finding is None:
            failure = self._measure()
            if failure is not None:
                return failure
            finding = verdict.decide(self.pairs, self.calibration, policy)
        decision = finding.decision
        if decision.status == "keep":
            found = list(self.pairs)
            for _ in range(verdict.confirmation_pairs(finding, policy)):
                failure = self._measure()
                if failure is not None:
                    return failure
            fresh = self.pairs[len(found) :]
            decision = verdict.confirm(found, fresh, finding, self.calibration, policy)
        return decision

    def learn(self, policy: Policy) -> bool:
        """Add the last pairs to what is known of the noise; say whether they were noisier."""
        noisier = self.calibration.noisier(self.pairs, policy.metrics)
        self.calibration = self.calibration.observed(self.pairs, policy.metrics)
        return noisier

    def control(self, policy: Policy) -> bool:
        """Measure the incumbent against itself; say whether the machine has become noisier.

        Both worktrees must hold the incumbent. A noisier machine gets more pairs, not more errors.
        """
        self.pairs = []
        if self._measure() is not None:
            return True
        noisier = any(
            not one.exact and abs(one.gains[-1]) > 3 * one.noise.sigma
            for one in series_of(self.pairs, policy.metrics, self.calibration, "warm")
        )
        self.calibration = self.calibration.controlled(self.pairs, policy.metrics)
        return noisier

    def audit(self, policy: Policy) -> Audit | None:
        """Measure the baseline (as incumbent) against the best (as candidate) on fresh pairs."""
        self.pairs = []
        exact = all(metric.name in self.calibration.exact for metric in policy.metrics)
        for _ in range(1 if exact else _AUDIT_PAIRS):
            if self._measure() is not None:
                return None
        effect = verdict.overall(self.pairs, self.calibration, policy)
        primary = policy.series(self.pairs, self.calibration)[0]
        timed = primary.metric.name == TIME.name and effect.basis == "warm"
        if not timed or not self.pairs[0].candidate.first:
            return Audit(effect)
        first = policy.series(self.pairs, self.calibration, "first")[0].effect
        # Warm and first calls overlap in an honest gain; a cache across calls pulls them apart.
        return Audit(effect, first if first.high < effect.low else None)

    def _measure(self) -> Decision | None:
        exact = all(metric.name in self.calibration.exact for metric in self.manifest.metrics)
        pair = self.evaluator.pair(self.manifest, exact=exact)
        if isinstance(pair, Decision):
            return pair
        self.pairs.append(pair)
        return None
