"""Several lines side by side, each worked on in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best, worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Row


@dataclass(frozen=True, slots=True)
class Beam:
    """Works on the best tips in turn; a tip is in play and has nothing in play that followed it."""

    #: How many are worked on, at least 2.
    width: int = 3

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"beam:{self.width}"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return a tip, or the baseline for a draft while there are too few."""
        worth = worths(rows)
        followed = {row.parent for row in rows if row.commit in worth and row.search != "draft"}
        tips = sorted(worth.keys() - followed, key=lambda commit: -worth[commit])[: self.width]
        top = best(rows).commit
        place = number % self.width
        if place >= len(tips):
            return Start(rows[0].commit, "draft", "any")
        return Start(tips[place], "improve", "no" if tips[place] == top else "better")
