"""Writes the names of keeps beside their points."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

from pytest_autoloop.reporting.chart import scale
from pytest_autoloop.reporting.chart.labels import Box, Name, Room, chosen, named, place

if TYPE_CHECKING:
    from pytest_autoloop.reporting.chart.points import Point
    from pytest_autoloop.reporting.chart.sheet import Sheet

#: There is a name for each so many pixels of the width, at most.
_PER_NAME = 62
_FEWEST = 6
_SIZE = 8.5
#: Pixels from one line to the next, for each point of the size of the type.
_ROW = 1.8
#: Characters of a description that are shown: no more than fit into a share of the width.
_SHORTEST, _LONGEST, _SHARE = 14, 46, 0.45
#: Pixels around the line, intervals and points that names do not cover, and above the ticks.
_AROUND, _POINT, _TICK = 3.0, 7.0, 18.0
#: Pixels that the value at the end of the line takes, and between names and the edges.
_VALUE, _INSET = 80.0, 8.0


def write_names(sheet: Sheet) -> None:
    """Name the keeps that there is room for, those that gained most first."""
    axes, theme = sheet.axes, sheet.theme
    area = axes.get_window_extent()
    points = chosen(sheet.kept, max(_FEWEST, int(area.width / _PER_NAME)))
    page = axes.get_figure(root=True).bbox  # type: ignore[union-attr]
    longest = min(_LONGEST, max(_SHORTEST, int(area.width * _SHARE / _SIZE)))
    texts = [named(point, longest) for point in points]
    wanted = [_wanted(sheet, *pair) for pair in zip(points, texts, strict=True)]
    crowd = [
        sheet.pixels(p.number, scale.inside(p.value, sheet.low, sheet.high))
        for p in sheet.panel.points
        if p.value is not None and p.status not in {"keep", "baseline"}
    ]
    room = Room(
        Box(area.x0 + _INSET, area.y0 + _TICK, area.x1 + _INSET, area.y1),
        _taken(sheet),
        crowd,
        -1 if sheet.panel.axis.better == "lower" else 1,
    )
    boxes = place(wanted, room)
    for point, words, name, box in zip(points, texts, wanted, boxes, strict=True):
        if box is None:
            continue
        near = box.bottom if box.bottom > name.y else box.top
        ends = [axes.transData.inverted().transform((name.x, y)) for y in (name.y, near)]
        axes.plot(
            [point.number] * 2,
            [end[1] for end in ends],
            color=theme.keep,
            linewidth=0.7,
            alpha=0.7,
            zorder=3.5,
        )
        axes.annotate(
            words,
            (box.left / page.width, (box.bottom + box.top) / 2 / page.height),
            xycoords="figure fraction",
            va="center",
            fontsize=_SIZE,
            color=theme.ink,
            zorder=9,
            bbox={"pad": 0.5, "facecolor": theme.paper, "edgecolor": "none", "alpha": 0.7},
        )


def _wanted(sheet: Sheet, point: Point, words: str) -> Name:
    """Return how large the name of an experiment is, and where its point lies."""
    label = sheet.axes.text(0, 0, words, fontsize=_SIZE)
    extent = label.get_window_extent()
    label.remove()
    x, y = sheet.pixels(point.number, point.value or 0.0)
    # Other fonts than ours may be a little wider.
    return Name(x, y, 1.04 * extent.width, _ROW * _SIZE)


def _taken(sheet: Sheet) -> list[Box]:
    """Return what names may not cover: steps, intervals, points."""
    panel, found = sheet.panel, []
    for run in sheet.panel.runs:
        corners: list[tuple[float, float]] = []
        for step in run:
            if corners:
                corners.append((step.number, corners[-1][1]))
            corners.append((step.number, step.value))
        corners.append((max(corners[-1][0], panel.points[-1].number), corners[-1][1]))
        found += [_around(sheet, one, other, _AROUND) for one, other in pairwise(corners)]
    for point in sheet.kept:
        value = point.value or 0.0
        here = (point.number, value)
        found.append(_around(sheet, here, here, _POINT))
        low, high = (value if end is None else end for end in (point.low, point.high))
        found.append(_around(sheet, (point.number, low), (point.number, high), _AROUND))
    if panel.best is not None:
        here = (panel.points[-1].number, panel.best.value)
        end = _around(sheet, here, here, 2 * _POINT)
        found.append(replace(end, right=end.right + _VALUE))
    return found


def _around(sheet: Sheet, one: tuple[float, float], other: tuple[float, float], by: float) -> Box:
    """Return the pixels between two points, and some around them."""
    ends = (sheet.pixels(*one), sheet.pixels(*other))
    (left, right), (bottom, top) = (sorted(side) for side in zip(*ends, strict=True))
    return Box(left - by, bottom - by, right + by, top + by)
