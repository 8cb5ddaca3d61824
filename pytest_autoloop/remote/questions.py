"""What a campaign asks its workers, and how one answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import EvaluationError

if TYPE_CHECKING:
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.decision.verdict import Policy
    from pytest_autoloop.judging import Case
    from pytest_autoloop.model import Decision, Experiment, GuardReport, HotLine
    from pytest_autoloop.remote.bench import Bench
    from pytest_autoloop.remote.learned import Learned


@dataclass(frozen=True, slots=True)
class LearnBaseline:
    """Ask whether the harness is green there, and how noisy the host is."""

    def answer(self, bench: Bench) -> Learned:
        """Return what was learned while that was found out."""
        return bench.learned


@dataclass(frozen=True, slots=True)
class GuardCandidate:
    """Ask whether the guards pass on a candidate."""

    content: bytes
    policy: Policy

    def answer(self, bench: Bench) -> GuardReport:
        """Return what they say; nothing is timed."""
        judge = bench.judge(self.policy)
        bench.workplace.place("candidate", self.content)
        try:
            return judge.guard()
        finally:
            bench.workplace.pool.reset("candidate")


@dataclass(frozen=True, slots=True)
class JudgeCandidate:
    """Ask whether a candidate is better than the best; both are measured on that one host."""

    experiment: Experiment
    case: Case
    policy: Policy
    ahead: GuardReport | None = None

    def answer(self, bench: Bench) -> Experiment:
        """Return the experiment with status, reason and all that was measured."""
        found = bench.judge(self.policy).run(self.experiment, self.case, self.ahead)
        return replace(found, host=bench.host)


@dataclass(frozen=True, slots=True)
class AuditBest:
    """Ask how much better the best is than the first version, on fresh pairs."""

    best: bytes
    policy: Policy

    def answer(self, bench: Bench) -> Audit:
        """Return what was found.

        Raises:
            EvaluationError: one of the two cannot be measured.
        """
        judge = bench.judge(self.policy)
        audit = judge.audit(self.best)
        if audit is None:
            raise EvaluationError(judge.comparison.fault)
        return audit


@dataclass(frozen=True, slots=True)
class CompareAsGood:
    """Ask whether a version is as good as the best."""

    content: bytes
    best: bytes
    policy: Policy

    def answer(self, bench: Bench) -> Decision:
        """Return `keep` if it is shown to be."""
        return bench.judge(self.policy).as_good_as(self.content, self.best)


@dataclass(frozen=True, slots=True)
class ProfileBest:
    """Ask where the benchmarks spend their time in a version."""

    source: bytes

    def answer(self, bench: Bench) -> tuple[HotLine, ...]:
        """Return the hottest lines; empty where that failed."""
        place = bench.workplace
        place.place("incumbent", self.source)
        try:
            return place.evaluator.profile()
        finally:
            place.place("incumbent", place.source)
