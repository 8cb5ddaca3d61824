"""Draws one panel: what became of each experiment, and the best as steps."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.reporting.chart import headings, scale
from pytest_autoloop.reporting.chart.naming import write_names
from pytest_autoloop.reporting.chart.sheet import Sheet, written

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

    from pytest_autoloop.model import Status
    from pytest_autoloop.reporting.chart.points import Panel, Point, Step
    from pytest_autoloop.reporting.chart.themes import Theme

#: Where what is off the scale is shown, as a share of the height.
_BELOW, _ABOVE = 0.045, 0.985
#: What lies below this share of the height is off the scale.
_LOWEST = 0.03
_DASHES, _DOTS = (0, (4, 4)), (0, (1, 3))


def draw_panel(axes: Axes, panel: Panel, theme: Theme, last: int) -> dict[str, Artist]:
    """Draw a panel up to an experiment; return what its legend shows, by name."""
    sheet = Sheet(axes, panel, theme, last, *scale.window(panel))
    _frame(sheet)
    best = _best(sheet)
    handles = {
        **_kept(sheet),
        **best,
        **_audit(sheet),
        **_measured(sheet),
        **_unmeasured(sheet),
    }
    write_names(sheet)
    return handles


def _frame(sheet: Sheet) -> None:
    from matplotlib import ticker  # noqa: PLC0415 - takes a second, and is an extra

    axes, panel, theme = sheet.axes, sheet.panel, sheet.theme
    if panel.axis.logarithmic:
        axes.set_yscale("log")
    axes.set_ylim(sheet.low, sheet.high)
    margin = max(0.4, sheet.last * 0.012)
    axes.set_xlim(-margin, max(sheet.last, 1) + margin)
    axes.set_facecolor(theme.paper)
    found = scale.ticks(sheet.low, sheet.high, logarithmic=panel.axis.logarithmic)
    axes.yaxis.set_major_locator(ticker.FixedLocator(found))
    axes.yaxis.set_minor_locator(ticker.NullLocator())
    unit = "×" if panel.axis.kind == "gain" else panel.axis.unit
    labels = scale.labels(found, lambda value: written(value, panel), text.visible(unit))
    axes.yaxis.set_major_formatter(ticker.FixedFormatter(labels))
    axes.xaxis.set_major_locator(
        ticker.MaxNLocator(nbins=10, integer=True, steps=[1, 2, 5, 10], min_n_ticks=1)
    )
    axes.grid(axis="y", color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(colors=theme.faint, length=0, labelsize=9.5)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(theme.faint)


def _best(sheet: Sheet) -> dict[str, Artist]:
    """Draw the best as steps, and where it stands at the end."""
    axes, panel, theme = sheet.axes, sheet.panel, sheet.theme
    best = panel.best
    if best is None:
        return {}
    end = panel.points[-1].number
    for place_, run in enumerate(panel.runs):
        following = panel.runs[place_ + 1 : place_ + 2]
        until = following[0][0].number if following else end
        numbers = [*(step.number for step in run), until]
        values = [*(step.value for step in run), run[-1].value]
        (line,) = axes.step(numbers, values, where="post", color=theme.best, linewidth=2, zorder=4)
        _uncertainty(sheet, run, until)
        start = run[0]
        axes.hlines(start.value, start.number, until, theme.faint, _DASHES, lw=0.9, zorder=1)
        axes.plot(
            [start.number],
            [start.value],
            marker="o",
            markersize=6,
            color=theme.paper,
            markeredgecolor=theme.best,
            markeredgewidth=1.6,
            zorder=5,
        )
        if place_:
            axes.axvline(start.number, color=theme.faint, linestyle=_DOTS, linewidth=0.9, zorder=1)
    axes.annotate(
        written(best.value, panel),
        (end, best.value),
        xytext=(15, 0),
        textcoords="offset points",
        va="center",
        fontsize=13,
        weight="bold",
        color=theme.best,
        annotation_clip=False,
    )
    return {headings.BEST: line}


def _uncertainty(sheet: Sheet, run: Sequence[Step], until: int) -> None:
    """Shade the interval of the best, from the first keep that has one."""
    known = [step for step in run if step.low is not None and step.high is not None]
    if known:
        known.append(replace(known[-1], number=until))
        sheet.axes.fill_between(
            [step.number for step in known],
            [step.low or 0.0 for step in known],
            [step.high or 0.0 for step in known],
            step="post",
            color=sheet.theme.keep,
            alpha=0.16,
            linewidth=0,
            zorder=1.5,
        )


def _kept(sheet: Sheet) -> dict[str, Artist]:
    """Draw the keeps with their intervals."""
    kept = sheet.kept
    if not kept:
        return {}
    for point in kept:
        if point.low is not None and point.high is not None:
            sheet.axes.plot(
                [point.number] * 2,
                [point.low, point.high],
                color=sheet.theme.best,
                linewidth=1.2,
                zorder=5,
            )
    artist = sheet.marks(
        *_columns(kept),
        "o",
        size=6 if sheet.crowded else 8,
        colour=sheet.theme.keep,
        markeredgecolor=sheet.theme.paper,
        markeredgewidth=1,
        zorder=6,
    )
    return {headings.KEPT: artist}


def _audit(sheet: Sheet) -> dict[str, Artist]:
    """Draw what fresh pairs of the first version and the best gave, at the edge."""
    audit, colour = sheet.panel.audit, sheet.theme.audit
    if audit is None or sheet.panel.axis.kind != "gain":
        return {}
    x = sheet.axes.get_xlim()[1]
    if audit.low is not None and audit.high is not None:
        sheet.axes.plot(
            [x, x], [audit.low, audit.high], color=colour, linewidth=2, zorder=7, clip_on=False
        )
    (artist,) = sheet.axes.plot(
        [x],
        [audit.value],
        linestyle="",
        marker="D",
        markersize=7,
        color=colour,
        zorder=8,
        clip_on=False,
    )
    return {headings.AUDITED: artist}


def _measured(sheet: Sheet) -> dict[str, Artist]:
    """Draw what was measured and not kept, also where it lies off the scale."""
    handles: dict[str, Artist] = {}
    size = 3.8 if sheet.crowded else 5.5
    kinds: tuple[tuple[str, Status, str, str], ...] = (
        (headings.DISCARDED, "discard", "o", sheet.theme.discard),
        (headings.EXPLORED, "explore", "D", sheet.theme.explore),
    )
    for name, status, marker, colour in kinds:
        found = [p for p in sheet.panel.points if p.status == status and p.value is not None]
        if found:
            within = [p for p in found if not _side(p, sheet)]
            handles[name] = sheet.marks(
                *_columns(within), marker, size=size, colour=colour, alpha=0.8
            )
        for side, edge in (("v", _BELOW), ("^", _ABOVE)):
            beyond = [p.number for p in found if _side(p, sheet) == side]
            if beyond:
                handles[headings.BEYOND] = sheet.marks(
                    beyond,
                    [edge] * len(beyond),
                    side,
                    size=size,
                    colour=colour,
                    share=True,
                    markerfacecolor="none",
                    markeredgewidth=0.9,
                )
    return handles


def _unmeasured(sheet: Sheet) -> dict[str, Artist]:
    """Draw what never came to be measured as ticks on the axis of numbers."""
    handles: dict[str, Artist] = {}
    theme, width = sheet.theme, 0.9 if sheet.crowded else 1.8
    kinds: tuple[tuple[str, Status, str, float], ...] = (
        (headings.REFUSED, "discard", theme.discard, 10.0),
        (headings.CRASHED, "crash", theme.crash, 18.0),
        (headings.TIMED_OUT, "timeout", theme.timeout, 18.0),
    )
    for name, status, colour, size in kinds:
        found = [p.number for p in sheet.panel.points if p.status == status and p.value is None]
        if found:
            handles[name] = sheet.marks(
                found,
                [0.0] * len(found),
                "|",
                size=size,
                colour=colour,
                share=True,
                markeredgewidth=width,
                zorder=3,
            )
    return handles


def _columns(points: Sequence[Point]) -> tuple[list[int], list[float]]:
    measured = [(point.number, point.value) for point in points if point.value is not None]
    return [number for number, _ in measured], [value for _, value in measured]


def _side(point: Point, sheet: Sheet) -> str:
    """Return the marker for the side on which a point lies off the scale; empty where it does not.

    The ticks stand at the very bottom, where no point could be told from them.
    """
    assert point.value is not None
    if point.value <= 0 and sheet.panel.axis.logarithmic:
        return "v"
    share = sheet.share(point.value)
    return "v" if share < _LOWEST else "^" if share > 1 else ""
