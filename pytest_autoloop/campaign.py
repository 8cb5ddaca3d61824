"""The loop: propose → screen → commit → guard → measure → confirm → record."""

from __future__ import annotations

import math
import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop import text
from pytest_autoloop.briefing import result_of
from pytest_autoloop.comparison import Audit, Comparison
from pytest_autoloop.decision import gains, online
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.evaluation import judge, screen
from pytest_autoloop.harness.hidden import redact
from pytest_autoloop.model import (
    TIME,
    Decision,
    Experiment,
    Row,
)
from pytest_autoloop.outlook import Outlook
from pytest_autoloop.search.base import best as best_of
from pytest_autoloop.usage import Spending, Usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.asking import Asker, Attempt
    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.history.ledger import Ledger
    from pytest_autoloop.model import Brief, GuardReport, Metric, Pair, Proposal
    from pytest_autoloop.search.base import SearchStrategy
    from pytest_autoloop.workplace import Workplace

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DESCRIPTION_LIMIT = 200


class Listener(Protocol):
    """Whoever takes part in the loop from outside: in a pytest session, its hooks."""

    def propose(self, brief: Brief) -> Proposal | None:
        """Return a candidate, or None to leave it to the configured proposer."""

    def check(self, proposal: Proposal) -> str | None:
        """Return a reason to veto a candidate."""

    def finished(self, experiment: Experiment) -> None:
        """Take note of an experiment that is in the journal."""


@dataclass(slots=True)
class Campaign:
    """All experiments of one tag."""

    workplace: Workplace
    baseline: Baseline
    ledger: Ledger
    asker: Asker
    search: SearchStrategy
    policy: Policy
    listener: Listener
    experiments: list[Experiment] = field(default_factory=list)
    #: Bound on the share of false keeps among all keeps of the session; None leaves it open.
    false_discovery_rate: float | None = None
    #: Modules that a candidate may import although the first commit does not.
    allow_imports: tuple[str, ...] = ()
    _comparison: Comparison = field(init=False)
    _tried: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._comparison = Comparison(
            self.workplace.evaluator, self.baseline.manifest, self.baseline.calibration
        )
        self._tried[self._fingerprint(self.workplace.source)] = 0

    @property
    def primary(self) -> Metric:
        """The metric to improve first."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured, in the order of the table."""
        return self.policy.metrics

    @property
    def outlook(self) -> Outlook:
        """What can be seen on this machine, and how long a decision takes."""
        return Outlook.of(self.policy, self._comparison.calibration, self.baseline.pair_seconds)

    @property
    def claimed(self) -> float | None:
        """Sum of the log gains of all keeps, as they were measured when they were kept.

        None when some were read from first calls and others from warm ones: those do not add up.
        """
        kept = [e.effect for e in self.experiments if e.status == "keep" and e.effect is not None]
        if len({effect.basis for effect in kept}) != 1:
            return None
        return math.fsum(effect.log_gain for effect in kept)

    def record_baseline(self) -> Experiment:
        """Open the campaign: the branch starts where the user stands."""
        commit = self.workplace.commit
        experiment = Experiment(
            number=0,
            status="baseline",
            reason="",
            description="baseline",
            proposer="",
            commit=commit,
            parent="",
            timestamp=_now(),
            seconds=self.baseline.seconds,
            metrics=self._values(self.baseline.pairs),
            pairs=self.baseline.pairs,
        )
        self._record(experiment)
        return experiment

    def reopen(self) -> Experiment:
        """Go on with what the journal holds; return the baseline as it was measured just now."""
        self.experiments = self.ledger.journal.read()
        target, repository = self.workplace.target.path, self.workplace.repository
        for experiment in self.experiments[1:]:
            if experiment.commit:
                content = repository.read(experiment.commit, target)
                self._tried.setdefault(self._fingerprint(content), experiment.number)
        self.ledger.results.write(self.experiments)
        return replace(
            self.experiments[0],
            seconds=self.baseline.seconds,
            metrics=self._values(self.baseline.pairs),
            pairs=self.baseline.pairs,
        )

    @property
    def best(self) -> str:
        """Commit of the last keep, at first the baseline's."""
        return best_of(self._rows()).commit

    def _rows(self) -> list[Row]:
        return [Row.of(experiment) for experiment in self.experiments]

    @property
    def spent(self) -> Spending:
        """Tokens and dollars of all experiments, and of what came to none."""
        used = (Usage.of(e.tokens_used, e.cost_usd) for e in self.experiments)
        return Spending.of((*used, self.asker.unbilled))

    def propose(self, number: int) -> Attempt | None:
        """Ask for the next candidate; None when the proposer has nothing left.

        Raises:
            ProposerError: the proposer could not answer; nothing was recorded.
        """
        parent = self.search.start(number, self._rows()).commit
        return self.asker.ask(
            number,
            self.experiments,
            parent,
            self.workplace.repository.read(parent, self.workplace.target.path),
            smallest_gain=self.outlook.smallest_gain,
            tried=self._tried,
        )

    def run(self, attempt: Attempt) -> Experiment:
        """Run one experiment and record it."""
        experiment = self._judge(attempt)
        experiment = replace(experiment, seconds=time.monotonic() - attempt.started)
        self._record(experiment)
        self.asker.observe(experiment)
        return experiment

    def audit(self) -> Audit | None:
        """Measure the first commit against the best again; None when nothing was kept.

        A keep was chosen for its measurements, so they flatter it; these are fresh.
        """
        best = self.best
        if best == self.workplace.commit:
            return None
        workplace = self.workplace
        workplace.place("incumbent", workplace.source)
        workplace.place("candidate", workplace.repository.read(best, workplace.target.path))
        return self._comparison.audit(self.policy)

    def _judge(self, attempt: Attempt) -> Experiment:
        """Take one proposal through every stage that it survives."""
        target = self.workplace.target.path
        number, proposal = attempt.number, attempt.proposal
        experiment = Experiment(
            number=number,
            status="discard",
            reason="",
            description=_one_line(proposal.description),
            proposer=_one_line(proposal.proposer),
            commit="",
            parent=attempt.parent,
            timestamp=_now(),
            seconds=0.0,
            metrics=dict.fromkeys((metric.name for metric in self.metrics), None),
            tokens_used=proposal.usage.tokens,
            cost_usd=proposal.usage.cost_usd,
            stages={"propose": attempt.proposing},
            flags=tuple(map(_one_line, proposal.remarks)),
        )
        content = screen.content_of(proposal, target)
        if isinstance(content, Decision):
            return _decided(experiment, content)
        experiment = self.ledger.commit(experiment, target, content)
        workplace = self.workplace
        refusal = screen.refuse(
            content, target, attempt.source, self._tried, program=self.baseline.program
        )
        if refusal is None and "screen" not in workplace.runner.sandbox.without:
            refusal = screen.inspect(content, target, workplace.source, self.allow_imports)
        self._tried.setdefault(self._fingerprint(content), number)
        veto = None if refusal else self.listener.check(proposal)
        if veto:
            refusal = Decision("discard", "vetoed", veto)
        if refusal is not None:
            told = result_of(refusal.detail, self.experiments)
            return _decided(experiment, replace(refusal, detail=told))
        workplace.place("incumbent", attempt.source)
        try:
            if self._comparison.control_due:
                workplace.place("candidate", attempt.source)
                self._comparison.control(self.policy)
            workplace.place("candidate", content)
            experiment = self._run(experiment)
            if experiment.status != "keep":
                return experiment
            news = screen.news(content, target, attempt.source)
            return self._verified(replace(experiment, news=news), attempt.source)
        finally:
            workplace.pool.reset("candidate")
            workplace.pool.reset("incumbent")

    def _run(self, experiment: Experiment) -> Experiment:
        """Guard, measure and confirm what stands in the candidate's worktree."""
        guard = redact(self._guard(), self.baseline.manifest.hidden)
        stages = {**experiment.stages, "guard": guard.seconds}
        assurance = self.workplace.evaluator.assurance
        experiment = replace(experiment, guard=guard, stages=stages, assurance=assurance)
        if not guard.passed:
            decision = Decision(guard.status, guard.reason, guard.message)
            return _decided(experiment, decision)
        comparison = self._comparison
        decision = comparison.decide(self._policy_for(experiment.number))
        pairs = tuple(comparison.pairs)
        experiment = replace(experiment, stages={**stages, **comparison.seconds})
        if not pairs:
            return _decided(experiment, decision)
        flags = (*experiment.flags, *(("noisy",) if comparison.learn(self.policy) else ()))
        experiment = replace(experiment, metrics=self._values(pairs), pairs=pairs, flags=flags)
        return _decided(experiment, decision)

    def _verified(self, experiment: Experiment, incumbent: bytes) -> Experiment:
        """Measure a gain in time once more, from outside; without it there is no keep."""
        assert experiment.effect is not None
        if not self.baseline.manifest.benchmarks or experiment.effect.basis == "metric":
            return experiment
        run = self.workplace.evaluator.verify(incumbent, experiment.effect.log_gain)
        if run is None:
            return experiment
        stages = {**experiment.stages, "verify": run.exit.seconds}
        verified, refusal, flags = judge.verified(run)
        experiment = replace(
            experiment, stages=stages, verified=verified, flags=(*experiment.flags, *flags)
        )
        if refusal is None:
            return experiment
        return _decided(experiment, replace(refusal, effect=experiment.effect))

    def _policy_for(self, number: int) -> Policy:
        """Return the policy, made stricter where the session's false keeps are bounded."""
        rule = self.policy.rule
        if self.false_discovery_rate is None or not isinstance(rule, Sequential):
            return self.policy
        keeps = sum(experiment.status == "keep" for experiment in self.experiments)
        level = online.level(number, keeps, self.false_discovery_rate)
        return replace(self.policy, rule=rule.at_level(level))

    def _guard(self) -> GuardReport:
        """Run the guards; a candidate that changes the harness's files has not passed them."""
        workplace = self.workplace
        report = workplace.evaluator.guard(self.baseline.manifest.required)
        changed = workplace.pool.altered("candidate")
        tampered = [path for path in changed if path not in self.baseline.written]
        # A run that was cut short could not put back what a guard changes and restores.
        if tampered and report.status == "discard":
            message = f"the run changed {', '.join(tampered)}"
            report = replace(
                report, passed=False, status="discard", reason="tampered", message=message
            )
        # Whatever else it left, a cache or a module, must not help while it is measured.
        workplace.pool.reset("candidate")
        return report

    def _fingerprint(self, content: bytes) -> str:
        return screen.fingerprint(content, program=self.baseline.program)

    def _record(self, experiment: Experiment) -> None:
        """Remember an experiment, and tell of it once it cannot be lost."""
        self.ledger.record(experiment)
        self.experiments.append(experiment)
        self.listener.finished(experiment)

    def _values(self, pairs: Sequence[Pair]) -> dict[str, float | None]:
        """Return the candidate's value of each metric over some pairs."""
        return {
            metric.name: gains.score(pair.candidate for pair in pairs)
            if metric.name == TIME.name
            else gains.typical([pair.candidate.metrics[metric.name] for pair in pairs])
            for metric in self.metrics
        }


def _decided(experiment: Experiment, decision: Decision) -> Experiment:
    return replace(
        experiment,
        status=decision.status,
        reason=decision.reason,
        detail=decision.detail,
        effect=decision.effect,
    )


def _one_line(description: str) -> str:
    words = text.visible(" ".join(_CONTROL.sub(" ", description).split()))
    return words[:_DESCRIPTION_LIMIT] or "no description"


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
