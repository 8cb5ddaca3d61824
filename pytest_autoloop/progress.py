"""What is being done right now: the one way from the work to whoever watches it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

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
