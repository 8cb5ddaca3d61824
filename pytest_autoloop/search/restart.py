"""When nothing is kept for long, start again from an earlier state."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best
from pytest_autoloop.search.lines import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Row


@dataclass(frozen=True, slots=True)
class Restart:
    """Improves the best, and starts again elsewhere when it has not been improved for long."""

    #: Experiments without an advance after which a start is given up.
    patience: int = 20
    seed: int = 0

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"restart:{self.patience}"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return the best, an earlier keep or the head of the line that began there."""
        top = best(rows)
        kept = [row.commit for row in rows if row.status in {"keep", "baseline"}]
        since = rows[_position(rows, top) + 1 :]
        if len(since) < self.patience:
            return Start(top.commit)
        line = last_line([top, *since], "restart")
        if line and line.idle < self.patience:
            return Start(line.head, "improve", "better")
        chance = random.Random(f"{self.seed}:{number}")  # noqa: S311 - a choice, not a secret
        return Start(chance.choice(kept[:-1] or kept), "restart", "any")


def _position(rows: Sequence[Row], wanted: Row) -> int:
    return next(place for place in range(len(rows) - 1, -1, -1) if rows[place] is wanted)
