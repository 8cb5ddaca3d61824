"""The seam between the loop and the strategy that chooses where to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Row

#: What of a candidate that does not beat the best: it is discarded, or stays in play as `explore`
#: if it beats its own parent, or whenever its guards pass and it can be measured.
Stays: TypeAlias = Literal["no", "better", "any"]


@dataclass(frozen=True, slots=True)
class Start:
    """Where the next proposal starts from, and what may become of it."""

    #: The commit that the candidate changes.
    commit: str
    #: Why that one: improve, draft, debug, explore, restart.
    why: str = "improve"
    stays: Stays = "no"


class SearchStrategy(Protocol):
    """Chooses the commit that the next candidate changes.

    Whatever it chooses, a candidate is kept only when it beats the best so far, which is never
    lost. A strategy remembers nothing: the rows tell all, so that a campaign can go on.
    """

    #: As the user wrote it, for example ``restart:20``.
    name: str

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return where experiment `number` starts from, given all rows so far, baseline first."""


def best(rows: Sequence[Row]) -> Row:
    """Return the row of the last keep, or the baseline."""
    return next(row for row in reversed(rows) if row.status in {"keep", "baseline"})
