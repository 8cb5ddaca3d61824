"""Takes one candidate through every stage that it survives, and decides."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from pytest_autoloop import text
from pytest_autoloop.decision import gains, online
from pytest_autoloop.decision.equivalence import as_good
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.evaluation import judge, screen
from pytest_autoloop.harness.hidden import redact
from pytest_autoloop.model import TIME, Decision
from pytest_autoloop.progress import Unwatched
from pytest_autoloop.shortening import SIMPLER, shorter
from pytest_autoloop.slots import judged

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.comparison import Audit, Comparison
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.model import Experiment, GuardReport, HotLine, Pair, Proposal
    from pytest_autoloop.progress import Progress
    from pytest_autoloop.search.base import Stays
    from pytest_autoloop.workplace import Workplace

#: Reasons of a discard that say that a candidate works, though it is not better.
_WORKS = frozenset({"no-gain", "regression"})


@dataclass(frozen=True, slots=True)
class Case:
    """A candidate, and what it is to be compared with."""

    content: bytes
    #: The target's content in the best version so far, and in the candidate's own parent.
    best: bytes
    parent: bytes
    stays: Stays = "no"
    #: The last version that was kept for a gain: what is only simpler must be as good as that one,
    #: so that small losses do not add up.
    anchor: bytes = b""
    #: Keeps before it, for a bound on the share of false ones.
    keeps: int = 0


@dataclass(slots=True)
class Judge:
    """Guards, measures, confirms and verifies candidates of one target."""

    workplace: Workplace
    baseline: Baseline
    policy: Policy
    comparison: Comparison
    #: A reason to veto a proposal, from outside.
    veto: Callable[[Proposal], str | None]
    #: Modules that a candidate may import although the first commit does not.
    allow_imports: tuple[str, ...] = ()
    #: Whether what is as good and shorter is kept, too.
    simplify: bool = False
    #: Bound on the share of false keeps among all keeps of the session; None leaves it open.
    false_discovery_rate: float | None = None
    progress: Progress = field(default_factory=Unwatched)
    #: Whether several candidates can be judged at a time.
    parallel: ClassVar[bool] = False
    #: Class of the host that measured the baseline, if it was another process.
    host: str = ""

    def fingerprint(self, content: bytes) -> str:
        """Return what two candidates share when they are the same."""
        return screen.fingerprint(content, program=self.baseline.program)

    def inspect(self, proposal: Proposal, content: bytes) -> Decision | None:
        """Say what speaks against running a candidate."""
        refusal = self._screened(content)
        vetoed = None if refusal else self.veto(proposal)
        return Decision("discard", "vetoed", vetoed) if vetoed else refusal

    def _screened(self, content: bytes) -> Decision | None:
        workplace = self.workplace
        if "screen" in workplace.runner.sandbox.without:
            return None
        target = workplace.target.path
        return screen.inspect(content, target, workplace.source, self.allow_imports)

    def run(
        self, experiment: Experiment, case: Case, ahead: GuardReport | None = None
    ) -> Experiment:
        """Guard, measure, confirm and verify a candidate; `ahead` is what its guards said before.

        Raises:
            EvaluationError: the incumbent can no longer be measured, or no child can be started.
        """
        try:
            return self._run(experiment, case, ahead)
        except BaseException:  # what ran to its end was put back already
            self.workplace.pool.reset("candidate")
            raise

    def _run(self, experiment: Experiment, case: Case, ahead: GuardReport | None) -> Experiment:
        workplace = self.workplace
        workplace.place("incumbent", case.best)
        if self.comparison.control_due:
            workplace.place("candidate", case.best)
            self.comparison.control(self.policy)
        workplace.place("candidate", case.content)
        experiment = self._guarded(experiment, ahead)
        if experiment.reason or experiment.status != "keep":
            return experiment
        experiment = self._compared(experiment, case)
        if self.simplify and experiment.status == "discard" and experiment.reason == "no-gain":
            experiment = self._simplified(experiment, case)
        if experiment.status == "discard" and experiment.reason in _WORKS:
            return self._side_line(experiment, case)
        return self._on_its_own(experiment) if experiment.status == "keep" else experiment

    def audit(self, best: bytes) -> Audit | None:
        """Measure the first commit against the best again; None when one cannot be measured."""
        self.workplace.place("incumbent", self.workplace.source)
        self.workplace.place("candidate", best)
        return self.comparison.audit(self.policy)

    def as_good_as(self, content: bytes, best: bytes) -> Decision:
        """Say whether a version is as good as the best: `keep` if it is shown to be."""
        workplace, path = self.workplace, self.workplace.target.path
        same = screen.refuse(content, path, best, lambda _: None, program=self.baseline.program)
        if same is not None:  # the same program in another layout needs no measuring
            return Decision("keep") if same.reason == "no-op" else same
        refusal = self._screened(content)
        if refusal is not None:
            return refusal
        workplace.place("incumbent", best)
        workplace.place("candidate", content)
        try:
            guard = redact(self.guard(), self.baseline.manifest.hidden)
            if not guard.passed:
                return Decision(guard.status, guard.reason, guard.test or guard.message)
            return self.comparison.decide(as_good(self.policy))
        finally:
            workplace.pool.reset("candidate")

    def profile(self, source: bytes) -> tuple[HotLine, ...]:
        """Return where the benchmarks spend their time in a version; empty if they fail there."""
        self.workplace.place("incumbent", source)
        return self.workplace.evaluator.profile()

    def values(self, pairs: Sequence[Pair]) -> dict[str, float | None]:
        """Return the candidate's value of each metric over some pairs."""
        return {
            metric.name: gains.score(pair.candidate for pair in pairs)
            if metric.name == TIME.name
            else gains.typical([pair.candidate.metrics[metric.name] for pair in pairs])
            for metric in self.policy.metrics
        }

    def guard(self) -> GuardReport:
        """Run the guards; a candidate that changes the harness's files has not passed them."""
        workplace = self.workplace
        with self.progress.phase("guards"):
            report = workplace.evaluator.guard(self.baseline.manifest.required)
        # Whatever else it left, a cache or a module, must not help while it is measured.
        altered = workplace.pool.put_back("candidate")
        return judged(report, altered, self.baseline.written)

    def _guarded(self, experiment: Experiment, ahead: GuardReport | None) -> Experiment:
        """Return the experiment with what the guards said; `keep` without a reason goes on."""
        guard = redact(ahead or self.guard(), self.baseline.manifest.hidden)
        stages = {**experiment.stages, "guard": guard.seconds}
        assurance = self.workplace.evaluator.assurance
        experiment = replace(experiment, guard=guard, stages=stages, assurance=assurance)
        if guard.passed:
            return replace(experiment, status="keep", reason="")
        return decided(experiment, Decision(guard.status, guard.reason, guard.message))

    def _compared(self, experiment: Experiment, case: Case) -> Experiment:
        """Measure a candidate against the best, and verify what seems better."""
        comparison = self.comparison
        decision = comparison.decide(self._policy_for(experiment.number, case.keeps))
        pairs = tuple(comparison.pairs)
        experiment = replace(experiment, stages=_added(experiment.stages, comparison.seconds))
        if not pairs:
            return decided(experiment, decision)
        flags = (*experiment.flags, *(("noisy",) if comparison.learn(self.policy) else ()))
        experiment = replace(experiment, metrics=self.values(pairs), pairs=pairs, flags=flags)
        experiment = decided(experiment, decision)
        if experiment.status != "keep":
            return experiment
        news = screen.news(case.content, self.workplace.target.path, case.best)
        return self._verified(replace(experiment, news=news), case.best)

    def _verified(self, experiment: Experiment, incumbent: bytes) -> Experiment:
        """Measure a gain in time once more, from outside; without it there is no keep."""
        assert experiment.effect is not None
        if not self.baseline.manifest.benchmarks or experiment.effect.basis == "metric":
            return experiment
        with self.progress.phase("verifying"):
            run = self.workplace.evaluator.verify(incumbent, experiment.effect.log_gain)
        if run is None:
            return experiment
        self.workplace.pool.reset("candidate")
        stages = _added(experiment.stages, {"verify": run.exit.seconds})
        verified, refusal, flags = judge.verified(run)
        experiment = replace(
            experiment, stages=stages, verified=verified, flags=(*experiment.flags, *flags)
        )
        if refusal is None:
            return experiment
        return decided(experiment, replace(refusal, effect=experiment.effect))

    def _simplified(self, experiment: Experiment, case: Case) -> Experiment:
        """Keep a candidate that wins nothing if it is shorter, and shown to be as good."""
        path = self.workplace.target.path
        if experiment.effect is None or not shorter(case.content, case.best, path):
            return experiment
        self.workplace.place("incumbent", case.anchor)
        self.workplace.place("candidate", case.content)
        policy = self._policy_for(experiment.number, case.keeps)
        decision = self.comparison.decide(as_good(policy, SIMPLER))
        experiment = replace(experiment, stages=_added(experiment.stages, self.comparison.seconds))
        if decision.status != "keep":
            return experiment
        news = screen.news(case.content, path, case.best)
        # The effect is that over the anchor, so that what simplifications cost is not lost.
        simpler = replace(decided(experiment, decision), reason=SIMPLER, news=news)
        checked = self._verified(simpler, case.anchor)
        if checked.reason != "unverified-gain" or self._slower(checked):
            return checked
        return simpler  # no gain was claimed

    def _slower(self, experiment: Experiment) -> bool:
        """Say whether a measurement from outside is sure that more time is lost than may be."""
        allowed = next(m.max_regression for m in self.policy.metrics if m.name == TIME.name)
        found = experiment.verified
        return found is None or found.high < -math.log1p(allowed)

    def _on_its_own(self, experiment: Experiment) -> Experiment:
        """Refuse a keep whose guards pass only beside what was kept for other targets.

        That runs in the process of the tests, where nobody has read it: it could answer for this
        candidate. So the guards have to pass with the files that the campaign found, too.
        """
        workplace = self.workplace
        if not workplace.untouched:
            return experiment
        for path, content in workplace.untouched.items():
            workplace.pool.write("candidate", path, content)
        try:
            guard = redact(self.guard(), self.baseline.manifest.hidden)
        finally:
            for path in workplace.untouched:
                workplace.pool.write("candidate", path, workplace.frozen[path])
        experiment = replace(experiment, stages=_added(experiment.stages, {"guard": guard.seconds}))
        if guard.passed:
            return experiment
        others = ", ".join(workplace.untouched)
        told = f"it fails with {others} as the campaign found it: {guard.test or guard.message}"
        return decided(experiment, Decision("discard", "entangled", told, experiment.effect))

    def _side_line(self, experiment: Experiment, case: Case) -> Experiment:
        """Let a candidate that works, but does not beat the best, stay in play if it may."""
        if case.stays == "no" or experiment.effect is None:
            return experiment
        if case.stays == "any":
            return replace(experiment, status="explore", reason="")
        if case.parent == case.best:
            return experiment
        self.workplace.place("incumbent", case.parent)
        self.workplace.place("candidate", case.content)
        decision = self.comparison.decide(self.policy)
        stages = _added(experiment.stages, self.comparison.seconds)
        experiment = replace(experiment, stages=stages)
        if decision.status != "keep" or decision.effect is None:
            return experiment
        direction = self.policy.metrics[0].direction
        told = f"better than its parent: {text.effect(decision.effect, direction)}"
        return replace(experiment, status="explore", reason="", detail=told)

    def _policy_for(self, number: int, keeps: int) -> Policy:
        """Return the policy, made stricter where the session's false keeps are bounded."""
        rule = self.policy.rule
        if self.false_discovery_rate is None or not isinstance(rule, Sequential):
            return self.policy
        level = online.level(number, keeps, self.false_discovery_rate)
        return replace(self.policy, rule=rule.at_level(level))


def decided(experiment: Experiment, decision: Decision) -> Experiment:
    """Return the experiment with what was decided."""
    return replace(
        experiment,
        status=decision.status,
        reason=decision.reason,
        detail=decision.detail,
        effect=decision.effect,
    )


def _added(stages: dict[str, float], more: dict[str, float]) -> dict[str, float]:
    """Return the seconds of both; a stage that was reached twice took both together."""
    return {**stages, **{name: stages.get(name, 0.0) + spent for name, spent in more.items()}}
