"""Asks the proposer: briefs, second answers, lessons, and what all of it cost."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from pytest_autoloop.briefing import TRIED, brief_for, result_of, tried_line
from pytest_autoloop.errors import ProposerError
from pytest_autoloop.evaluation import screen
from pytest_autoloop.history.notes import append_to_section
from pytest_autoloop.model import Decision
from pytest_autoloop.proposers.declared import checked
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.history.notes import Notes
    from pytest_autoloop.model import Brief, Experiment, HotLine, Metric, Proposal, Target
    from pytest_autoloop.proposers.base import Proposer

#: Experiments between two looks back.
_REVIEW_EVERY = 10
#: Reasons for which a proposer is asked once more, before its answer counts.
_WASTED = frozenset({"no-op", "duplicate"})


@dataclass(frozen=True, slots=True)
class Attempt:
    """A proposal, and what it was made for."""

    number: int
    parent: str
    #: The target's content in `parent`.
    source: bytes
    proposal: Proposal
    #: Monotonic time at which it was asked for, and the seconds the answer took.
    started: float
    proposing: float


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
    #: What a proposer did beside proposing.
    take_notices: Callable[[], tuple[str, ...]] = tuple
    #: Samples the benchmarks of the incumbent; None when no profile is wanted.
    profile: Callable[[bytes], tuple[HotLine, ...]] | None = None
    #: Whether the target is a program whose layout and comments make no difference.
    program: bool = False
    #: Whether each experiment is noted in the directives, too.
    updates_directives: bool = False
    #: Tokens and dollars that no experiment has been charged with yet.
    unbilled: Usage = field(default_factory=Usage)
    _profiled: tuple[bytes, tuple[HotLine, ...]] | None = None

    def ask(
        self,
        number: int,
        experiments: Sequence[Experiment],
        parent: str,
        source: bytes,
        *,
        smallest_gain: float | None,
        tried: Mapping[str, int],
    ) -> Attempt | None:
        """Return the next attempt; None when nobody has anything left.

        `tried` maps the fingerprint of every earlier candidate to its experiment.

        Raises:
            ProposerError: the proposer could not answer; what it cost is kept for the next row.
        """
        started = time.monotonic()
        brief = brief_for(
            experiments,
            self.target,
            source,
            self.metrics,
            number=number,
            program=self.directives,
            smallest_gain=smallest_gain,
            parent=parent,
            profile=self._hot_lines(source),
        )
        if number % _REVIEW_EVERY == 0:
            self._look_back(replace(brief, notes=self.notes.read()))
        brief = replace(brief, notes=self.notes.read())
        proposal = self._answer(brief)
        if proposal is None:
            return None
        remark = self._wasted(proposal, source, tried, experiments)
        if remark:
            proposal = self._second_answer(replace(brief, remark=remark), proposal)
        proposal = replace(
            proposal,
            proposer=proposal.proposer or self.proposer.name,
            usage=proposal.usage + self.unbilled,
            remarks=(*proposal.remarks, *self.take_notices()),
        )
        self.unbilled = Usage()
        return Attempt(number, parent, source, proposal, started, time.monotonic() - started)

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
        tried: Mapping[str, int],
        experiments: Sequence[Experiment],
    ) -> str:
        """Return why running a proposal would tell nothing new; empty when it would."""
        content = screen.content_of(proposal, self.target.path)
        if isinstance(content, Decision):
            decision: Decision | None = content
        else:
            decision = screen.refuse(content, self.target.path, source, tried, program=self.program)
        if decision is None or decision.reason not in _WASTED:
            return ""
        return f"{proposal.description}: {result_of(decision.detail, experiments)}"

    def _look_back(self, brief: Brief) -> None:
        """Let the proposer draw lessons; a look back that fails costs nothing but itself."""
        try:
            lessons = self.proposer.review(brief)
        except ProposerError as error:
            self._bill(error)
            return
        if lessons is None:
            return
        self.unbilled += lessons.usage
        if lessons.lines:
            self.notes.append(lessons.lines, brief.number)

    def _hot_lines(self, source: bytes) -> tuple[HotLine, ...]:
        if self.profile is None:
            return ()
        if self._profiled is None or self._profiled[0] != source:
            self._profiled = (source, self.profile(source))
        return self._profiled[1]

    def _bill(self, error: ProposerError) -> None:
        self.unbilled += Usage.of(error.tokens_used, error.cost_usd)
