"""The loop: propose → screen → commit → guard → measure → confirm → record."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast

from pytest_autoloop.asking import Attempt
from pytest_autoloop.briefing import result_of
from pytest_autoloop.candidates import Candidate, opened
from pytest_autoloop.evaluation import screen
from pytest_autoloop.history.merging import merged
from pytest_autoloop.judging import Case, decided
from pytest_autoloop.model import Decision, Experiment
from pytest_autoloop.outlook import Outlook
from pytest_autoloop.search.base import Start
from pytest_autoloop.search.base import best as best_of
from pytest_autoloop.shortening import SIMPLER, standing
from pytest_autoloop.slots import Slots
from pytest_autoloop.usage import Spending

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.asking import Asker, Question
    from pytest_autoloop.baseline import Baseline
    from pytest_autoloop.comparison import Audit
    from pytest_autoloop.history.answers import Answer
    from pytest_autoloop.history.chronicle import Chronicle
    from pytest_autoloop.history.ledger import Ledger
    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.judging import Judge
    from pytest_autoloop.model import Json, Metric, Proposal
    from pytest_autoloop.progress import Listener
    from pytest_autoloop.search.base import SearchStrategy, Stays
    from pytest_autoloop.usage import Usage
    from pytest_autoloop.workplace import Workplace

#: What has won against an earlier best has to win against the present one.
_WON = ("keep", "explore")
#: A candidate whose judging was cut short so many times is not begun again: it may be the reason.
_CUT_SHORT = 2


@dataclass(slots=True)
class Campaign:
    """The experiments of one tag with one target."""

    workplace: Workplace
    baseline: Baseline
    ledger: Ledger
    asker: Asker
    search: SearchStrategy
    judge: Judge
    listener: Listener
    #: Whether the baseline is to be recorded, or was already; and its number.
    anew: bool = True
    first_number: int = 0
    #: What the journal's header holds once such a baseline is recorded.
    header: Mapping[str, Json] = field(default_factory=dict)
    #: Seconds that the campaign had run before this session, and when this one began (monotonic).
    earlier_seconds: float = 0.0
    began: float = field(default_factory=time.monotonic)

    # What is known -----------------------------------------------------------------------------

    @property
    def chronicle(self) -> Chronicle:
        """What is known of all experiments."""
        return self.ledger.chronicle

    @property
    def rows(self) -> Sequence[Row]:
        """The target's experiments since its last baseline, that one first."""
        rows = self.every_row
        baselines = (i for i in reversed(range(len(rows))) if rows[i].status == "baseline")
        return rows[next(baselines, len(rows)) :]

    @property
    def every_row(self) -> Sequence[Row]:
        """All of this target's experiments, also those before a baseline that was measured anew."""
        name = self.workplace.target.name
        return [row for row in self.chronicle.rows if row.target in {name, ""}]

    @property
    def best_metrics(self) -> dict[str, float | None]:
        """What was measured of the best when it was kept."""
        return self.chronicle.experiment(best_of(self.rows).number).metrics

    @property
    def best(self) -> str:
        """Commit of the last keep, at first the baseline's."""
        return best_of(self.rows).commit

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """What is measured, the metric to improve first and then the others."""
        return self.judge.policy.metrics

    @property
    def primary(self) -> Metric:
        """The metric to improve first."""
        return self.metrics[0]

    @property
    def outlook(self) -> Outlook:
        """What can be seen on this machine, and how long a decision takes."""
        calibration = self.judge.comparison.calibration
        return Outlook.of(self.judge.policy, calibration, self.baseline.pair_seconds)

    @property
    def elapsed(self) -> float:
        """Seconds that the campaign has run, over all its sessions."""
        return self.earlier_seconds + time.monotonic() - self.began

    @property
    def spent(self) -> Spending:
        """Tokens and dollars of all experiments, and of what came to none."""
        return self.spent_with(())

    def spent_with(self, more: Iterable[Usage]) -> Spending:
        """Return what was spent together with answers that are not recorded yet."""
        return self.chronicle.spent_with(self.asker.unbilled) + Spending.of(more)

    @property
    def claimed(self) -> float | None:
        """Sum of the log gains of all keeps, as they were measured when they were kept.

        None when some were read from first calls and others from warm ones: those do not add up.
        """
        rows = self.rows
        kept = self.chronicle.lean(row.number for row in rows if row.status == "keep")
        bases = {experiment.effect.basis for experiment in kept if experiment.effect is not None}
        return standing(rows).claimed if len(bases) == 1 else None

    # How an experiment goes --------------------------------------------------------------------

    def question(self, number: int, in_flight: int) -> Question:
        """Return what the proposer is to be asked, as experiment `number`.

        `in_flight` counts those of the target that have begun and are not recorded.
        """
        rows = self.rows
        start = self.search.start(len(rows) + in_flight, rows)
        gain = self.outlook.smallest_gain
        return self.asker.question(number, start, self.read(start.commit), smallest_gain=gain)

    def answer(self, question: Question) -> Attempt | None:
        """Ask for a candidate; None when the proposer has nothing left.

        Raises:
            ProposerError: the proposer could not answer; what it cost is kept for the next row.
        """
        return self.asker.answer(question, self._tried)

    def read(self, commit: str) -> bytes:
        """Return the target's content in a commit."""
        return self.workplace.repository.read(commit, self.workplace.target.path)

    def receive(self, attempt: Attempt, number: int | None = None) -> Answer:
        """Write an answer down, before anything is made of it; with its number, if it has one."""
        name = self.workplace.target.name
        answer = self.ledger.answered(
            attempt.start, name, attempt.proposal, number, proposing=attempt.proposing
        )
        self.asker.settle()
        return answer

    def prepare(self, attempt: Attempt, answer: Answer) -> Candidate:
        """Commit a candidate, and say what refuses it already.

        May be called beside `run`, from another thread.
        """
        target = self.workplace.target
        experiment = opened(attempt, answer.number, target, self.metrics)
        if answer.times > _CUT_SHORT:
            times = answer.times - 1
            detail = f"its judging was cut short {times} times, with the whole session"
            return Candidate(attempt, decided(experiment, Decision("crash", "interrupted", detail)))
        content = screen.content_of(attempt.proposal, target.path)
        if isinstance(content, Decision):
            return Candidate(attempt, decided(experiment, content))
        experiment = replace(experiment, fingerprint=self.judge.fingerprint(content))
        experiment = self.ledger.commit(experiment, target.path, content)
        refusal = self._refusal(attempt.proposal, content, attempt.source)
        if refusal is None:
            return Candidate(attempt, experiment, content)
        told = result_of(refusal.detail, self.chronicle)
        return Candidate(attempt, decided(experiment, replace(refusal, detail=told)))

    def judge_ahead(self, candidate: Candidate) -> Candidate:
        """Judge a candidate before its turn, beside others: against what it was made from.

        What has lost to that stays as it is, whatever is kept meanwhile; so the outcome does not
        depend on who answers first.
        """
        attempt, content = candidate.attempt, candidate.content
        if content is None:
            return candidate
        against = attempt.start.commit if attempt.start.stays == "no" else self.best
        case = self._case(attempt, content, attempt.source, against)
        judged = self.judge.run(candidate.experiment, case)
        return replace(candidate, judged=judged, against=against)

    def run(self, candidate: Candidate) -> Experiment:
        """Run one experiment and record it."""
        evaluator = self.workplace.evaluator
        waited = evaluator.waited
        experiment = self._judged(candidate)
        # Without what it had to wait for other campaigns.
        seconds = time.monotonic() - candidate.attempt.started - (evaluator.waited - waited)
        experiment = self.record(replace(experiment, seconds=seconds, elapsed=self.elapsed))
        self.asker.observe(experiment)
        return experiment

    def pending(self) -> list[Answer]:
        """Return the answers to this target whose judging was cut short with a session."""
        name = self.workplace.target.name
        return [answer for answer in self.ledger.answers.pending() if answer.target == name]

    def run_again(self, answer: Answer) -> Experiment:
        """Judge an answer whose judging was cut short."""
        start = Start(answer.parent, answer.search, cast("Stays", answer.stays))
        source = self.read(start.commit)
        attempt = Attempt(start, source, answer.proposal, time.monotonic(), answer.proposing)
        return self.run(self.prepare(attempt, self.receive(attempt, answer.number)))

    def slots(self, count: int) -> Slots:
        """Return where so many candidates can be guarded at once."""
        place = self.workplace
        written = self.baseline.written
        return Slots(
            place.pool, place.evaluator, place.runner, place.commit, written=written, count=count
        )

    def audit(self) -> Audit | None:
        """Measure the first commit against the best again; None when nothing was kept.

        A keep was chosen for its measurements, so they flatter it; these are fresh.
        """
        rows = self.rows
        best = best_of(rows)
        return None if best is rows[0] else self.judge.audit(self.read(best.commit))

    def _judged(self, candidate: Candidate) -> Experiment:
        """Take one candidate through every stage that it survives."""
        content, experiment, guard = candidate.content, candidate.experiment, candidate.guard
        ahead = candidate.judged
        if content is None:
            return experiment
        attempt, rows = candidate.attempt, self.rows
        best = best_of(rows).commit
        source = attempt.source
        if ahead is not None and (candidate.against == best or ahead.status not in _WON):
            return self._duplicate(experiment) or ahead
        if attempt.start.stays == "no" and attempt.start.commit != best:
            moved = self._moved(experiment, attempt, content, best)
            if isinstance(moved, Experiment):
                return moved
            experiment, content, source, guard = *moved, None
        elif (found := self._duplicate(experiment)) is not None:
            return found
        return self.judge.run(experiment, self._case(attempt, content, source, best), guard)

    def _case(self, attempt: Attempt, content: bytes, source: bytes, best: str) -> Case:
        """Return what a candidate is compared with where `best` is the best."""
        rows = self.rows
        anchor = standing(rows).anchor.commit if best == best_of(rows).commit else best
        best_content = source if attempt.start.commit == best else self.read(best)
        return Case(
            content,
            best=best_content,
            parent=source,
            stays=attempt.start.stays,
            anchor=best_content if anchor == best else self.read(anchor),
            keeps=sum(row.status == "keep" and row.reason != SIMPLER for row in rows),
        )

    def _duplicate(self, experiment: Experiment) -> Experiment | None:
        """Return the experiment as a duplicate of one that was judged while it waited."""
        found = self._tried(experiment.fingerprint)
        if found is None:
            return None
        told = result_of(f"duplicate of {found:03}", self.chronicle)
        return decided(experiment, Decision("discard", "duplicate", told))

    def _moved(
        self, experiment: Experiment, attempt: Attempt, content: bytes, best: str
    ) -> Experiment | tuple[Experiment, bytes, bytes]:
        """Merge a candidate onto a best that has moved since; or say why that is not to be run."""
        target = self.workplace.target
        source = self.read(best)
        change = merged(attempt.source, content, source, target.path)
        if change.content is None or change.fault:
            detail = f"the best has changed since it was proposed: it {change.fault}"
            return decided(experiment, Decision("discard", "conflict", detail))
        experiment = replace(
            experiment, parent=best, fingerprint=self.judge.fingerprint(change.content)
        )
        experiment = self.ledger.commit(experiment, target.path, change.content)
        refusal = self._refusal(attempt.proposal, change.content, source)
        if refusal is not None:
            return decided(experiment, refusal)
        return experiment, change.content, source

    def _refusal(self, proposal: Proposal, content: bytes, source: bytes) -> Decision | None:
        """Say what speaks against running a candidate that was made from `source`."""
        target, program = self.workplace.target, self.baseline.program
        return screen.refuse(
            content, target.path, source, self._tried, program=program, symbol=target.symbol
        ) or self.judge.inspect(proposal, content)

    def _tried(self, fingerprint: str) -> int | None:
        """Return the experiment that tried the same candidate since the last baseline."""
        return self.chronicle.find(fingerprint, since=self.rows[0].number)

    def record(self, experiment: Experiment) -> Experiment:
        """Remember an experiment, and tell of it once it cannot be lost."""
        self.ledger.record(experiment)
        self.listener.finished(experiment)
        return experiment
