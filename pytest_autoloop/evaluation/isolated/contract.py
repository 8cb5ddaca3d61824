"""What the trusted side and a worker agree on before the first call."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pytest_autoloop.model import Status


@dataclass(frozen=True, slots=True)
class Source:
    """One version of the target, as a worker loads it: from memory."""

    #: Dotted name under which it is imported, for example ``pkg.parser``.
    module: str
    #: What `__file__` says: the path in the worktree.
    path: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a worker finds around it: the same for every version of the target."""

    #: Entries of `sys.path` inside the worktree, absolute, in order.
    import_roots: tuple[str, ...]
    #: Files and directories of the project that a target may read: nothing of the harness.
    readable: tuple[str, ...]
    #: An empty directory: working, home and temporary directory of the worker.
    home: str
    #: File for what the worker prints; limited in size.
    output: str
    #: Whether the containment layers are applied, and must be.
    contained: bool = True
    #: Whether a worker reports what no computing code does.
    tripwire: bool = True
    #: Address space in bytes; None leaves it as it is.
    memory_bytes: int | None = 4 * 2**30


def to_plain(source: Source, surroundings: Surroundings) -> tuple[tuple[Any, ...], ...]:
    """Return both as plain data."""
    return astuple(source), astuple(surroundings)


def from_plain(value: tuple[tuple[Any, ...], ...]) -> tuple[Source, Surroundings]:
    """Return what `to_plain` made plain data of."""
    source, surroundings = value
    return Source(*source), Surroundings(*surroundings)


class CandidateFault(BaseException):
    """A candidate did what no candidate may, or could not be run on.

    Not an `Exception`: a test that expects any error must not take it for one.
    """

    def __init__(self, status: Status, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
