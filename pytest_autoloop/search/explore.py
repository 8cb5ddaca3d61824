"""Every so often keep an experiment whatever it brings, and see where that leads."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best
from pytest_autoloop.search.lines import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row

#: Periods' worth of experiments on a side line without an advance, after which it is given up.
_PATIENCE = 2


@dataclass(frozen=True, slots=True)
class Explore:
    """Divides the experiments into periods; each begins with one that stays in play regardless.

    It goes on from the head of the side line, if there is one that was not given up, or else
    begins one at the best. The first half of the others in the period goes on with the side line,
    the rest with the best.
    """

    #: Experiments in a period, at least 3.
    period: int = 5

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"explore:{self.period}"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return the best or the head of the side line, by the number's place in its period."""
        place = number % self.period
        top = best(rows).commit
        if place > self.period // 2:
            return Start(top)
        line = last_line(rows, "explore")
        if place:
            return Start(line.head, "improve", "better") if line else Start(top)
        alive = line is not None and line.idle < _PATIENCE * self.period
        return Start(line.head if line and alive else top, "explore", "any")
