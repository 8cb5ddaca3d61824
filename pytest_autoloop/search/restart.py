"""When nothing is kept for long, start again from an earlier state."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best
from pytest_autoloop.search.lines import last_line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row


@dataclass(frozen=True, slots=True)
class Restart:
    """Improves the best, and starts again elsewhere when it has not been improved for long.

    A restart is given up after as many experiments without an advance, and followed by another,
    until something is kept.
    """

    #: Experiments without an advance after which a start is given up.
    patience: int = 20
    seed: int = 0

    @property
    def name(self) -> str:
        """As the user writes it."""
        return f"restart:{self.patience}"

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return the best, the baseline or an earlier keep, or the head of what began there."""
        top = best(rows).commit
        kept = [place for place, row in enumerate(rows) if row.status in {"keep", "baseline"}]
        since = rows[kept[-1] + 1 :]
        if len(since) < self.patience:
            return Start(top)
        line = last_line(since, "restart")
        if line and line.idle < self.patience:
            return Start(line.head, "improve", "better")
        chance = random.Random(f"{self.seed}:{number}")  # noqa: S311 - a choice, not a secret
        return Start(rows[chance.choice(kept[:-1] or kept)].commit, "restart", "any")
