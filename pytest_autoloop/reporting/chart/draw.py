"""Draws the progress chart with matplotlib, as SVG or PNG; the same record gives the same bytes."""

from __future__ import annotations

import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING, Any, Literal

from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.chart import headings
from pytest_autoloop.reporting.chart.panels import draw_panel
from pytest_autoloop.reporting.chart.themes import DARK, LIGHT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matplotlib.artist import Artist
    from matplotlib.figure import Figure

    from pytest_autoloop.reporting.chart.points import Chart
    from pytest_autoloop.reporting.chart.themes import Theme

#: Written into each picture, so that it is known again as one of ours.
CREATOR = "pytest-autoloop plot"
#: Pixels of the page for each inch of matplotlib's, and pixels of a PNG for each of the page.
_INCH = 96
_SHARPNESS = 2
_SETTINGS: dict[str, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": CREATOR,
    "font.size": 10.0,
    "axes.unicode_minus": True,
    # A dollar in a description is no formula.
    "text.parse_math": False,
    "path.simplify": False,
}
#: Pixels around the panels, and of a panel after the first.
_LEFT, _RIGHT, _TOP, _BOTTOM, _BETWEEN = 78, 104, 106, 62, 58
#: Pixels of an entry of the legend, of a row of it, and how many entries there may be.
_ENTRY, _ROW, _ENTRIES = 122, 20, 9
#: Points of a marker in the legend, at most.
_MARKER = 9.0
_NOTE = 17
WIDTH, HEIGHT, _MORE = 1200, 675, 330


@dataclass(frozen=True, slots=True)
class Look:
    """How a chart is drawn; sizes in pixels of the page."""

    width: int = WIDTH
    #: None gives each further panel a height of its own.
    height: int | None = None
    dark: bool = False


def draw(chart: Chart, kind: Literal["svg", "png"], look: Look | None = None) -> bytes:
    """Return a chart as a picture.

    Raises:
        UsageError: matplotlib is not installed.
    """
    look = look or Look()
    try:
        import matplotlib as mpl  # noqa: PLC0415 - takes a second, and is an extra
        from matplotlib.backends.backend_agg import FigureCanvasAgg  # noqa: PLC0415 - as above
        from matplotlib.figure import Figure  # noqa: PLC0415 - as above
    except ImportError as error:
        raise UsageError(
            "a chart is drawn with matplotlib, which is not installed: "
            "pip install 'pytest-autoloop[plot]'"
        ) from error
    with mpl.rc_context(), _quiet():
        mpl.rcdefaults()
        mpl.rcParams.update(_SETTINGS)  # type: ignore[arg-type]
        theme = DARK if look.dark else LIGHT
        height = look.height or HEIGHT + _MORE * (len(chart.panels) - 1)
        figure = Figure(figsize=(look.width / _INCH, height / _INCH), dpi=_INCH)
        # It measures text, also for an SVG.
        FigureCanvasAgg(figure)
        _compose(figure, chart, look.width, height, theme)
        stream = BytesIO()
        title = headings.title(chart)
        told = {"Title": title, "Description": headings.summary(chart)}
        if kind == "svg":
            metadata = {**told, "Creator": CREATOR, "Date": None}
        else:
            metadata = {**told, "Software": CREATOR}
        figure.savefig(
            stream,
            format=kind,
            dpi=_INCH * _SHARPNESS if kind == "png" else "figure",
            metadata=metadata,
            facecolor=theme.paper,
        )
    return stream.getvalue()


def _compose(figure: Figure, chart: Chart, width: int, height: int, theme: Theme) -> None:
    """Place the heading, a panel for each target, and the notes."""
    from matplotlib.lines import Line2D  # noqa: PLC0415 - takes a second, and is an extra

    notes = headings.notes(chart)
    bottom = _BOTTOM + _NOTE * len(notes)
    left = 18 / width

    figure.text(
        left, 1 - 36 / height, headings.title(chart), fontsize=16, weight="bold", color=theme.ink
    )
    figure.text(left, 1 - 60 / height, headings.subtitle(chart), fontsize=10.5, color=theme.faint)
    for place, note in enumerate(notes):
        figure.text(
            left,
            (bottom - _BOTTOM - _NOTE * (place + 0.5)) / height,
            note,
            va="center",
            fontsize=9,
            color=theme.faint,
        )
    columns = max(1, (width - _LEFT // 2) // _ENTRY)
    rows = -(-_ENTRIES // columns)
    above = _TOP + _ROW * (rows - 1)
    count = len(chart.panels)
    # Each panel of several has a heading of its own.
    above += _BETWEEN // 2 if count > 1 else 0
    room = (height - above - bottom - _BETWEEN * (count - 1)) / count
    last = max((p.number for panel in chart.panels for p in panel.points), default=0)
    handles: dict[str, Artist] = {}
    for place, panel in enumerate(chart.panels):
        top = height - above - place * (room + _BETWEEN)
        wide = width - _LEFT - _RIGHT
        where = (_LEFT / width, (top - room) / height, wide / width, room / height)
        axes = figure.add_axes(where)
        handles = {**draw_panel(axes, panel, theme, last), **handles}
        if count > 1:
            heading = headings.panel_title(panel)
            axes.set_title(heading, loc="left", fontsize=11, weight="bold", color=theme.ink)
        if place == count - 1:
            axes.set_xlabel("experiment", color=theme.faint)
    names = [name for name in headings.LEGEND if name in handles]
    legend = figure.legend(
        [handles[name] for name in names],
        [headings.counted(name, chart) for name in names],
        loc="upper left",
        bbox_to_anchor=(left - 4 / width, 1 - 71 / height),
        ncols=min(columns, len(names)),
        frameon=False,
        fontsize=9.5,
        labelcolor=theme.ink,
        borderpad=0,
        handlelength=1.4,
        handletextpad=0.5,
        columnspacing=1.6,
    )
    for handle in legend.legend_handles:
        if isinstance(handle, Line2D):
            handle.set_markersize(min(_MARKER, handle.get_markersize()))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what matplotlib has to say about fonts to itself: a glyph it lacks becomes a box."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="Glyph .* missing from font")
            yield
    finally:
        logger.setLevel(level)
