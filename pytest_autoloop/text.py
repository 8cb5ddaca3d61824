"""Numbers and experiments as short text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.model import Direction, Effect, Experiment, Metric

_PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
#: From here on a factor reads better than a percentage: twice as good.
_FACTOR_FROM = math.log(2)


def value(number: float | None, unit: str) -> str:
    """Write a score with its unit; seconds with the prefix that fits."""
    if number is None:
        return "unknown"
    if unit == "s":
        for scale, name in _PREFIXES:
            if abs(number) >= scale:
                return f"{number / scale:.3g} {name}"
        return f"{number / 1e-9:.3g} ns"
    return f"{number:.4g}{unit}" if unit in {"", "%"} else f"{number:.4g} {unit}"


def factor(log_gain: float) -> str:
    """Write a gain as a factor: 2.61×."""
    ratio = math.exp(min(log_gain, 700.0))
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.3g}×"  # noqa: PLR2004 - three digits


def effect(found: Effect, direction: Direction) -> str:
    """Write an effect with its interval: the metric's change in per cent, or a factor."""
    on = " on first calls" if found.basis == "first" else ""
    if found.log_gain >= _FACTOR_FROM:
        return f"{factor(found.log_gain)} better [{factor(found.low)}, {factor(found.high)}]{on}"
    sign = 1 if direction == "higher" else -1
    ends = sorted(100 * math.expm1(sign * bound) for bound in (found.low, found.high))
    centre = 100 * math.expm1(sign * found.log_gain)
    if found.low == found.high:
        return f"{centre:+.1f}%{on}"
    return f"{centre:+.1f}% [{ends[0]:+.1f}, {ends[1]:+.1f}]{on}"


def outcome(experiment: Experiment, primary: Metric) -> str:
    """Write what became of an experiment, without its description."""
    parts = [experiment.reason]
    if experiment.effect is not None:
        found = effect(experiment.effect, primary.direction)
        if experiment.effect.basis == "metric":
            found = f"{value(experiment.metrics.get(primary.name), primary.unit)} ({found})"
        parts.append(f"{primary.name} {found}")
    if experiment.guard is not None and experiment.guard.test:
        parts.append(experiment.guard.test)
    elif experiment.status != "keep" and experiment.detail:
        parts.append(experiment.detail.splitlines()[0])
    return " · ".join(part for part in parts if part)


def duration(seconds: float) -> str:
    """Write a duration as pytest's closing line does for short ones, h:mm:ss for long ones."""
    if seconds < 60:  # noqa: PLR2004 - a minute
        return f"{seconds:.1f}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}"


def gain(found: Effect) -> str:
    """Write a gain as a factor with its interval: 2.61× [2.55×, 2.67×]."""
    if found.low == found.high:
        return factor(found.log_gain)
    return f"{factor(found.log_gain)} [{factor(found.low)}, {factor(found.high)}]"
