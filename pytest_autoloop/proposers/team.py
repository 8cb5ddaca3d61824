"""Several proposers in one campaign: in turn, or the one that pays best."""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pytest_autoloop.model import Brief, Experiment, Lessons, Proposal, Target
    from pytest_autoloop.proposers.base import Proposer, Workbench

#: Failures to propose, one after another, that put a member aside.
_FAILURES = 3
#: Experiments without a keep after which the bandit tries another member.
_PLATEAU = 5
#: Weight of what is not known yet; 2 is UCB1's (Auer, Cesa-Bianchi, Fischer, 2002).
_EXPLORATION = 2.0


@dataclass(slots=True, eq=False)
class _Member:
    proposer: Proposer
    tries: int = 0
    #: Sum of the log gains that were kept, of seconds, and of dollars where they are known.
    gain: float = 0.0
    seconds: float = 0.0
    dollars: float = 0.0
    since_keep: int = 0
    failures: int = 0
    #: Proposals of it that have not been judged yet, and that it is asked for.
    pending: int = 0


@dataclass(frozen=True, slots=True)
class _Asked:
    """Who made the proposal for one brief, and the name that the proposal bears."""

    member: _Member
    name: str


class Team:
    """Asks its members round-robin, or by what they have gained for what they cost.

    The bandit is UCB1 over the realised gain per cost: each member's kept log gains, divided by
    the dollars it cost where every member has cost some, else by the seconds of its experiments,
    as a share of the best member's. A member without a keep in its last five experiments waits
    until another one has been tried. Where one fails the next one is asked; who has nothing left,
    or failed three times running, drops out.

    Where all members may be asked at once, so may the team. What is not judged yet counts as a try
    that has gained nothing, so that not all ask the same one.
    """

    def __init__(self, proposers: Sequence[Proposer], *, bandit: bool = False) -> None:
        self.name = " + ".join(proposer.name for proposer in proposers)
        self.uses_profile = any(proposer.uses_profile for proposer in proposers)
        self.parallel = all(proposer.parallel for proposer in proposers)
        self._members = [_Member(proposer) for proposer in proposers]
        self._everyone = list(proposers)
        self._bandit = bandit
        #: Who made the proposals that are being judged, by the numbers of their briefs, in the
        #: order of their answers; and the one that was judged last.
        self._asked: dict[int, _Asked] = {}
        self._latest: _Member | None = None
        self._lock = threading.Lock()

    def check(self, target: Target, source: bytes) -> None:
        """Let every member refuse."""
        for proposer in self._everyone:
            proposer.check(target, source)

    def start(self, workbench: Workbench) -> None:
        """Start every member."""
        for proposer in self._everyone:
            proposer.start(workbench)

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Tell every member."""
        told = list(experiments)
        for proposer in self._everyone:
            proposer.resume(told)

    def propose(self, brief: Brief) -> Proposal | None:
        """Ask a member; the next one where it cannot answer or has nothing left.

        None when nobody has anything left. What failed is a remark of the answer that came instead.

        Raises:
            ProposerError: nobody could answer.
        """
        with self._lock:
            again = self._asked.get(brief.number) if brief.remark else None
            if again is None:
                self._forget(brief.number)
            waiting = list(self._members)
        if again is not None:
            return again.member.proposer.propose(brief)
        failed: list[tuple[str, ProposerError]] = []
        while waiting:
            with self._lock:
                # Another thread may have seen that somebody has nothing left.
                waiting = [member for member in waiting if member in self._members]
                if not waiting:
                    break
                member = self._choose(waiting)
                member.pending += 1
            waiting.remove(member)
            try:
                proposal = member.proposer.propose(brief)
            except BaseException as error:
                with self._lock:
                    member.pending -= 1
                    if isinstance(error, ProposerError):
                        self._fails(member)
                if not isinstance(error, ProposerError):
                    raise
                failed.append((member.proposer.name, error))
                continue
            with self._lock:
                member.failures = 0
                if proposal is None:
                    member.pending -= 1
                    self._drop(member)
                    continue
                name = proposal.proposer or member.proposer.name
                self._asked[brief.number] = _Asked(member, name)
            return _with_failures(proposal, failed)
        if failed:
            raise failed[-1][1]
        return None

    def _fails(self, member: _Member) -> None:
        member.failures += 1
        # The last one is left to the campaign, which counts as well and then gives up.
        if member.failures >= _FAILURES and len(self._members) > 1:
            self._drop(member)

    def _drop(self, member: _Member) -> None:
        if member in self._members:
            self._members.remove(member)

    def _forget(self, number: int) -> _Member | None:
        """Return who was asked for a brief, for whom it is no longer under way."""
        asked = self._asked.pop(number, None)
        if asked is None:
            return None
        asked.member.pending -= 1
        return asked.member

    def review(self, brief: Brief) -> Lessons | None:
        """Let the first member look back that does."""
        with self._lock:
            members = list(self._members)
        reviews = (member.proposer.review(brief) for member in members)
        return next((lessons for lessons in reviews if lessons is not None), None)

    def observe(self, experiment: Experiment) -> None:
        """Credit the member that was asked; tell everyone."""
        with self._lock:
            member = self._forget(self._brief_of(experiment))
            if member is not None:
                self._latest = member
                kept = experiment.status == "keep"
                member.tries += 1
                member.seconds += experiment.seconds
                member.dollars += experiment.cost_usd or 0.0
                member.since_keep = 0 if kept else member.since_keep + 1
                if kept and experiment.effect is not None:
                    member.gain += experiment.effect.log_gain
        for proposer in self._everyone:
            proposer.observe(experiment)

    def _brief_of(self, experiment: Experiment) -> int:
        """Return the number of the brief that an experiment came of.

        It is the experiment's own unless several were asked at once; then whose name it bears was
        asked for the oldest of those that may be meant.
        """
        own = self._asked.get(experiment.number)
        if own is not None and experiment.proposer in {"", own.name}:
            return experiment.number
        named = (n for n, asked in self._asked.items() if asked.name == experiment.proposer)
        return next(named, experiment.number if len(self._asked) == 1 else -1)

    def close(self) -> None:
        """Close every member."""
        for proposer in self._everyone:
            proposer.close()

    def _choose(self, waiting: Sequence[_Member]) -> _Member:
        """Return whose turn it is among those that have not been asked for this experiment."""
        if not self._bandit:
            # Whoever was asked goes to the end of the line.
            member = next(member for member in self._members if member in waiting)
            self._members.remove(member)
            self._members.append(member)
            return member
        fresh = [member for member in waiting if not member.tries and not member.pending]
        if fresh:
            return min(fresh, key=lambda member: member.failures)
        rewards = self._rewards()
        total = sum(member.tries + member.pending for member in self._members)
        lively = [member for member in waiting if member.since_keep < _PLATEAU]
        others = [member for member in waiting if member is not self._latest]

        def bound(member: _Member) -> float:
            wide = math.sqrt(_EXPLORATION * math.log(total) / (member.tries + member.pending))
            return rewards[id(member)] + wide

        return max(lively or others or waiting, key=bound)

    def _rewards(self) -> dict[int, float]:
        """Return each member's gain per cost, as a share of the best one's."""
        priced = all(member.dollars > 0 for member in self._members)
        rates = {
            id(member): member.gain / max(member.dollars if priced else member.seconds, 1e-9)
            for member in self._members
        }
        best = max(rates.values())
        return {member: rate / best if best > 0 else 0.0 for member, rate in rates.items()}


def _with_failures(proposal: Proposal, failed: Sequence[tuple[str, ProposerError]]) -> Proposal:
    """Return a proposal that tells who could not answer, and is charged for it."""
    usage = proposal.usage
    for _, error in failed:
        usage += Usage.of(error.tokens_used, error.cost_usd)
    told = tuple(f"{name} failed: {error}" for name, error in failed)
    return replace(proposal, usage=usage, remarks=(*proposal.remarks, *told))
