"""What a rule is: a name and a function that finds the places it can rewrite."""

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


@dataclass(frozen=True, slots=True)
class Rule:
    """A source rewrite and how to find the places where it applies.

    A rule need not be sound: the guards refuse what changes behaviour, the measurement refuses
    what gains nothing. It must leave everything but the rewritten place as it was.
    """

    name: str
    find: Callable[[cst.Module], Iterator[Rewrite]]
