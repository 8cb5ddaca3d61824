"""A project's own proposer: what a fixture decorated with `@autoloop.proposer` returns."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import AutoloopError, ProposerError, UsageError
from pytest_autoloop.model import Edit, Lessons, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from pytest_autoloop.model import Brief, Experiment, Target
    from pytest_autoloop.proposers.base import Proposer, Workbench

_OPTIONAL = ("check", "start", "resume", "review", "observe", "close")
#: More tokens or dollars than anything costs.
_LARGEST = 10**15


class DeclaredProposer(ProposerBase):
    """Speaks for an object that has `propose`, or a function; the rest may be missing.

    Whatever it raises becomes an error of this project, with the line where it came from.
    """

    def __init__(self, value: Any, name: str) -> None:  # noqa: ANN401 - whatever a user returns
        self.name = str(getattr(value, "name", name))
        self.uses_profile = bool(getattr(value, "uses_profile", False))
        self.parallel = bool(getattr(value, "parallel", False))
        self._propose: Callable[..., Any] = getattr(value, "propose", value)
        self._methods: dict[str, Callable[..., Any]] = {
            method: getattr(value, method) for method in _OPTIONAL if hasattr(value, method)
        }

    def check(self, target: Target, source: bytes) -> None:
        """Let it refuse.

        Raises:
            UsageError: it refuses, or fails.
        """
        self._call(UsageError, "check", target, source)

    def start(self, workbench: Workbench) -> None:
        """Lend it the workbench.

        Raises:
            UsageError: it fails.
        """
        self._call(UsageError, "start", workbench)

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Tell it what was tried before.

        Raises:
            UsageError: it fails.
        """
        # A list, which may be walked more than once, and counted.
        self._call(UsageError, "resume", list(experiments))

    def propose(self, brief: Brief) -> Proposal | None:
        """Return what it suggests.

        Raises:
            ProposerError: it fails, or returns something else than a proposal.
        """
        answer = self._guarded(ProposerError, "propose", self._propose, brief)
        proposal = checked(answer, f"the proposer {self.name}")
        if proposal is None:
            return None
        return replace(proposal, proposer=proposal.proposer or self.name)

    def review(self, brief: Brief) -> Lessons | None:
        """Let it look back.

        Raises:
            ProposerError: it fails, or returns something else than lessons.
        """
        lessons = self._call(ProposerError, "review", brief)
        if lessons is None or isinstance(lessons, Lessons):
            return lessons
        raise ProposerError(
            f"the proposer {self.name} returned {lessons!r:.200} from review(): return "
            "pytest_autoloop.model.Lessons, or None"
        )

    def observe(self, experiment: Experiment) -> None:
        """Tell it what became of a proposal.

        Raises:
            ProposerError: it fails.
        """
        self._call(ProposerError, "observe", experiment)

    def close(self) -> None:
        """Tell it that the campaign is over.

        Raises:
            ProposerError: it fails.
        """
        self._call(ProposerError, "close")

    def _call(self, kind: type[AutoloopError], method: str, *arguments: object) -> Any:  # noqa: ANN401
        found = self._methods.get(method)
        return None if found is None else self._guarded(kind, method, found, *arguments)

    def _guarded(
        self, kind: type[AutoloopError], what: str, call: Callable[..., Any], *arguments: object
    ) -> Any:  # noqa: ANN401
        try:
            return call(*arguments)
        except (AutoloopError, KeyboardInterrupt):
            raise
        except BaseException as error:  # a user's code: pytest.skip and exit() are no Exceptions
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise kind(
                f"the proposer {self.name} failed in {what}(): {type(error).__name__}: {error} "
                f"({place.filename}:{place.lineno})"
            ) from error


def checked(answer: object, who: str) -> Proposal | None:
    """Return a proposal of somebody else's making, once it is seen to be one.

    Raises:
        ProposerError: it is none, or has parts of other types.
    """
    if answer is None:
        return None
    if not isinstance(answer, Proposal):
        raise ProposerError(
            f"{who} returned {answer!r:.200}: return an autoloop.Proposal, or None when there is "
            "nothing left to suggest"
        )
    edits = isinstance(answer.edits, tuple) and all(
        isinstance(edit, Edit) and isinstance(edit.path, str) and isinstance(edit.content, bytes)
        for edit in answer.edits
    )
    rest = isinstance(answer.description, str) and _countable(answer.usage)
    if edits and rest:
        return answer
    raise ProposerError(
        f"{who} returned a proposal that cannot be read ({answer!r:.200}): its description is a "
        "str, its edits a tuple of autoloop.Edit(path, content) with the content as bytes, its "
        "usage an autoloop.Usage of whole tokens and dollars, none below zero"
    )


def _countable(usage: object) -> bool:
    """Tell whether a cost can be added up and held to a limit: below zero it would be a credit."""
    if not isinstance(usage, Usage):
        return False
    tokens, cost = (usage.prompt_tokens, usage.completion_tokens), usage.cost_usd
    counted = all(n is None or (type(n) is int and 0 <= n <= _LARGEST) for n in tokens)
    priced = cost is None or (isinstance(cost, (int, float)) and 0 <= cost <= _LARGEST)
    return counted and priced


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
