"""Numbers and experiments as short text."""

from __future__ import annotations

import math
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.model import Direction, Effect, Experiment, Metric

_PREFIXES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
#: Up to here a float holds every whole number.
_EXACT = 2**53
#: Largest and smallest logarithm that a factor is written for.
LARGEST_LOG = 700.0
#: From here on a factor reads better than a percentage: twice as good.
_FACTOR_FROM = math.log(2)


#: Control characters, invisible ones that reorder text, line separators, halves of characters.
UNPRINTABLE = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def visible(line: str) -> str:
    """Escape what a terminal would obey, hide or reorder: a line may be a candidate's."""
    return "".join(
        character.encode("unicode_escape").decode("ascii")
        if unicodedata.category(character) in UNPRINTABLE and character != "\t"
        else character
        for character in line
    )


def value(number: float | None, unit: str) -> str:
    """Write a score with its unit; seconds with the prefix that fits."""
    if number is None:
        return "unknown"
    if unit == "s":
        return _seconds(number)
    # Whole numbers are counts: the last digit is what an improvement changes.
    whole = float(number).is_integer() and abs(number) <= _EXACT
    digits = f"{number:,.0f}" if whole else f"{number:.4g}"
    return f"{digits}{unit}" if unit in {"", "%"} else f"{digits} {unit}"


def _seconds(number: float) -> str:
    # Rounded first: 999.9996 ms is 1 s.
    rounded = abs(float(f"{number:.3g}"))
    scale, name = next((p for p in _PREFIXES if rounded >= p[0]), _PREFIXES[-1])
    scaled = number / scale
    return f"{scaled:,.0f} {name}" if rounded >= 1000 * scale else f"{scaled:.3g} {name}"


def factor(log_gain: float) -> str:
    """Write a gain as a factor: 2.61×."""
    ratio = math.exp(min(log_gain, LARGEST_LOG))
    return f"{ratio:,.0f}×" if ratio >= 100 else f"{ratio:.3g}×"  # noqa: PLR2004 - three digits


def effect(found: Effect, direction: Direction) -> str:
    """Write an effect with its interval: the metric's change in per cent, or a factor."""
    on = " on first calls" if found.basis == "first" else ""
    first = found.first_calls
    if first is not None and abs(first - found.log_gain) > _FACTOR_FROM:
        on = f", first calls {factor(first)}"
    if found.log_gain >= _FACTOR_FROM:
        if found.low == found.high:
            return f"{factor(found.log_gain)} better{on}"
        return f"{factor(found.log_gain)} better [{factor(found.low)}, {factor(found.high)}]{on}"
    sign = 1 if direction == "higher" else -1
    centre = _percent(sign * found.log_gain)
    if found.low == found.high:
        return f"{centre}%{on}"
    low, high = sorted((sign * found.low, sign * found.high))
    return f"{centre}% [{_percent(low)}, {_percent(high)}]{on}"


def _percent(log_ratio: float) -> str:
    # Adding zero takes the sign from a zero that was rounded from below.
    return f"{round(100 * math.expm1(min(log_ratio, LARGEST_LOG)), 1) + 0.0:+.1f}"


def outcome(experiment: Experiment, primary: Metric) -> str:
    """Write what became of an experiment, without its description."""
    guard = experiment.guard
    failed = experiment.reason == "guard" and guard is not None and guard.test
    parts = [f"guard failed: {guard.test}" if guard and failed else experiment.reason]
    # What became worse may be another metric: then the effect is of that one, as the detail says.
    found_in = f"{primary.name} became "
    other = experiment.reason == "regression" and not experiment.detail.startswith(found_in)
    if experiment.effect is not None and other and experiment.effect.basis == "metric":
        parts.append(f"{primary.name} {value(experiment.metrics.get(primary.name), primary.unit)}")
    elif experiment.effect is not None:
        found = effect(experiment.effect, primary.direction)
        if experiment.effect.basis == "metric":
            found = f"{value(experiment.metrics.get(primary.name), primary.unit)} ({found})"
        parts.append(f"{primary.name} {found}")
        seen = experiment.verified is not None and "unverified" not in experiment.flags
        if experiment.verified is not None and seen and experiment.effect.basis != "metric":
            parts.append(f"on fresh inputs {factor(experiment.verified.log_gain)}")
    if not failed and experiment.status != "keep" and experiment.detail:
        parts.append(experiment.detail.splitlines()[0])
    return " · ".join(part for part in parts if part)


def gain(found: Effect) -> str:
    """Write a gain as a factor with its interval: 2.61× [2.55×, 2.67×]."""
    if found.low == found.high:
        return factor(found.log_gain)
    return f"{factor(found.log_gain)} [{factor(found.low)}, {factor(found.high)}]"


def count(number: int, noun: str) -> str:
    """Write a number of things: 1 guard, 2 guards."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
