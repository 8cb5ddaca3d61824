"""A cheap model for most proposals, a strong one now and then."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.model import Brief, Experiment, Lessons, Proposal, Target
    from pytest_autoloop.proposers.base import Proposer, Workbench

#: Experiments without a keep after which the strong model is asked out of turn.
PLATEAU = 5


class Tiers:
    """Asks `explore`; every `every`-th time, and once after a plateau, `validate`."""

    def __init__(self, explore: Proposer, validate: Proposer, *, every: int) -> None:
        self.name = f"{explore.name} / {validate.name}"
        self.uses_profile = explore.uses_profile or validate.uses_profile
        self.parallel = explore.parallel and validate.parallel
        self._explore = explore
        self._validate = validate
        self._every = every
        #: Who was asked last for each brief that may come again with a remark, by its number.
        self._asked: dict[int, Proposer] = {}
        self._lock = threading.Lock()
        #: Answers of `explore` since `validate` was asked, and experiments since a keep.
        self._since_strong = 0
        self._since_keep = 0

    def check(self, target: Target, source: bytes) -> None:
        """Let both refuse."""
        for proposer in (self._explore, self._validate):
            proposer.check(target, source)

    def start(self, workbench: Workbench) -> None:
        """Start both."""
        for proposer in (self._explore, self._validate):
            proposer.start(workbench)

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Tell both."""
        told = list(experiments)
        for proposer in (self._explore, self._validate):
            proposer.resume(told)

    def propose(self, brief: Brief) -> Proposal | None:
        """Ask the one whose turn it is; the same one again when its answer does not count.

        Raises:
            ProposerError: it could not answer.
        """
        if brief.remark:
            with self._lock:
                again = self._asked.get(brief.number, self._explore)
            return again.propose(brief)
        asked, before = self._choose()
        try:
            proposal = asked.propose(brief)
        except BaseException:
            self._take_back(asked, before)
            raise
        if proposal is None:
            # One of them has nothing left: the other one goes on alone.
            self._take_back(asked, before)
            asked = self._explore if asked is self._validate else self._validate
            proposal = asked.propose(brief)
            with self._lock:
                self._count(asked)
        with self._lock:
            self._asked[brief.number] = asked
        return proposal

    def _choose(self) -> tuple[Proposer, tuple[int, int]]:
        """Return whose turn it is and the counts so far; the turn counts already.

        Who asks meanwhile in another thread is not given the same one.
        """
        with self._lock:
            due = self._since_strong >= self._every - 1 or self._since_keep >= PLATEAU
            before = self._since_strong, self._since_keep
            asked = self._validate if due else self._explore
            self._count(asked)
        return asked, before

    def _count(self, asked: Proposer) -> None:
        strong = asked is self._validate
        self._since_strong = 0 if strong else self._since_strong + 1
        self._since_keep = 0 if strong else self._since_keep

    def _take_back(self, asked: Proposer, before: tuple[int, int]) -> None:
        with self._lock:
            if asked is self._validate:
                self._since_strong += before[0]
                self._since_keep += before[1]
            else:
                self._since_strong = max(self._since_strong - 1, 0)

    def review(self, brief: Brief) -> Lessons | None:
        """Let the strong model look back, or the other one if it does not."""
        return self._validate.review(brief) or self._explore.review(brief)

    def observe(self, experiment: Experiment) -> None:
        """Count what was not kept; tell both."""
        with self._lock:
            self._since_keep = 0 if experiment.status == "keep" else self._since_keep + 1
        for proposer in (self._explore, self._validate):
            proposer.observe(experiment)

    def close(self) -> None:
        """Close both."""
        for proposer in (self._explore, self._validate):
            proposer.close()
