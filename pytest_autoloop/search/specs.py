"""Turns spec strings such as `explore:5` into a search strategy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.search.beam import Beam
from pytest_autoloop.search.explore import Explore
from pytest_autoloop.search.greedy import Greedy
from pytest_autoloop.search.restart import Restart
from pytest_autoloop.search.tree import Tree

if TYPE_CHECKING:
    from pytest_autoloop.search.base import SearchStrategy

#: Default and least K of those that take one.
_SIZES = {"explore": (5, 3), "restart": (20, 1), "beam": (3, 2)}
_KNOWN = "greedy, explore:K, tree, restart:K or beam:K"


def strategy_from_spec(spec: str, seed: int) -> SearchStrategy:
    """Build the strategy that a spec names; without K it has its default.

    Raises:
        UsageError: no such strategy, or a K that it cannot work with.

    """
    kind, colon, written = spec.strip().partition(":")
    if kind in {"greedy", "tree"} and not colon:
        return Greedy() if kind == "greedy" else Tree(seed)
    if kind not in _SIZES:
        raise UsageError(
            f"--autoloop-search (or the ini option autoloop_search) is {spec!r}, which names no "
            f"strategy: write {_KNOWN}"
        )
    size, least = _SIZES[kind]
    if colon:
        size = int(written) if written.isascii() and written.isdecimal() else 0
    if size < least:
        raise UsageError(
            f"--autoloop-search (or the ini option autoloop_search) is {spec!r}: K in {kind}:K is "
            f"a whole number, at least {least}; write for example {kind}:{_SIZES[kind][0]}"
        )
    if kind == "explore":
        return Explore(size)
    return Restart(size, seed) if kind == "restart" else Beam(size)
