"""How far the axis of a panel reaches, and where its ticks are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.reporting.chart.points import Axis, Panel

#: Share of the height that is left free where better lies, for the names of few keeps and of many.
_HEADROOM = (0.14, 0.2)
_MANY = 8
_MARGIN = 0.06
#: What is worse than the worst step is shown as far below it as this share of all steps.
_BELOW = 0.7
_ABOVE = 0.2
#: The least that an axis spans, as a share of its values.
_LEAST = 0.02
_TICKS = 7
#: Logarithm of what an axis reaches at most; beyond it floats end.
_LARGEST = 690.0
#: Up to this ratio equal distances read well on a logarithmic axis, too.
_NARROW = 2.5
_MANTISSAS = (
    (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8),
    (1, 1.5, 2, 3, 5, 7),
    (1, 2, 5),
    (1, 3),
    (1,),
)


def window(panel: Panel) -> tuple[float, float]:
    """Return the lowest and the highest value that a panel shows.

    The steps, their intervals and the audit are all in it. Of what was not kept it shows most, but
    not what is so much worse that the steps would be flat.
    """
    axis = panel.axis
    turn = -1 if axis.better == "lower" else 1
    steps = [_place(step.value, axis) * turn for run in panel.runs for step in run]
    if not steps:
        steps = [0.0]
    others = sorted(
        _place(point.value, axis) * turn
        for point in panel.points
        if point.value is not None and point.status not in {"keep", "baseline"}
    )
    others = [one for one in others if math.isfinite(one)]
    worst, best = min(steps), max(steps)
    span = max(best - worst, _least(axis, best))
    bounds = [_place(bound, axis) * turn for bound in _bounds(panel)]
    # A bound that is far out tells that next to nothing is known, not where to look.
    bounds = [one for one in bounds if worst - span <= one <= best + span]
    bottom, top = min([worst, *bounds]), max([best, *bounds])
    if others:
        most = 0.5 if panel.counts.get("keep") else 0.2
        reach, usual = (worst - _quantile(others, share) for share in (0.03, most))
        bottom = min(bottom, worst - max(0.0, min(reach, max(_BELOW * span, 1.3 * usual))))
        top = max(top, min(others[-1], best + _ABOVE * span))
    missing = max(0.0, span - (top - bottom)) / 2
    bottom, top = bottom - missing, top + missing
    height = top - bottom
    kept = panel.counts.get("keep", 0)
    free = _HEADROOM[kept > _MANY] if kept else _MARGIN
    # The rest of the height, after what is left free.
    height /= 1 - free - _MARGIN
    ends = sorted((turn * (bottom - _MARGIN * height), turn * (top + free * height)))
    low, high = (_value(end, axis) for end in ends)
    return low, high


def ticks(low: float, high: float, *, logarithmic: bool) -> list[float]:
    """Return round values between two others, at most seven of them."""
    if not logarithmic or high <= _NARROW * low:
        return _linear(low, high)
    for mantissas in _MANTISSAS:
        exponents = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
        found = [m * 10.0**e for e in exponents for m in mantissas if low <= m * 10.0**e <= high]
        if len(found) <= _TICKS:
            return found
    return found[:: math.ceil(len(found) / _TICKS)]


def labels(values: Sequence[float], write: Callable[[float], str], unit: str) -> list[str]:
    """Return what stands at ticks: as they are written elsewhere, unless that is not enough."""
    found = [write(value) for value in values]
    if len(set(found)) == len(found):
        return found
    digits = next(
        (count for count in range(4, 17) if len({f"{v:.{count}g}" for v in values}) == len(found)),
        17,
    )
    return [
        f"{value:.{digits}g}{unit if unit in {'', '%', '×'} else f' {unit}'}" for value in values
    ]


def inside(value: float, low: float, high: float) -> float:
    """Return a value, or the end of the axis that it lies beyond."""
    return min(max(value, low), high)


def _linear(low: float, high: float) -> list[float]:
    rough = (high - low) / _TICKS
    if not rough > 0:
        return [low]
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(m * size for m in (1, 2, 2.5, 5, 10, 20) if m * size >= rough)
    return [n * step for n in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _bounds(panel: Panel) -> list[float]:
    shown = [step for run in panel.runs for step in run]
    shown += [panel.audit] if panel.audit is not None and panel.axis.kind == "gain" else []
    pairs = [(step.low, step.high, step.value) for step in shown]
    return [bound for three in pairs for bound in three if bound is not None]


def _least(axis: Axis, best: float) -> float:
    return math.log1p(_LEAST) if axis.logarithmic else _LEAST * abs(best) or 1.0


def _place(value: float, axis: Axis) -> float:
    """Return where on the axis a value is, in a unit that is equal everywhere."""
    if not axis.logarithmic:
        return value
    return math.log(value) if value > 0 else -math.inf


def _value(place: float, axis: Axis) -> float:
    return math.exp(max(-_LARGEST, min(place, _LARGEST))) if axis.logarithmic else place


def _quantile(values: Sequence[float], share: float) -> float:
    """Return the value that a share of the sorted values lies below."""
    return values[min(len(values) - 1, int(share * len(values)))]
