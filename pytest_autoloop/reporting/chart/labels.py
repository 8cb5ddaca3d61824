"""Where the names of the keeps go: beside their points, and never over each other or the line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.reporting.chart.points import Point

_GAP = 7.0
#: What a place costs, in pixels that a name could be further away instead.
_TURNED = 420.0
_COVERS = 5.0
_MISSING = 900.0
#: Shares of a name's width that lie before its point, and what each costs that is not the first.
_ALIGNED = (1.0, 0.75, 0.5, 0.25, 0.0)
_ASIDE = 3.0
_LINE = 1.0


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in pixels; up is larger."""

    left: float
    bottom: float
    right: float
    top: float

    def overlaps(self, other: Box) -> bool:
        """Tell whether two rectangles have a pixel in common."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def holds(self, other: Box) -> bool:
        """Tell whether another rectangle lies in this one."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )


@dataclass(frozen=True, slots=True)
class Name:
    """A name that wants a place: its point, and its size, in pixels."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Room:
    """Where names may go."""

    area: Box
    #: What none may cover: the line, intervals, the points of keeps.
    taken: Sequence[Box]
    #: Points that had better not be covered.
    crowd: Sequence[tuple[float, float]] = ()
    #: +1 where the free side is above the line, -1 where it is below.
    side: int = 1


def place(names: Sequence[Name], room: Room) -> list[Box | None]:
    """Return a rectangle for each name, the first ones matter most; None where there is no room.

    A name lies straight above its point or below it, so that an upright line leads from one to the
    other. Names are placed one after the other, in several orders; the best outcome is taken.
    """
    by_number = sorted(range(len(names)), key=lambda index: names[index].x)
    orders = (list(range(len(names))), by_number, by_number[::-1])
    outcomes = [
        _placed(names, room, order, aligned)
        for order in orders
        for aligned in (_ALIGNED, _ALIGNED[::-1])
    ]
    return min(outcomes, key=lambda outcome: outcome[0])[1] if names else []


def _placed(
    names: Sequence[Name], room: Room, order: Sequence[int], aligned: Sequence[float]
) -> tuple[float, list[Box | None]]:
    """Place names in an order; return what it costs, and the rectangles in the order of names."""
    found: list[Box | None] = [None] * len(names)
    placed: list[Box] = []
    total = 0.0
    for index in order:
        name = names[index]
        left, right = name.x - name.width, name.x + name.width
        near = [box for box in (*room.taken, *placed) if box.left < right and left < box.right]
        best: tuple[float, Box, Box] | None = None
        for far, box, leader in _places(name, room, aligned):
            if best is not None and far >= best[0]:
                continue
            # The leader begins at the point, where its own marker is.
            if any(box.overlaps(one) for one in near) or any(
                leader.overlaps(one) for one in placed
            ):
                continue
            covered = sum(
                box.left <= x <= box.right and box.bottom <= y <= box.top for x, y in room.crowd
            )
            cost = far + _COVERS * covered
            if best is None or cost < best[0]:
                best = (cost, box, leader)
        if best is None:
            total += _MISSING * (1 + 1 / (1 + index))
            continue
        cost, box, leader = best
        total += cost
        placed += [box, leader]
        found[index] = box
    return total, found


def chosen(kept: Sequence[Point], count: int) -> list[Point]:
    """Return the keeps that are named, the first ones first.

    Most are those that gained most. The others are the last keep, and those that are furthest from
    all that are named: of a long campaign all of it is told.
    """
    ranked = sorted(kept, key=lambda point: (-(point.log_gain or 0.0), point.number))
    if len(ranked) <= count:
        return ranked
    found = ranked[: count * 2 // 3]
    last = max(kept, key=lambda point: point.number)
    found += [] if last in found else [last]
    while len(found) < count:
        rest = [point for point in ranked if point not in found]
        far = [min(abs(point.number - one.number) for one in found) for point in rest]
        found.append(rest[far.index(max(far))])
    return found


def named(point: Point, longest: int) -> str:
    """Return the number and the shortened description of an experiment, safe to show."""
    return f"#{point.number} {shortened(point.description, longest)}".rstrip()


def shortened(line: str, longest: int) -> str:
    """Return the beginning of a line, cut between words where possible."""
    line = text.visible(" ".join(line.split()))
    if len(line) <= longest:
        return line
    cut = line[: longest - 1]
    words = cut if line[longest - 1] == " " else cut.rpartition(" ")[0]
    return f"{(words if len(words) > longest // 2 else cut).rstrip(' ,;:')}…"


def _places(name: Name, room: Room, aligned: Sequence[float]) -> Iterator[tuple[float, Box, Box]]:
    """Yield what each place costs, its rectangle and that of the line that leads there."""
    area, row = room.area, name.height * 0.6
    for side in (room.side, -room.side):
        rows = int((area.top - name.y if side > 0 else name.y - area.bottom) / row)
        for step in range(max(0, rows)):
            away = _GAP + step * row
            bottom = name.y + away if side > 0 else name.y - away - name.height
            for rank, share in enumerate(aligned):
                left = name.x - share * name.width
                # Rather a little aside than over the edge.
                left = min(max(left, area.left), area.right - name.width)
                box = Box(left, bottom, left + name.width, bottom + name.height)
                if not area.holds(box):
                    continue
                ends = sorted((name.y, bottom if side > 0 else bottom + name.height))
                leader = Box(name.x - _LINE, ends[0], name.x + _LINE, ends[1])
                yield away + _ASIDE * rank + (0 if side == room.side else _TURNED), box, leader
