"""Which experiment comes next, until the budget, the proposer or somebody ends the campaign."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop import text
from pytest_autoloop.budget import Account, crashes_in_a_row, since_keep, stop
from pytest_autoloop.errors import ProposerError
from pytest_autoloop.overlap import Failed, Overlap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_autoloop.asking import Attempt
    from pytest_autoloop.budget import Budget
    from pytest_autoloop.campaign import Campaign
    from pytest_autoloop.candidates import Candidate
    from pytest_autoloop.history.answers import Answer
    from pytest_autoloop.model import Experiment
    from pytest_autoloop.slots import Slots
    from pytest_autoloop.usage import Usage

#: Failures to propose, one after another, that end a campaign.
_PROPOSER_ERRORS = 3


class Turn(NamedTuple):
    """An experiment that is to be run now."""

    number: int
    run: Callable[[], Experiment]


class Received(NamedTuple):
    """A proposal, and the answer as it was written down when it arrived."""

    attempt: Attempt
    answer: Answer


@dataclass(slots=True)
class Loop:
    """The experiments of one session with one target, one after another.

    First those whose judging was cut short or never begun, then what the proposer suggests.
    """

    campaign: Campaign
    budget: Budget
    workers: int = 1
    #: Somebody wants the campaign to end.
    interrupted: Callable[[], bool] = bool
    #: Why no further proposal was asked for, in words and as the budget names it; empty while the
    #: loop runs.
    ended: str = ""
    reason: str = ""
    #: Whether other targets have to wait, too.
    final: bool = False
    #: Errors one after another, and all experiments that were run in this session.
    failures: int = 0
    done: int = 0
    #: What answers have cost that are not recorded yet, by their numbers.
    _waiting: dict[int, Usage] = field(default_factory=dict)
    _asked: int = 0
    #: Where candidates are guarded beside the one that is measured.
    _slots: Slots | None = None
    _overlap: Overlap[Attempt, Received, Candidate] | None = None

    def __iter__(self) -> Iterator[Turn]:
        """Return the experiments; the caller runs each before it asks for the next."""
        campaign = self.campaign
        for answer in campaign.pending():
            # It has been paid for, so of the budget only the number of experiments has a say.
            if self._ends() or self._account(0).experiments >= self.budget.experiments:
                break
            yield Turn(answer.number, self._counted(partial(campaign.run_again, answer)))
        self._asked = campaign.chronicle.last_number + 1
        if self.workers > 1 and not campaign.judge.parallel and not self._stops(0):
            self._slots = campaign.slots(self.workers)
        overlap: Overlap[Attempt, Received, Candidate] = Overlap(
            self.workers,
            lambda: self._question(overlap),
            self._receive,
            self._prepare,
            parallel=campaign.asker.proposer.parallel,
        )
        self._overlap = overlap
        yield from self._proposed(overlap)

    def close(self) -> None:
        """Ask for nothing more; what was answered and not judged waits for the next session."""
        if self._overlap is not None:
            self._overlap.close()
        if self._slots is not None:
            self._slots.close()

    def _proposed(self, overlap: Overlap[Attempt, Received, Candidate]) -> Iterator[Turn]:
        """Return what the proposer suggests, in the order of its answers."""
        campaign = self.campaign
        while not self._ends():
            try:
                found = overlap.next()
            except Exception as error:  # noqa: BLE001 - a proposer or hook may raise anything
                yield Turn(campaign.ledger.take_number(), self._counted(partial(_fail, error)))
                continue
            if found is None:
                if not self.ended:
                    told = text.count(self.done, "experiment")
                    self.ended = f"the proposer had no further idea after {told}"
                return
            if isinstance(found, Failed):
                run = partial(_fail, found.error)
                yield Turn(campaign.ledger.take_number(), self._counted(run))
                continue
            run = partial(campaign.run, found.prepared)
            number = found.received.answer.number
            yield Turn(number, self._counted(run))
            self._waiting.pop(number, None)

    def _question(
        self, overlap: Overlap[Attempt, Received, Candidate]
    ) -> Callable[[], Attempt | None] | None:
        """Return what asks the proposer once more, None when the budget forbids it."""
        if self.interrupted() or self._stops(overlap.in_flight):
            return None
        self.ended = ""
        question = self.campaign.question(self._asked, overlap.in_flight)
        self._asked += 1
        return partial(self.campaign.answer, question)

    def _receive(self, attempt: Attempt) -> Received:
        answer = self.campaign.receive(attempt)
        self._waiting[answer.number] = attempt.proposal.usage
        return Received(attempt, answer)

    def _prepare(self, received: Received) -> Candidate:
        candidate = self.campaign.prepare(received.attempt, received.answer)
        if self.campaign.judge.parallel:
            return self.campaign.judge_ahead(candidate)
        if self._slots is None or candidate.content is None:
            return candidate
        workplace, manifest = self.campaign.workplace, self.campaign.baseline.manifest
        files = {**workplace.frozen, workplace.target.path: candidate.content}
        with self.campaign.judge.progress.phase("guards"):
            guard = self._slots.guard(files, manifest.required)
        return replace(candidate, guard=guard)

    def _counted(self, run: Callable[[], Experiment]) -> Callable[[], Experiment]:
        """Return a run that counts failures in a row; any but a proposer's ends the campaign."""

        def counted() -> Experiment:
            try:
                experiment = run()
            except ProposerError:
                self.failures += 1
                raise
            except Exception:
                self.failures += 1
                self.final = True
                raise
            self.failures = 0
            self.done += 1
            return experiment

        return counted

    def _ends(self) -> bool:
        """Say whether no further experiment may begin, whatever the budget allows."""
        if self.final or self.failures >= _PROPOSER_ERRORS:
            times = "an error" if self.failures == 1 else f"{self.failures} errors in a row"
            kept = any(row.status == "keep" for row in self.campaign.rows)
            what = "what was kept is on the branch" if kept else "nothing was kept"
            self.ended = f"ended early after {times}; {what}"
            self.final = True
        return self.final or self.interrupted()

    def _stops(self, in_flight: int) -> bool:
        """Say whether the budget allows no further proposal."""
        found = stop(self.budget, self._account(in_flight))
        if found is None:
            return False
        self.ended, self.reason = found.sentence, found.reason
        # Whoever wants the session to end does not want the next target either.
        self.final = found.reason == "stop-file" and not in_flight
        return True

    def _account(self, in_flight: int) -> Account:
        """Return what has been used of the budget."""
        campaign = self.campaign
        rows = campaign.rows
        return Account(
            experiments=sum(row.status != "baseline" for row in campaign.chronicle.rows),
            in_flight=in_flight,
            answered=len(self._waiting),
            spent=campaign.spent_with(self._waiting.values()),
            seconds=campaign.elapsed,
            since_keep=since_keep(rows),
            # Whoever goes on after a campaign that ended with crashes has seen to their cause.
            crashes=min(crashes_in_a_row(rows), self.done),
            best=campaign.best_metrics,
        )


def _fail(error: Exception) -> Experiment:
    raise error
