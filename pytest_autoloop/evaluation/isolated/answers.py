"""What a worker's answers mean."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Exports:
    """What a loaded module offers."""

    functions: frozenset[str]
    #: Plain values of the module's other names.
    constants: dict[str, Any]
    others: frozenset[str]


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception that a call ended with."""

    #: Qualified name, with the module unless it is a builtin; and those of its bases, itself first.
    kind: str
    bases: tuple[str, ...]
    #: None when they are not plain data.
    arguments: tuple[Any, ...] | None
    text: str
    #: It came out of a `raise` statement of the target itself.
    explicit: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one call."""

    value: Any
    raised: Raised | None
    #: The arguments as the call left them.
    args: tuple[Any, ...]
    kwargs: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Window:
    """A batch of calls, and the seconds it took by clocks that the worker cannot reach."""

    outcomes: tuple[Outcome, ...]
    call_wall: float
    call_cpu: float
    total_wall: float
    total_cpu: float
    #: Processor time since the last answer: nothing was asked of the worker then.
    idle_cpu: float
