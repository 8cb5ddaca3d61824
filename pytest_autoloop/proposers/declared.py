"""A project's own proposer: what a fixture decorated with `@autoloop.proposer` returns."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Proposal
from pytest_autoloop.proposers.base import ProposerBase

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Brief, Experiment, Lessons, Target
    from pytest_autoloop.proposers.base import Proposer, Workbench

_OPTIONAL = ("check", "start", "review", "observe", "close")


class DeclaredProposer(ProposerBase):
    """Speaks for an object that has `propose`, or a function; the rest may be missing."""

    def __init__(self, value: Any, name: str) -> None:  # noqa: ANN401 - whatever a user returns
        self.name = str(getattr(value, "name", name))
        self.uses_profile = bool(getattr(value, "uses_profile", False))
        self._propose: Callable[[Brief], object] = getattr(value, "propose", value)
        self._methods: dict[str, Callable[..., Any]] = {
            method: getattr(value, method) for method in _OPTIONAL if hasattr(value, method)
        }

    def check(self, target: Target, source: bytes) -> None:
        """Let it refuse."""
        self._call("check", target, source)

    def start(self, workbench: Workbench) -> None:
        """Lend it the workbench."""
        self._call("start", workbench)

    def propose(self, brief: Brief) -> Proposal | None:
        """Return what it suggests.

        Raises:
            ProposerError: it returns something else than a proposal.
        """
        answer = self._propose(brief)
        if answer is None or isinstance(answer, Proposal):
            return answer
        raise ProposerError(
            f"the proposer {self.name} returned {answer!r:.200}: return an autoloop.Proposal, or "
            "None when there is nothing left to suggest"
        )

    def review(self, brief: Brief) -> Lessons | None:
        """Let it look back."""
        lessons: Lessons | None = self._call("review", brief)
        return lessons

    def observe(self, experiment: Experiment) -> None:
        """Tell it what became of a proposal."""
        self._call("observe", experiment)

    def close(self) -> None:
        """Tell it that the campaign is over."""
        self._call("close")

    def _call(self, method: str, *arguments: object) -> Any:  # noqa: ANN401
        found = self._methods.get(method)
        return None if found is None else found(*arguments)


def declared(value: object, name: str, source: str) -> Proposer:
    """Return the proposer that a fixture gave.

    Raises:
        UsageError: it can neither be called nor has a method `propose`.
    """
    if not callable(getattr(value, "propose", value)):
        raise UsageError(
            f"the proposer fixture {name!r} ({source}) gave {value!r:.200}: return a function of "
            "one argument, the brief, or an object with such a method `propose`"
        )
    return DeclaredProposer(value, name)
