"""Where one campaign is remembered, and in which order."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.answers import Answer, Answers, Unbilled
from pytest_autoloop.history.chronicle import Chronicle

if TYPE_CHECKING:
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.history.lock import CampaignLock
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.results import ResultsFile
    from pytest_autoloop.model import Experiment, Proposal


class Origin(Protocol):
    """What a search says of the commit that a proposal changes."""

    @property
    def commit(self) -> str:
        """The commit."""

    @property
    def why(self) -> str:
        """How the search came to it."""

    @property
    def stays(self) -> str:
        """What becomes of a candidate that is not the best."""


@dataclass(slots=True)
class Ledger:
    """Answers, commits, refs, journal, branch, table and chronicle of one tag.

    `answered`, `commit` and `take_number` may be called beside `record`, from other threads.
    """

    tag: str
    repository: Repository
    journal: Journal
    results: ResultsFile
    #: Held as long as the session runs; the system lets go of it when the process ends.
    lock: CampaignLock
    chronicle: Chronicle = field(init=False)
    answers: Answers = field(init=False)
    unbilled: Unbilled = field(init=False)
    #: Refs of candidates without a line in the journal, and the commit of each: alone these may be
    #: made again.
    unrecorded: dict[str, str] = field(init=False, default_factory=dict)
    _next: int = field(init=False)
    _numbering: threading.Lock = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.answers = Answers(self.journal.directory / "answers")
        self.unbilled = Unbilled(self.journal.directory)
        pending = [answer.number for answer in self.answers.pending()]
        self.chronicle = Chronicle.open(self.journal)
        self._next = max(self.chronicle.last_number, *pending, -1) + 1

    @property
    def branch(self) -> str:
        """Short name of the branch that keeps advance."""
        return f"autoexp/{self.tag}"

    def close(self) -> None:
        """Let others in, and end what git has running for the campaign."""
        self.repository.close()
        self.chronicle.close()
        self.lock.close()

    def ref_of(self, number: int) -> str:
        """Return the full name of the ref that keeps a candidate's commit."""
        return f"refs/autoloop/{self.tag}/{number:03}"

    def take_number(self) -> int:
        """Return a number that nothing of the campaign bears, and nobody else will get."""
        with self._numbering:
            self._next += 1
            return self._next - 1

    def burn(self, number: int) -> None:
        """Give no number up to this one any more."""
        with self._numbering:
            self._next = max(self._next, number + 1)

    def answered(
        self,
        start: Origin,
        target: str,
        proposal: Proposal,
        number: int | None = None,
        *,
        proposing: float = 0.0,
    ) -> Answer:
        """Write an answer down before anything is made of it; returns when the disk has it.

        One that is there already under its number is begun once more, which its `times` counts.

        Args:
            start: what the search said of the commit that it changes.
            target: name of the target that it changes.
            proposal: what was answered.
            number: the experiment that it becomes; None takes a new number.
            proposing: seconds that the answer took.

        Raises:
            JournalError: it cannot be written.
        """
        earlier = None if number is None else self.answers.get(number)
        answer = Answer(
            number=self.take_number() if number is None else number,
            parent=start.commit,
            target=target,
            search=start.why,
            stays=start.stays,
            proposal=proposal,
            times=1 if earlier is None else earlier.times + 1,
            proposing=proposing,
            bill=self.unbilled.name() if earlier is None else earlier.bill,
        )
        self.answers.put(answer)
        return answer

    def commit(self, experiment: Experiment, target: str, content: bytes) -> Experiment:
        """Commit a candidate before it runs, so that every try can be looked at again.

        One that is not in the journal yet may be committed anew, onto another parent or after a
        session was killed.

        Raises:
            RepositoryError: git refused.
        """
        message = (
            f"{experiment.description}\n\n"
            f"Autoloop-Experiment: {self.tag}/{experiment.number:03}\n"
            f"Autoloop-Parent: {experiment.parent}\n"
            f"Autoloop-Proposer: {experiment.proposer}\n"
        )
        commit = self.repository.commit_file(experiment.parent, target, content, message)
        # It must be new, or what this number left without a line: no other ref is ever moved.
        ref = self.ref_of(experiment.number)
        self.repository.set_ref(ref, commit, expected_old=self.unrecorded.get(ref, ""))
        self.unrecorded[ref] = commit
        diff = self.repository.diff(experiment.parent, commit, target)
        changed = [
            line
            for line in diff.splitlines()
            if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        ]
        return replace(experiment, commit=commit, diff=diff, diff_lines=len(changed))

    def record(self, experiment: Experiment) -> None:
        """Remember a finished experiment: journal, branch, table, chronicle; its answer is dropped.

        Raises:
            JournalError: one of the files cannot be written.
            RepositoryError: the branch has been moved by somebody else.
        """
        head = self.chronicle.head
        place = self.journal.append(experiment)
        self.unrecorded.pop(self.ref_of(experiment.number), None)
        # The baseline of another target is where the branch stands already; that of another
        # harness takes it away from what was kept by the one before.
        if experiment.status in {"keep", "baseline"} and experiment.commit != head:
            self._advance(experiment.commit, head)
        if not self.results.append(experiment):
            self.write_results(experiment)
        self.chronicle.add(experiment, *place, results=self.results.size)
        self.answers.drop(experiment.number)

    def _advance(self, commit: str, head: str) -> None:
        ref = f"refs/heads/{self.branch}"
        try:
            self.repository.set_ref(ref, commit, expected_old=head)
        except RepositoryError as error:
            if head or self.repository.ref(ref) is None:
                raise
            raise RepositoryError(
                f"another session took the branch {self.branch} while this one measured its "
                "baseline: give the same command again, it takes another"
            ) from error

    def write_results(self, *more: Experiment) -> None:
        """Write the table anew, with some experiments that the chronicle does not know yet.

        Raises:
            UsageError: a file of somebody else is in its place.
            JournalError: it cannot be written.
        """
        self.results.write(chain(self.chronicle.all_lean(), more))
