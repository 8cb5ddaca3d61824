"""What a rule is: a name, what it may save, and a function that finds the places it can rewrite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import libcst as cst


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One rule at one place."""

    #: One short imperative line, for example ``cache fib with functools.cache``.
    description: str
    #: Makes the changed module; called only for the rewrites that are really proposed.
    build: Callable[[], cst.Module]
    #: The nodes of the module whose time the rewrite may save: their lines are where it counts.
    places: tuple[cst.CSTNode, ...]


@dataclass(frozen=True, slots=True)
class Rule:
    """A source rewrite and how to find the places where it applies.

    A rule need not be sound: the guards refuse what changes behaviour, the measurement refuses
    what gains nothing. It must leave everything but the rewritten place as it was.
    """

    name: str
    #: Share of the place's time that it saves where it fits, 0 to 1: 0.5 makes it twice as fast.
    expected: float
    find: Callable[[cst.Module], Iterator[Rewrite]]
