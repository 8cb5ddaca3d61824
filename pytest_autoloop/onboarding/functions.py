"""What is known of a function of the target, from the calls that its tests make."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How `inspect` names parameters that can be given by position, and those that take many.
_POSITIONAL = frozenset({"POSITIONAL_ONLY", "POSITIONAL_OR_KEYWORD"})
_MANY = frozenset({"VAR_POSITIONAL", "VAR_KEYWORD"})


@dataclass(frozen=True, slots=True)
class Module:
    """The target as a module that tests import."""

    #: Dotted; empty when no test imports it.
    name: str
    #: Its package has something else of this name, such as a function that it gives away: then
    #: ``import a.b`` is no way to it.
    hidden: bool = False

    @property
    def imported(self) -> str:
        """What imports it, as source."""
        return f"import sys\n\nimport {self.name}" if self.hidden else f"import {self.name}"

    @property
    def source(self) -> str:
        """What it is called in the source after that."""
        return f'sys.modules["{self.name}"]' if self.hidden else self.name


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter."""

    name: str
    kind: str
    #: As it is written; empty without one.
    annotation: str
    default: bool

    @property
    def many(self) -> bool:
        """Whether it takes any number of arguments."""
        return self.kind in _MANY


@dataclass(frozen=True, slots=True)
class Case:
    """One call, and what it gave. All values are plain data."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    #: Source of the result; empty when that is no plain data, or an exception was raised.
    result: str
    #: Name of the exception's class; empty when it returned.
    raised: str
    #: Whether the call changes its arguments.
    changes: bool = False

    @property
    def size(self) -> int:
        """Characters that it takes to write it down."""
        return len(repr(self.arguments)) + len(repr(self.keywords)) + len(self.result)


@dataclass(frozen=True, slots=True)
class Work:
    """Arguments for a benchmark: those of the slowest call, one of them repeated."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]
    #: Which positional argument is repeated how often; -1 for none.
    place: int
    times: int
    #: Of one call.
    seconds: float


@dataclass(frozen=True, slots=True)
class Function:
    """A function that the target gives away."""

    name: str
    parameters: tuple[Parameter, ...]
    cases: tuple[Case, ...]
    #: Some call gave something else when it was made again.
    unsteady: bool
    work: Work | None

    @property
    def plain(self) -> bool:
        """Whether it can be compared: it gives plain data, the same each time."""
        given = all(case.result or case.raised for case in self.cases)
        return bool(self.cases) and given and not self.unsteady

    def values(self, place: int, parameter: Parameter) -> list[Any]:
        """Return what a parameter was given in the calls."""
        found = [c.keywords[parameter.name] for c in self.cases if parameter.name in c.keywords]
        if parameter.kind in _POSITIONAL:
            found += [c.arguments[place] for c in self.cases if place < len(c.arguments)]
        return found


def function_from(document: Mapping[str, Any]) -> Function:
    """Return what the recorder says of a function."""
    work = document["work"]
    return Function(
        document["name"],
        tuple(Parameter(**one) for one in document["parameters"]),
        tuple(
            Case(
                tuple(ast.literal_eval(case["arguments"])),
                ast.literal_eval(case["keywords"]),
                case["result"],
                case["raised"],
                case["changes"],
            )
            for case in document["cases"]
        ),
        document["unsteady"],
        None
        if work is None
        else Work(
            tuple(ast.literal_eval(work["arguments"])),
            ast.literal_eval(work["keywords"]),
            work["place"],
            work["times"],
            work["seconds"],
        ),
    )
