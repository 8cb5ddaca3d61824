"""Side lines: experiments that follow one that stayed in play without being the best."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.search.base import worths

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row


@dataclass(frozen=True, slots=True)
class Line:
    """A side line as it stands."""

    #: Commit to go on from.
    head: str
    #: Experiments on it since it began or last advanced.
    idle: int


def last_line(rows: Sequence[Row], why: str) -> Line | None:
    """Return the line that began last with an experiment of this kind; None when it is over.

    It begins with a candidate of this kind that stayed in play outside of it. One of this kind that
    stayed in play within it is its new head, whatever it brought; another one is if it is worth at
    least as much as the head, which is then an advance. The line is over when one of its candidates
    becomes the best.
    """
    worth = worths(rows)
    members: set[str] = set()
    head, idle = "", 0
    for row in rows:
        begins = row.search == why and row.status == "explore"
        if row.parent not in members:
            if begins:
                members, head, idle = {row.commit}, row.commit, 0
            continue
        idle += 1
        if row.status == "keep":
            members = set()
        elif row.status == "explore":
            members.add(row.commit)
            if begins:
                head = row.commit
            elif worth.get(row.commit, 0.0) >= worth.get(head, 0.0):
                head, idle = row.commit, 0
    return Line(head, idle) if members else None
