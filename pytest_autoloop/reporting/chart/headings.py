"""What is written around the progress chart; all of it is safe to show."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.reporting.chart.labels import shortened

if TYPE_CHECKING:
    from pytest_autoloop.model import Status
    from pytest_autoloop.reporting.chart.points import Chart, Panel, Step

_LONGEST_TARGET = 48
_LONGEST_NOTE = 150
#: From the first on three digits are not enough, from the second on nobody reads all of them.
_HUNDRED, _MANY = 100, 1e7
#: Names in the legend; the two kinds of what was discarded are told apart by where they are.
KEPT, DISCARDED, REFUSED = "kept", "discarded", "not measured"
CRASHED, TIMED_OUT, EXPLORED = "crashed", "timed out", "explored"
BEST, AUDITED, BEYOND = "best so far", "audited", "off the scale"
LEGEND = (KEPT, BEST, AUDITED, DISCARDED, BEYOND, EXPLORED, REFUSED, CRASHED, TIMED_OUT)


def title(chart: Chart) -> str:
    """Say what was won, in one line."""
    if len(chart.panels) == 1:
        return panel_title(chart.panels[0])
    won = sum(bool(panel.counts.get("keep")) for panel in chart.panels)
    return f"campaign {chart.tag}: {won} of {len(chart.panels)} targets became better"


def panel_title(panel: Panel) -> str:
    """Say what was won with one target: what the audit found, where there is one."""
    name = text.visible(panel.target)
    if len(name) > _LONGEST_TARGET:
        name = f"…{name[1 - _LONGEST_TARGET :]}"
    best = panel.best
    if best is None or not panel.counts.get("keep"):
        tried = len(panel.points) > panel.counts.get("baseline", 0)
        return f"{name}: nothing was kept" if tried else f"{name}: nothing was tried yet"
    if panel.axis.kind == "gain":
        if panel.audit is not None:
            return f"{name}: {with_interval(panel.audit)} over the baseline, audited"
        return f"{name}: {with_interval(best)} over the baseline"
    first = text.value(panel.runs[-1][0].value, panel.axis.unit)
    return f"{name}: {panel.axis.label} {first} → {text.value(best.value, panel.axis.unit)}"


def _both(panel: Panel, audit: Step) -> str:
    """Write of audit and claim the one that the title leaves out."""
    if panel.axis.kind == "gain" and panel.best is not None:
        return f"the keeps claimed {with_interval(panel.best)}"
    return f"audited gain {with_interval(audit)}"


def axis_label(panel: Panel) -> str:
    """Say what the height of a point means."""
    better = f"{panel.axis.better} is better" if panel.axis.better else ""
    return "  ·  ".join(filter(None, (text.visible(panel.axis.label), better)))


def subtitle(chart: Chart) -> str:
    """Say how many experiments it took, and whether the gain was measured again."""
    counts = counted_statuses(chart)
    tried = sum(counts.values()) - counts["baseline"]
    noun = "experiment" if tried == 1 else "experiments"
    parts = [f"{tried:,} {noun}", f"campaign {chart.tag}"]
    for panel in chart.panels:
        if panel.audit is not None:
            whose = f"{text.visible(panel.target)} " if len(chart.panels) > 1 else ""
            parts.append(f"{whose}{_both(panel, panel.audit)}")
    gains = [p for p in chart.panels if p.axis.kind == "gain" and p.counts.get("keep")]
    if gains and all(panel.audit is None for panel in gains):
        parts.append("gains as measured when they were kept, not audited")
    return "  ·  ".join(parts)


def summary(chart: Chart) -> str:
    """Say all of it in a sentence or two, for those who do not see the picture."""
    counts = counted_statuses(chart)
    told = ", ".join(f"{count} {status}" for status, count in counts.items() if count)
    panels = "; ".join(panel_title(panel) for panel in chart.panels)
    return f"{panels}. Experiments: {told}."


def notes(chart: Chart) -> list[str]:
    """Return what the picture would mislead without, a line each."""
    found = dict.fromkeys(note for panel in chart.panels for note in panel.notes)
    return [shortened(note, _LONGEST_NOTE) for note in found]


def counted(name: str, chart: Chart) -> str:
    """Return an entry of the legend with the number of experiments that it stands for."""
    count = entries(chart)[name]
    return name if count is None else f"{count:,} {name}"


def entries(chart: Chart) -> dict[str, int | None]:
    """Return what a legend may have to tell, with numbers of experiments where it has them."""
    points = [point for panel in chart.panels for point in panel.points]
    measured = Counter(point.status for point in points if point.value is not None)
    unmeasured = Counter(point.status for point in points if point.value is None)
    counts = {
        KEPT: measured["keep"],
        DISCARDED: measured["discard"],
        EXPLORED: measured["explore"],
        REFUSED: unmeasured["discard"],
        CRASHED: unmeasured["crash"],
        TIMED_OUT: unmeasured["timeout"],
    }
    found: dict[str, int | None] = {name: count for name, count in counts.items() if count}
    drawn = {
        BEST: bool(chart.panels),
        AUDITED: any(panel.audit is not None for panel in chart.panels),
        BEYOND: measured["discard"] + measured["explore"] > 0,
    }
    return found | {name: None for name, is_drawn in drawn.items() if is_drawn}


def counted_statuses(chart: Chart) -> Counter[Status]:
    """Return how many experiments of all targets have each status."""
    counts: Counter[Status] = Counter()
    for panel in chart.panels:
        counts.update(panel.counts)
    return counts


def with_interval(step: Step) -> str:
    """Write a factor with its interval: 2.61× [2.55, 2.67]."""
    if step.low is None or step.high is None:
        return factor(step.value)
    low, high = (factor(bound).removesuffix("×") for bound in (step.low, step.high))
    return f"{factor(step.value)} [{low}, {high}]"


def factor(value: float) -> str:
    """Write a factor: 2.61×."""
    return f"{value:,.0f}×" if _HUNDRED <= value < _MANY else f"{value:.3g}×"
