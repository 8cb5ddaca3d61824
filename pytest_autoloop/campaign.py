"""The loop: propose → screen → commit → guard → measure → confirm → record."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field, replace
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop import text
from pytest_autoloop.decision import gains, sequential, verdict
from pytest_autoloop.evaluation import screen
from pytest_autoloop.model import (
    TIME,
    Brief,
    Decision,
    Effect,
    Experiment,
    Outcome,
    Pair,
    Reading,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.baseline import Baseline, Workplace
    from pytest_autoloop.decision.sequential import Rule
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.history.results import ResultsFile
    from pytest_autoloop.model import GuardReport, Metric, Proposal
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.search.base import SearchStrategy

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_DESCRIPTION_LIMIT = 200
_AUDIT_PAIRS = 5


class Listener(Protocol):
    """Whoever takes part in the loop from outside: in a pytest session, its hooks."""

    def propose(self, brief: Brief) -> Proposal | None:
        """Return a candidate, or None to leave it to the configured proposer."""

    def check(self, proposal: Proposal) -> str | None:
        """Return a reason to veto a candidate."""

    def finished(self, experiment: Experiment) -> None:
        """Take note of an experiment that is in the journal."""


@dataclass(frozen=True, slots=True)
class Records:
    """Where experiments are remembered."""

    tag: str
    journal: Journal
    results: ResultsFile

    @property
    def branch(self) -> str:
        """Full name of the branch that keeps advance."""
        return f"refs/heads/autoexp/{self.tag}"

    def ref(self, number: int) -> str:
        """Full name of the ref that keeps one experiment reachable."""
        return f"refs/autoloop/{self.tag}/{number:03}"


@dataclass(frozen=True, slots=True)
class Audit:
    """The first commit against the best, on fresh pairs."""

    effect: Effect
    #: The gain in first calls, where benchmarks are timed and it tells another story.
    first_calls: Effect | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A proposal, and what it was made for."""

    number: int
    parent: str
    #: The target's content in `parent`.
    source: bytes
    proposal: Proposal
    #: Monotonic time at which it was asked for.
    started: float


@dataclass(slots=True)
class Campaign:
    """All experiments of one tag."""

    workplace: Workplace
    baseline: Baseline
    records: Records
    proposer: Proposer
    search: SearchStrategy
    rule: Rule
    listener: Listener
    program: Path
    experiments: list[Experiment] = field(default_factory=list)
    _calibration: verdict.Calibration = field(init=False)
    _tried: dict[str, int] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._calibration = self.baseline.calibration
        self._tried[screen.fingerprint(self.workplace.source)] = 0

    @property
    def primary(self) -> Metric:
        """The metric that decides."""
        return self.metrics[0]

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """The metrics of the table: the user's fixtures, else the benchmarks' time."""
        return self.baseline.manifest.metrics or (TIME,)

    @property
    def noise(self) -> float | None:
        """Standard deviation of one pair's relative gain; None when there is no noise at all."""
        if self._calibration.deterministic:
            return None
        return self._calibration.of(self._basis).sigma

    @property
    def smallest_gain(self) -> float:
        """The smallest relative gain that this machine shows within the cap of pairs."""
        if self._calibration.deterministic:
            return 0.0
        return sequential.smallest_visible_gain(self._calibration.of(self._basis), self.rule)

    @property
    def _basis(self) -> gains.Basis:
        return "metric" if self.baseline.manifest.metrics else "warm"

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

    def propose(self, number: int) -> Attempt | None:
        """Ask for the next candidate; None when the proposer has nothing left.

        Raises:
            ProposerError: the proposer could not answer; nothing was recorded.
        """
        started = time.monotonic()
        parent = self.search.parent(self.experiments)
        source = self.workplace.repository.read(parent, self.workplace.target.path)
        brief = self._brief(number, source)
        proposal = self.listener.propose(brief) or self.proposer.propose(brief)
        if proposal is None:
            return None
        proposal = replace(proposal, proposer=proposal.proposer or self.proposer.name)
        return Attempt(number, parent, source, proposal, started)

    def run(self, attempt: Attempt) -> Experiment:
        """Run one experiment and record it."""
        experiment = self._judge(attempt)
        experiment = replace(experiment, seconds=time.monotonic() - attempt.started)
        self._record(experiment)
        self.proposer.observe(experiment)
        return experiment

    def audit(self) -> Audit | None:
        """Measure the first commit against the best again; None when nothing was kept.

        A keep was chosen for its measurements, so they flatter it; these are fresh.
        """
        best = self.search.parent(self.experiments)
        if best == self.workplace.commit:
            return None
        workplace = self.workplace
        workplace.place("incumbent", workplace.source)
        workplace.place("candidate", workplace.repository.read(best, workplace.target.path))
        metrics = self.baseline.manifest.metrics
        pairs: list[Pair] = []
        for _ in range(1 if self._calibration.deterministic else _AUDIT_PAIRS):
            pair = workplace.evaluator.pair(self.baseline.manifest)
            if isinstance(pair, Decision):
                return None
            pairs.append(pair)
        effect = verdict.effect_of(pairs, self._calibration, metrics)
        if metrics or effect.basis == "first" or not pairs[0].candidate.first:
            return Audit(effect)
        values = verdict.gains_of(pairs, "first", metrics)
        first = sequential.effect(values, self._calibration.first, "first")
        # Warm and first calls overlap in an honest gain; a cache across calls pulls them apart.
        return Audit(effect, first if first.high < effect.low else None)

    def _judge(self, attempt: Attempt) -> Experiment:
        """Take one proposal through every stage that it survives."""
        target = self.workplace.target.path
        number, proposal = attempt.number, attempt.proposal
        experiment = Experiment(
            number=number,
            status="discard",
            reason="",
            description=_one_line(proposal.description),
            proposer=proposal.proposer,
            commit="",
            parent=attempt.parent,
            timestamp=_now(),
            seconds=0.0,
            metrics=dict.fromkeys((metric.name for metric in self.metrics), None),
            tokens_used=proposal.usage.tokens,
            cost_usd=proposal.usage.cost_usd,
        )
        content = screen.content_of(proposal, target)
        if isinstance(content, Decision):
            return _decided(experiment, content)
        experiment = self._commit(experiment, content)
        refusal = screen.refuse(content, target, attempt.source, self._tried)
        self._tried.setdefault(screen.fingerprint(content), number)
        veto = None if refusal else self.listener.check(proposal)
        if veto:
            refusal = Decision("discard", "vetoed", veto)
        if refusal is not None:
            return _decided(experiment, refusal)
        self.workplace.place("incumbent", attempt.source)
        self.workplace.place("candidate", content)
        try:
            return self._run(experiment)
        finally:
            self.workplace.pool.reset("candidate")
            self.workplace.pool.reset("incumbent")

    def _run(self, experiment: Experiment) -> Experiment:
        """Guard, measure and confirm what stands in the candidate's worktree."""
        guard = self._guard()
        experiment = replace(experiment, guard=guard)
        if not guard.passed:
            decision = Decision(guard.status, guard.reason, guard.message)
            return _decided(experiment, decision)
        pairs: list[Pair] = []
        decision = self._compare(pairs)
        self._calibration = self._calibration.observed(pairs, self.baseline.manifest.metrics)
        values = self._values(pairs) if pairs else experiment.metrics
        return replace(_decided(experiment, decision), metrics=values, pairs=tuple(pairs))

    def _guard(self) -> GuardReport:
        """Run the guards; a candidate that changes the harness's files has not passed them."""
        workplace = self.workplace
        report = workplace.evaluator.guard(self.baseline.manifest.required)
        changed = workplace.pool.dirty("candidate", ignoring=workplace.target.path)
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

    def _compare(self, pairs: list[Pair]) -> Decision:
        """Measure pair after pair until the test decides; confirm a keep on fresh pairs."""
        manifest, evaluator = self.baseline.manifest, self.workplace.evaluator
        decision: Decision | None = None
        while decision is None:
            pair = evaluator.pair(manifest)
            if isinstance(pair, Decision):
                return pair
            pairs.append(pair)
            decision = verdict.decide(pairs, self._calibration, manifest.metrics, self.rule)
        if decision.status != "keep" or decision.effect is None:
            return decision
        found = len(pairs)
        for _ in range(1 if self._calibration.deterministic else self.rule.confirmation_pairs):
            pair = evaluator.pair(manifest)
            if isinstance(pair, Decision):
                return pair
            pairs.append(pair)
        basis = verdict.objective_basis(pairs[:found], manifest.metrics) or "warm"
        effect = verdict.effect_of(pairs, self._calibration, manifest.metrics)
        if verdict.confirmed(pairs[found:], basis, self._calibration, manifest.metrics, self.rule):
            return replace(decision, effect=effect)
        return Decision("discard", "no-gain", "the gain was not confirmed on fresh pairs", effect)

    def _commit(self, experiment: Experiment, content: bytes) -> Experiment:
        """Commit a candidate before it runs, so that every try can be looked at again."""
        repository, target = self.workplace.repository, self.workplace.target.path
        message = (
            f"{experiment.description}\n\n"
            f"Autoloop-Experiment: {self.records.tag}/{experiment.number:03}\n"
            f"Autoloop-Parent: {experiment.parent}\n"
            f"Autoloop-Proposer: {_one_line(experiment.proposer)}\n"
        )
        commit = repository.commit_file(experiment.parent, target, content, message)
        repository.set_ref(self.records.ref(experiment.number), commit)
        diff = repository.diff(experiment.parent, commit, target)
        changed = [
            line
            for line in diff.splitlines()
            if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        ]
        return replace(experiment, commit=commit, diff=diff, diff_lines=len(changed))

    def _record(self, experiment: Experiment) -> None:
        """Remember an experiment: journal first, then the branch, then the table."""
        self.records.journal.append(experiment)
        if experiment.status in {"keep", "baseline"}:
            repository = self.workplace.repository
            repository.set_ref(
                self.records.branch, experiment.commit, expected_old=experiment.parent
            )
        self.experiments.append(experiment)
        self.records.results.append(experiment)
        self.listener.finished(experiment)

    def _brief(self, number: int, source: bytes) -> Brief:
        present = next(e for e in reversed(self.experiments) if e.status in {"keep", "baseline"})
        return Brief(
            number=number,
            target=self.workplace.target,
            source=source,
            readings=tuple(Reading(m, present.metrics.get(m.name)) for m in self.metrics),
            directives=_read_program(self.program),
            smallest_gain=self.smallest_gain,
            history=tuple(self._outcome(e) for e in self.experiments[1:]),
        )

    def _outcome(self, experiment: Experiment) -> Outcome:
        effect = experiment.effect
        detail = experiment.detail
        if experiment.guard is not None and experiment.guard.test:
            detail = f"{experiment.guard.test}: {detail}"
        return Outcome(
            number=experiment.number,
            status=experiment.status,
            reason=experiment.reason,
            description=experiment.description,
            effect="" if effect is None else text.effect(effect, self.primary.direction),
            detail=detail,
        )

    def _values(self, pairs: Sequence[Pair]) -> dict[str, float | None]:
        """Return the candidate's value of each metric over some pairs."""
        metrics = self.baseline.manifest.metrics
        if not metrics:
            return {TIME.name: gains.score(pair.candidate for pair in pairs)}
        return {
            m.name: gains.typical([p.candidate.metrics[m.name] for p in pairs]) for m in metrics
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
    words = " ".join(_CONTROL.sub(" ", description).split())
    return words[:_DESCRIPTION_LIMIT] or "no description"


def _read_program(path: Path) -> str:
    """Read the human's standing orders; they may come, go and change while a campaign runs."""
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _now() -> str:
    return datetime.now(timezone.utc).isoformat(timespec="seconds")
