"""A cheap model for most proposals, a strong one now and then."""

from __future__ import annotations

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
        self.parallel = False
        self._explore = explore
        self._validate = validate
        self._every = every
        self._asked: Proposer = explore
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
        if not brief.remark:
            due = self._since_strong >= self._every - 1 or self._since_keep >= PLATEAU
            self._asked = self._validate if due else self._explore
        proposal = self._asked.propose(brief)
        if proposal is None and not brief.remark:
            # One of them has nothing left: the other one goes on alone.
            other = self._explore if self._asked is self._validate else self._validate
            self._asked = other
            proposal = other.propose(brief)
        if not brief.remark:
            strong = self._asked is self._validate
            self._since_strong = 0 if strong else self._since_strong + 1
            self._since_keep = 0 if strong else self._since_keep
        return proposal

    def review(self, brief: Brief) -> Lessons | None:
        """Let the strong model look back, or the other one if it does not."""
        return self._validate.review(brief) or self._explore.review(brief)

    def observe(self, experiment: Experiment) -> None:
        """Count what was not kept; tell both."""
        self._since_keep = 0 if experiment.status == "keep" else self._since_keep + 1
        for proposer in (self._explore, self._validate):
            proposer.observe(experiment)

    def close(self) -> None:
        """Close both."""
        for proposer in (self._explore, self._validate):
            proposer.close()
