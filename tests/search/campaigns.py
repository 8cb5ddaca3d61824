"""Campaigns to search in, made by hand or at random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TYPE_CHECKING, overload

from pytest_autoloop.history.rows import Row

if TYPE_CHECKING:
    from pytest_autoloop.model import Status

BASELINE = Row(0, "baseline", "", "0", "", None, "improve", "")


def row(
    number: int,
    status: Status,
    parent: int = 0,
    search: str = "improve",
    *,
    gain: float | None = None,
    reason: str = "",
) -> Row:
    """Return an experiment; commits are numbers."""
    return Row(number, status, reason, str(number), str(parent), gain, search, "")


def long_campaign(length: int) -> list[Row]:
    """Return a campaign as it may be after a night: nothing was kept in its second half."""
    chance = random.Random(length)
    rows, nodes, broken = [BASELINE], [0], [0]
    for number in range(1, length):
        draw = chance.random()
        parent, search = chance.choice(nodes[-20:]), "improve"
        if draw < 0.02 and number < length / 2:
            rows.append(row(number, "keep", parent, search, gain=0.02))
            nodes.append(number)
        elif draw < 0.12:
            search = chance.choice(["improve", "draft", "explore", "restart"])
            rows.append(row(number, "explore", parent, search, gain=chance.gauss(-0.1, 0.1)))
            nodes.append(number)
        elif draw < 0.4:
            if chance.random() < 0.5:
                parent, search = chance.choice(broken[-20:]), "debug"
            rows.append(row(number, "discard", parent, search, reason="guard"))
            broken.append(number)
        else:
            rows.append(row(number, "discard", parent, gain=-0.01, reason="no-gain"))
    return rows


class Counted(Sequence[Row]):
    """Rows that count how often one of them is read."""

    def __init__(self, rows: Sequence[Row], reads: list[int] | None = None) -> None:
        self.rows = rows
        self.reads = [0] if reads is None else reads

    @overload
    def __getitem__(self, index: int) -> Row: ...
    @overload
    def __getitem__(self, index: slice) -> Counted: ...
    def __getitem__(self, index: int | slice) -> Row | Counted:
        if isinstance(index, slice):
            return Counted(self.rows[index], self.reads)
        found = self.rows[index]
        self.reads[0] += 1
        return found

    def __len__(self) -> int:
        return len(self.rows)
