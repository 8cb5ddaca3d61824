"""The seam between the loop and the strategy that chooses where to go on from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row

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

    @property
    def name(self) -> str:
        """As the user writes it, for example ``restart:20``."""

    def start(self, number: int, rows: Sequence[Row]) -> Start:
        """Return where an experiment starts from, given what is known when it begins.

        Args:
            number: how many experiments of this target have begun, with this one; it need not be
                among the numbers of the rows, and some begun before may have no row yet.
            rows: all experiments of this target that have ended, baseline first, in the order in
                which they were judged.

        """


def best(rows: Sequence[Row]) -> Row:
    """Return the row of the last keep, or the baseline."""
    return next(row for row in reversed(rows) if row.status in {"keep", "baseline"})


def failed(row: Row) -> bool:
    """Tell whether a candidate that became a commit crashed, hung or did not pass its guards."""
    return bool(row.commit) and (row.status in {"crash", "timeout"} or row.reason == "guard")


def worths(rows: Sequence[Row]) -> dict[str, float]:
    """Return what each commit in play is worth: its log gain over the baseline, as far as known.

    An effect is measured against the best at that time, so its log gain is added to those of the
    keeps until then. The sum of many measurements is rough: good for choosing where to go on from,
    never for deciding. Commits that were not measured are left out.
    """
    found: dict[str, float] = {}
    height = 0.0
    for row in rows:
        if row.status == "baseline":
            found[row.commit] = 0.0
        elif row.status == "keep":
            # What was kept as simpler is as good: its gain is that over an older version.
            height += 0.0 if row.reason == "simpler" else row.log_gain or 0.0
            found[row.commit] = height
        elif row.status == "explore" and row.log_gain is not None:
            found[row.commit] = height + row.log_gain
    return found
