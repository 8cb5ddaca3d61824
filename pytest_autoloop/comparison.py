"""Compares what stands in the two worktrees: pair after pair until the policy decides."""

from __future__ import annotations

import time
from dataclasses import InitVar, dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.decision import verdict
from pytest_autoloop.model import TIME, Decision, Effect, Pair
from pytest_autoloop.progress import Unwatched

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.decision.series import Calibration
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.evaluation.evaluator import Evaluator
    from pytest_autoloop.harness.manifest import Manifest
    from pytest_autoloop.progress import Phase, Progress

_AUDIT_PAIRS = 5
#: Measured experiments between two control pairs.
_CONTROL_EVERY = 10
#: What a stage is called where somebody watches.
_WATCHED: dict[str, Phase] = {
    "race": "measuring",
    "measure": "measuring",
    "confirm": "confirming",
    "control": "checking noise",
    "audit": "auditing",
}


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
    #: What the last comparison measured, and the seconds of its stages.
    pairs: list[Pair] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    progress: Progress = field(default_factory=Unwatched)
    #: Why the last audit could not be made.
    fault: str = ""
    #: Whether a control pair is due before anything else.
    control_first: InitVar[bool] = False
    _since_control: int = 0
    #: The last control pair was out of the ordinary: the machine has become noisier.
    _noisier: bool = False
    #: The first pair was hopeless after one turn of each side, and got no second.
    _halved: bool = False

    def __post_init__(self, control_first: bool) -> None:
        """Begin with a control pair where one was asked for."""
        self._since_control = _CONTROL_EVERY if control_first else 0

    @property
    def control_due(self) -> bool:
        """Whether it is time to measure the incumbent against itself again."""
        return self._since_control >= _CONTROL_EVERY

    def decide(self, policy: Policy) -> Decision:
        """Measure until the policy decides; confirm a keep on fresh pairs.

        `pairs` holds what was measured, also when the candidate could not be measured to the end.
        """
        self.pairs, self.seconds, self._halved = [], {}, False
        self.evaluator.begin_comparison()
        finding = None
        while finding is None:
            failure = self._measure() if self.pairs else self._race(policy)
            if failure is not None:
                return failure
            # Half a pair is noisier than a whole one, and so is what is told of it.
            noise = self.calibration.widened(2.0) if self._halved else self.calibration
            finding = verdict.decide(self.pairs, noise, policy)
        decision = finding.decision
        if decision.status == "keep":
            found = list(self.pairs)
            for _ in range(verdict.confirmation_pairs(finding, policy)):
                failure = self._measure("confirm")
                if failure is not None:
                    return failure
                if verdict.found_again(self.pairs[len(found) :], finding, self.calibration, policy):
                    break
            fresh = self.pairs[len(found) :]
            decision = verdict.confirm(found, fresh, finding, self.calibration, policy)
        return decision

    def learn(self, policy: Policy) -> bool:
        """Add the last pairs to what is known of the noise; say whether the machine is noisier."""
        self._since_control += 1
        noisier = self._noisier or self.calibration.noisier(self.pairs, policy.metrics)
        self.calibration = self.calibration.observed(self.pairs, policy.metrics)
        return noisier

    def control(self, policy: Policy) -> None:
        """Measure the incumbent against itself; both worktrees must hold it.

        A machine that has become noisier gets more pairs, not more errors, and the experiments up
        to the next control are flagged.
        """
        self.pairs = []
        self.evaluator.begin_comparison()
        self._since_control = 0
        if self._measure("control") is None:
            self._noisier = self.calibration.unusual(self.pairs, policy.metrics)
            self.calibration = self.calibration.controlled(self.pairs, policy.metrics)

    def audit(self, policy: Policy) -> Audit | None:
        """Measure the baseline (as incumbent) against the best (as candidate) on fresh pairs."""
        self.pairs = []
        self.evaluator.begin_comparison(fresh=True)
        exact = all(metric.name in self.calibration.exact for metric in policy.metrics)
        for _ in range(1 if exact else _AUDIT_PAIRS):
            failure = self._measure("audit")
            if failure is not None:
                self.fault = failure.detail or failure.reason
                return None
        effect = verdict.overall(self.pairs, self.calibration, policy)
        primary = policy.series(self.pairs, self.calibration)[0]
        timed = primary.metric.name == TIME.name and effect.basis == "warm"
        if not timed or not self.pairs[0].candidate.first:
            return Audit(effect)
        first = policy.series(self.pairs, self.calibration, "first")[0].effect
        # Warm and first calls overlap in an honest gain; a cache across calls pulls them apart.
        return Audit(effect, first if first.high < effect.low else None)

    def _race(self, policy: Policy) -> Decision | None:
        """Measure the first pair; a candidate that has lost after one turn each gets no second."""

        def hopeless(pair: Pair) -> bool:
            self._halved = verdict.hopeless(pair, self.calibration, policy)
            return self._halved

        return self._measure("race", hopeless)

    def _measure(
        self, stage: str = "measure", enough: Callable[[Pair], bool] | None = None
    ) -> Decision | None:
        # What others have the machine for is not this stage's time.
        started = time.monotonic() - self.evaluator.waited
        exact = all(metric.name in self.calibration.exact for metric in self.manifest.metrics)
        with self.progress.phase(_WATCHED[stage], len(self.pairs) + 1):
            pair = self.evaluator.pair(self.manifest, exact=exact, enough=enough)
        ended = time.monotonic() - self.evaluator.waited
        self.seconds[stage] = self.seconds.get(stage, 0.0) + ended - started
        if isinstance(pair, Decision):
            return pair
        self.pairs.append(pair)
        return None
