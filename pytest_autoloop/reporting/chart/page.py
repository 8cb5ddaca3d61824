"""The page of the chart: heading, legend, a panel for each target, notes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.chart import headings
from pytest_autoloop.reporting.chart.panels import draw_panel

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from pytest_autoloop.reporting.chart.points import Chart
    from pytest_autoloop.reporting.chart.themes import Theme

#: Pixels around the panels, and between two of them.
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 78, 104, 106, 62, 58
#: The least height of a panel, in pixels.
_LOWEST = 80
#: Pixels from the edge of the page, and of a line of notes.
_EDGE, _NOTE = 18, 17
#: Pixels of an entry of the legend, and of a row of it.
_ENTRY, _ROW = 122, 20
#: Points of a marker in the legend, at most.
_MARKER = 9.0
#: Width of a usual bold character and of one that is not, as a share of the size of the type.
_BOLD, _USUAL = 0.68, 0.58
#: Points of an inch, and pixels of one.
_POINTS, _PIXELS = 72, 96


@dataclass(frozen=True, slots=True)
class Page:
    """What is drawn on; sizes in pixels."""

    figure: Figure
    width: int
    height: int
    theme: Theme

    def write(self, above: float, words: str, *, size: float, bold: bool = False) -> None:
        """Write a line on the left, so many pixels below the top, smaller if it were too long."""
        self.figure.text(
            _EDGE / self.width,
            1 - above / self.height,
            words,
            fontsize=_fitting(size, words, self.width, _BOLD if bold else _USUAL),
            weight="bold" if bold else "normal",
            color=self.theme.ink if bold else self.theme.faint,
        )


def compose(page: Page, chart: Chart) -> None:
    """Draw a chart.

    Raises:
        UsageError: the page is not high enough for all panels.
    """
    page.write(36, headings.title(chart), size=16, bold=True)
    page.write(60, headings.subtitle(chart), size=10.5)
    notes = headings.notes(chart)
    for place, note in enumerate(reversed(notes)):
        page.write(page.height - _EDGE / 2 - _NOTE * place, note, size=9)
    columns = max(1, (page.width - 2 * _EDGE) // _ENTRY)
    rows = math.ceil(len(headings.entries(chart)) / columns)
    handles = _panels(page, chart, _TOP + _ROW * (rows - 1), _BOTTOM + _NOTE * len(notes))
    _legend(page, chart, handles, columns)


def _panels(page: Page, chart: Chart, above: int, below: int) -> dict[str, Artist]:
    """Draw the panels below each other; return what the legend shows, by name."""
    count = len(chart.panels)
    # Each panel of several has a heading of its own.
    above += _BETWEEN // 2 if count > 1 else 0
    room = (page.height - above - below - _BETWEEN * (count - 1)) / count
    if room < _LOWEST:
        least = page.height + math.ceil(count * (_LOWEST - room))
        raise UsageError(
            f"{text.count(count, 'target')} at a width of {page.width} pixels need a height of at "
            f"least {least} pixels, not {page.height}: give --height {least}"
        )
    last = max((p.number for panel in chart.panels for p in panel.points), default=0)
    handles: dict[str, Artist] = {}
    width, height, theme = page.width, page.height, page.theme
    for place, panel in enumerate(chart.panels):
        bottom = height - above - room - place * (room + _BETWEEN)
        wide = width - _LEFT - _RIGHT
        where = (_LEFT / width, bottom / height, wide / width, room / height)
        axes = page.figure.add_axes(where)
        handles = {**draw_panel(axes, panel, theme, last), **handles}
        label = headings.axis_label(panel)
        size = _fitting(10, label, room + _BETWEEN)
        axes.set_ylabel(label, color=theme.faint, fontsize=size)
        if count > 1:
            heading = headings.panel_title(panel)
            size = _fitting(11, heading, wide, _BOLD)
            axes.set_title(heading, loc="left", fontsize=size, weight="bold", color=theme.ink)
        if place == count - 1:
            axes.set_xlabel("experiment", color=theme.faint)
    return handles


def _legend(page: Page, chart: Chart, handles: Mapping[str, Artist], columns: int) -> None:
    from matplotlib.lines import Line2D  # noqa: PLC0415 - takes a second, and is an extra

    names = [name for name in headings.LEGEND if name in handles]
    legend = page.figure.legend(
        [handles[name] for name in names],
        [headings.counted(name, chart) for name in names],
        loc="upper left",
        bbox_to_anchor=((_EDGE - 4) / page.width, 1 - 71 / page.height),
        ncols=min(columns, len(names)),
        frameon=False,
        fontsize=9.5,
        labelcolor=page.theme.ink,
        borderpad=0,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.6,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(min(_MARKER, handle.get_markersize()))


def _fitting(size: float, words: str, room: float, broad: float = _USUAL) -> float:
    """Return a size of type at which a line fits into some pixels, at most the given one."""
    pixels = room - 2 * _EDGE
    return min(size, pixels * _POINTS / _PIXELS / (broad * max(1, len(words))))
