"""Several lines side by side, each worked on in turn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best, worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row

#: Attempts without success after which a line leaves the beam, unless it is the best.
_ATTEMPTS = 10


@dataclass(frozen=True, slots=True)
class Beam:
    """Works on the best of all lines in turn; a candidate that beats its parent takes its place.

    While there are fewer lines than the beam is wide, another begins with a draft from the best.
    """

    #: How many are worked on, at least 2.
    width: int = 3

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"beam:{self.width}"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return the line whose turn it is by the number, best first."""
        top = best(rows).commit
        worth = worths(rows)
        tips = _tips(rows, worth, top)
        ranked = sorted(tips, key=lambda commit: -worth[commit])[: self.width]
        place = number % self.width
        if place >= len(ranked):
            return Start(top, "draft", "any")
        if ranked[place] == top:
            return Start(top)
        return Start(ranked[place], "improve", "better")


def _tips(rows: Sequence[Row], worth: dict[str, float], top: str) -> list[str]:
    """Return the best and whatever is in play, was not improved and was not tried in vain."""
    idle = dict.fromkeys(worth, 0)
    for row in rows:
        if row.search != "improve" or row.parent not in idle:
            continue
        if row.commit in worth:
            del idle[row.parent]
        else:
            idle[row.parent] += 1
    return [top, *(c for c, attempts in idle.items() if attempts < _ATTEMPTS and c != top)]
