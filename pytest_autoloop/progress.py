"""Who watches the work, or takes part in it, from outside."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from pytest_autoloop.model import Brief, Experiment, Proposal

#: What takes long enough to be told.
Phase = Literal[
    "baseline",
    "checking isolation",
    "checking that tests notice",
    "profiling",
    "proposing",
    "guards",
    "measuring",
    "confirming",
    "verifying",
    "checking noise",
    "auditing",
    "ablating",
]


class Progress(Protocol):
    """Whoever watches: may be told from several threads, and must return at once."""

    def phase(self, name: Phase, step: int = 0) -> AbstractContextManager[None]:
        """Note that something is done while the block runs; `step` counts pairs from 1."""


class Unwatched:
    """Nobody watches."""

    def phase(self, name: Phase, step: int = 0) -> AbstractContextManager[None]:  # noqa: ARG002
        """Note nothing."""
        return nullcontext()


class Listener(Protocol):
    """Whoever takes part in the loop from outside: in a pytest session, its hooks."""

    def propose(self, brief: Brief) -> Proposal | None:
        """Return a candidate, or None to leave it to the configured proposer."""

    def check(self, proposal: Proposal) -> str | None:
        """Return a reason to veto a candidate."""

    def finished(self, experiment: Experiment) -> None:
        """Take note of an experiment that is in the journal."""
