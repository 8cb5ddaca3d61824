"""A tree of solutions: a few drafts, then improve good ones and mend broken ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best, failed, worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row

#: Drafts from the baseline, and how often and how far a broken one is mended: as AIDE does it
#: (https://github.com/WecoAI/aideml: num_drafts, debug_prob, max_debug_depth).
_DRAFTS = 5
_DEBUG_SHARE = 0.5
_DEBUG_DEPTH = 3
#: Attempts without success after which a node rests, and what the best gets while it rests.
_ATTEMPTS = 5
_RESTING_SHARE = 0.25
#: How many of the youngest broken ones are worth mending.
_YOUNGEST = 5


@dataclass(frozen=True, slots=True)
class Tree:
    """AIDE's search (Jiang et al. 2025, arXiv:2502.13138), with rests for nodes that bring nothing.

    Drafts from the baseline come first. Then a candidate that crashed, hung or did not pass its
    guards is mended with probability ½, or else the best node improved that does not rest. When
    all rest, there is another draft, from the best.
    """

    seed: int = 0
    name: str = "tree"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return what to draft from, to mend or to improve."""
        if sum(row.search == "draft" for row in rows) < _DRAFTS:
            return Start(rows[0].commit, "draft", "any")
        chance = random.Random(f"{self.seed}:{number}")  # noqa: S311 - a choice, not a secret
        worth = worths(rows)
        idle, broken = _leaves(rows, worth)
        if broken and chance.random() < _DEBUG_SHARE:
            return Start(chance.choice(broken[-_YOUNGEST:]), "debug", "any")
        top = best(rows).commit
        awake = [commit for commit, attempts in idle.items() if attempts < _ATTEMPTS]
        if top in awake or chance.random() < _RESTING_SHARE:
            return Start(top)
        if not awake:
            return Start(top, "draft", "any")
        return Start(max(awake, key=worth.__getitem__), "improve", "better")


@dataclass(frozen=True, slots=True)
class _Broken:
    """A candidate that broke, and what it or the first of those that it mends set out from."""

    parent: str
    why: str
    depth: int


def _leaves(rows: Sequence[Row], worth: dict[str, float]) -> tuple[dict[str, int], list[str]]:
    """Return the nodes to improve, with their fruitless attempts, and the commits to mend.

    A node is a draft, or what is worth at least as much as its parent, which it replaces. Mending
    counts for what the broken one set out from: one that is mended and worse is no node, or else
    each would begin a line uphill of its own. A broken one is a leaf while nothing followed it; not
    worth mending are those that set out from a node replaced since, drafts apart.
    """
    idle: dict[str, int] = {}
    broken: dict[str, _Broken] = {}
    leaves: dict[str, None] = {}
    for row in rows:
        leaves.pop(row.parent, None)
        mended = broken.get(row.parent)
        origin = mended or _Broken(row.parent, row.search, 0)
        depth = mended.depth + 1 if mended else 0
        if failed(row):
            broken[row.commit] = _Broken(origin.parent, origin.why, depth)
            if depth < _DEBUG_DEPTH:
                leaves[row.commit] = None
        here = worth.get(row.commit)
        better = here is not None and here >= worth.get(origin.parent, 0.0)
        if better and (origin.why != "draft" or row.status == "keep"):
            idle.pop(origin.parent, None)
        elif origin.parent in idle and row.search == "improve":
            idle[origin.parent] += 1
        if better or (here is not None and origin.why == "draft"):
            idle[row.commit] = 0
    mendable = [c for c in leaves if broken[c].why == "draft" or broken[c].parent in idle]
    return idle, mendable
