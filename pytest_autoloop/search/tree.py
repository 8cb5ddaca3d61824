"""A tree of solutions: a few drafts, then improve good ones and mend broken ones."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best, failed, worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Row

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
        if chance.random() < _DEBUG_SHARE and (broken := _broken(rows)):
            return Start(chance.choice(broken[-_YOUNGEST:]), "debug", "any")
        top = best(rows).commit
        worth = worths(rows)
        awake = _awake(rows, worth)
        if top in awake or chance.random() < _RESTING_SHARE:
            return Start(top)
        if not awake:
            return Start(top, "draft", "any")
        return Start(max(awake, key=worth.__getitem__), "improve", "better")


def _broken(rows: Sequence[Row]) -> list[str]:
    """Return the commits that may be mended: nothing followed them, and they are not too deep."""
    depths: dict[str, int] = {}
    for row in rows:
        depth = depths.pop(row.parent, 0) + (row.search == "debug")
        if failed(row) and depth < _DEBUG_DEPTH:
            depths[row.commit] = depth
    return list(depths)


def _awake(rows: Sequence[Row], worth: dict[str, float]) -> list[str]:
    """Return the nodes worth improving.

    A node is a draft or what is worth at least as much as its parent, which it replaces. It rests
    after a few attempts without success. Mending counts for what the broken one was to improve: one
    that is mended and worse is no node, or else each would begin a line uphill of its own.
    """
    idle: dict[str, int] = {}
    origins: dict[str, tuple[str, str]] = {}
    for row in rows:
        parent, why = origins.get(row.parent, (row.parent, row.search))
        if failed(row):
            origins[row.commit] = parent, why
        here = worth.get(row.commit)
        better = here is not None and here >= worth.get(parent, 0.0)
        if better and (why != "draft" or row.status == "keep"):
            idle.pop(parent, None)
        elif parent in idle and row.search == "improve":
            idle[parent] += 1
        if better or (here is not None and why == "draft"):
            idle[row.commit] = 0
    return [commit for commit, attempts in idle.items() if attempts < _ATTEMPTS]
