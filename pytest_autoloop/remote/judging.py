"""A judge who has candidates judged elsewhere, several at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.judging import Case, Judge, decided
from pytest_autoloop.model import Decision
from pytest_autoloop.remote import questions
from pytest_autoloop.remote.dask import TIMING
from pytest_autoloop.remote.dispatch import Dispatcher, PoisonError

if TYPE_CHECKING:
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.model import Experiment, GuardReport, HotLine


@dataclass(slots=True)
class RemoteJudge(Judge):
    """Asks workers; what is decided is theirs, what becomes of it is the campaign's."""

    dispatcher: Dispatcher = field(kw_only=True)
    parallel: ClassVar[bool] = True

    @property
    def resources(self) -> dict[str, float]:
        """What a worker must have to measure: what the metrics ask for, and a slot for timing."""
        wanted = dict(pair for metric in self.policy.metrics for pair in metric.resources)
        if self.dispatcher.engine.has_timing:
            wanted[TIMING] = 1
        return wanted

    def run(
        self, experiment: Experiment, case: Case, ahead: GuardReport | None = None
    ) -> Experiment:
        """Have a candidate judged against the best, both on one host.

        Raises:
            EvaluationError: no worker can be reached, or one cannot measure the incumbent.
        """
        policy, resources = self.policy, self.resources
        try:
            if ahead is None and TIMING in resources:
                # Many at a time on one host, which is timed on by one alone.
                rest = {name: count for name, count in resources.items() if name != TIMING}
                ahead = self.dispatcher.ask(questions.GuardCandidate(case.content, policy), rest)
            asked = questions.JudgeCandidate(experiment, case, policy, ahead)
            found: Experiment = self.dispatcher.ask(asked, resources)
        except PoisonError as error:
            return decided(experiment, Decision("crash", "quarantined", str(error)))
        # The campaign's own are what it knows of it.
        return replace(found, number=experiment.number, commit=experiment.commit)

    def audit(self, best: bytes) -> Audit | None:
        """Have the first version measured against the best."""
        try:
            asked = questions.AuditBest(best, self.policy)
            found: Audit = self.dispatcher.ask(asked, self.resources)
        except (PoisonError, EvaluationError) as error:
            self.comparison.fault = str(error)
            return None
        return found

    def as_good_as(self, content: bytes, best: bytes) -> Decision:
        """Have a version compared with the best: `keep` if it is shown to be as good."""
        asked = questions.CompareAsGood(content, best, self.policy)
        try:
            found: Decision = self.dispatcher.ask(asked, self.resources)
        except PoisonError as error:
            return Decision("crash", "quarantined", str(error))
        return found

    def profile(self, source: bytes) -> tuple[HotLine, ...]:
        """Have a version profiled; empty where that failed."""
        try:
            found: tuple[HotLine, ...] = self.dispatcher.ask(questions.ProfileBest(source))
        except PoisonError:
            return ()
        return found
