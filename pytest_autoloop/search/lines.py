"""Side lines: experiments that follow one that stayed in play without being the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Row


@dataclass(frozen=True, slots=True)
class Line:
    """A side line as it stands."""

    #: Commit to go on from: the best of the line, the later of two alike.
    head: str
    #: Experiments on it since it began or last advanced.
    idle: int


def last_line(rows: Sequence[Row], why: str) -> Line | None:
    """Return the line that began last with an experiment of this kind; None when it is over.

    It begins with a candidate that stayed in play, advances with each that stays in play after it,
    and is over when one of its candidates becomes the best.
    """
    begin = next(
        (
            position
            for position in range(len(rows) - 1, -1, -1)
            if rows[position].search == why and rows[position].status == "explore"
        ),
        None,
    )
    if begin is None:
        return None
    worth = worths(rows)
    head = rows[begin].commit
    members = {head}
    idle = 0
    for row in rows[begin + 1 :]:
        if row.parent not in members:
            continue
        idle += 1
        if row.status == "keep":
            return None
        if row.status != "explore":
            continue
        members.add(row.commit)
        if worth.get(row.commit, 0.0) >= worth.get(head, 0.0):
            head, idle = row.commit, 0
    return Line(head, idle)
