"""Asks the proposer: briefs, second answers, lessons, and what all of it cost."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.briefing import TRIED, brief_for, result_of, tried_line
from pytest_autoloop.errors import ProposerError
from pytest_autoloop.evaluation import screen
from pytest_autoloop.history.notes import append_to_section
from pytest_autoloop.model import Decision
from pytest_autoloop.progress import Unwatched
from pytest_autoloop.proposers.declared import checked
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.designs import Archive
    from pytest_autoloop.history.chronicle import Chronicle
    from pytest_autoloop.history.notes import Notes
    from pytest_autoloop.model import Brief, Experiment, HotLine, Metric, Proposal, Target
    from pytest_autoloop.progress import Progress
    from pytest_autoloop.proposers.base import Proposer
    from pytest_autoloop.search.base import Start

#: Experiments between two looks back.
_REVIEW_EVERY = 10
#: Reasons for which a proposer is asked once more, before its answer counts.
_WASTED = frozenset({"no-op", "duplicate", "out-of-scope"})


def _forget(_: Usage) -> None:
    """Remember nothing beyond this session."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A proposal, and what it was made for."""

    start: Start
    #: The target's content in the commit that it starts from.
    source: bytes
    proposal: Proposal
    #: Monotonic time at which it was asked for, and the seconds the answer took.
    started: float
    proposing: float


@dataclass(frozen=True, slots=True)
class Question:
    """What a proposer is about to be asked."""

    start: Start
    brief: Brief
    asked: float


@dataclass(slots=True)
class Asker:
    """Stands between the loop and its proposer."""

    proposer: Proposer
    #: A conftest's or plugin's own suggestion; None leaves it to the proposer.
    hook: Callable[[Brief], Proposal | None]
    target: Target
    metrics: tuple[Metric, ...]
    directives: Path
    notes: Notes
    chronicle: Chronicle
    #: What a proposer did beside proposing.
    take_notices: Callable[[], tuple[str, ...]] = tuple
    #: Samples the benchmarks of the incumbent; None when no profile is wanted.
    profile: Callable[[bytes], tuple[HotLine, ...]] | None = None
    #: Whether the target is a program whose layout and comments make no difference.
    program: bool = False
    #: Whether each experiment is noted in the directives, too.
    updates_directives: bool = False
    #: Kept designs that are shown in full; None shows none.
    archive: Archive | None = None
    #: Remembers what no experiment has been charged with yet, for the next session.
    keep_bill: Callable[[Usage], None] = _forget
    #: Tokens and dollars that no experiment has been charged with yet.
    unbilled: Usage = field(default_factory=Usage)
    progress: Progress = field(default_factory=Unwatched)
    _profiled: tuple[bytes, tuple[HotLine, ...]] | None = None
    #: What answers are charged with comes from several threads.
    _billing: threading.Lock = field(default_factory=threading.Lock)

    def question(
        self, number: int, start: Start, source: bytes, *, smallest_gain: float | None
    ) -> Question:
        """Return what the proposer is to be asked for experiment `number`."""
        asked = time.monotonic()
        brief = brief_for(
            self.chronicle,
            start,
            self.target,
            source,
            self.metrics,
            number=number,
            program=self.directives,
            smallest_gain=smallest_gain,
            profile=self._hot_lines(source),
            archive=self.archive,
        )
        return Question(start, brief, asked)

    def answer(self, question: Question, tried: Callable[[str], int | None]) -> Attempt | None:
        """Return the next attempt; None when nobody has anything left.

        `tried` returns the experiment with the fingerprint of an earlier candidate. May be called
        from several threads if the proposer is `parallel`.

        Raises:
            ProposerError: the proposer could not answer; what it cost is kept for the next row.
        """
        with self.progress.phase("proposing"):
            return self._attempt(question, tried)

    def _attempt(self, question: Question, tried: Callable[[str], int | None]) -> Attempt | None:
        brief = question.brief
        if brief.number % _REVIEW_EVERY == 0:
            self._look_back(replace(brief, notes=self.notes.read()))
        brief = replace(brief, notes=self.notes.read())
        proposal = self._answer(brief)
        if proposal is None:
            return None
        remark = self._wasted(proposal, brief.source, tried)
        if remark:
            proposal = self._second_answer(replace(brief, remark=remark), proposal)
        with self._billing:
            usage, self.unbilled = proposal.usage + self.unbilled, Usage()
        proposal = replace(
            proposal,
            proposer=proposal.proposer or self.proposer.name,
            usage=usage,
            remarks=(*proposal.remarks, *self.take_notices()),
        )
        proposing = time.monotonic() - question.asked
        return Attempt(question.start, brief.source, proposal, question.asked, proposing)

    def settle(self) -> None:
        """Take note that the last answer, which carries what was open, is on the disk."""
        with self._billing:
            self.keep_bill(self.unbilled)

    def observe(self, experiment: Experiment) -> None:
        """Tell the proposer what became of its proposal, and the directives if asked to.

        Raises:
            JournalError: the directives cannot be written.
        """
        self.proposer.observe(experiment)
        if self.updates_directives:
            append_to_section(self.directives, TRIED, tried_line(experiment, self.metrics[0]))

    def _answer(self, brief: Brief) -> Proposal | None:
        try:
            return self._suggestion(brief) or self.proposer.propose(brief)
        except ProposerError as error:
            self._bill(error)
            raise

    def _suggestion(self, brief: Brief) -> Proposal | None:
        """Return what the hook suggests."""
        proposal = checked(self.hook(brief), "the hook pytest_autoloop_propose")
        if proposal is None:
            return None
        return replace(proposal, proposer=proposal.proposer or "hook")

    def _second_answer(self, brief: Brief, first: Proposal) -> Proposal:
        """Ask again about an answer that is not worth a run; without a better one it counts."""
        try:
            second = self._answer(brief)
        except ProposerError:  # billed already
            return first
        return first if second is None else replace(second, usage=first.usage + second.usage)

    def _wasted(
        self,
        proposal: Proposal,
        source: bytes,
        tried: Callable[[str], int | None],
    ) -> str:
        """Return why running a proposal would tell nothing new; empty when it would."""
        content = screen.content_of(proposal, self.target.path)
        if isinstance(content, Decision):
            decision: Decision | None = content
        else:
            decision = screen.refuse(
                content,
                self.target.path,
                source,
                tried,
                program=self.program,
                symbol=self.target.symbol,
            )
        if decision is None or decision.reason not in _WASTED:
            return ""
        return f"{proposal.description}: {result_of(decision.detail, self.chronicle)}"

    def _look_back(self, brief: Brief) -> None:
        """Let the proposer draw lessons; a look back that fails costs nothing but itself."""
        try:
            lessons = self.proposer.review(brief)
        except ProposerError as error:
            self._bill(error)
            return
        if lessons is None:
            return
        self.charge(lessons.usage)
        if lessons.lines:
            self.notes.append(lessons.lines, brief.number)

    def _hot_lines(self, source: bytes) -> tuple[HotLine, ...]:
        if self.profile is None:
            return ()
        if self._profiled is None or self._profiled[0] != source:
            with self.progress.phase("profiling"):
                self._profiled = (source, self.profile(source))
        return self._profiled[1]

    def _bill(self, error: ProposerError) -> None:
        self.charge(Usage.of(error.tokens_used, error.cost_usd))

    def charge(self, usage: Usage) -> None:
        """Remember a cost until a row is charged with it, also for the next session."""
        with self._billing:
            self.unbilled += usage
            self.keep_bill(self.unbilled)
