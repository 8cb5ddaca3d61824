"""The values that a knob may take: their texts, their grid, their neighbours."""

from __future__ import annotations

import bisect
import itertools
import math
from decimal import Decimal
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.proposers.sweep.grammar import Choice, Range

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from optuna.distributions import BaseDistribution

    from pytest_autoloop.proposers.sweep.grammar import Spec

#: What a sampler says of one knob: a number of its range, or the text that was chosen.
Value: TypeAlias = "int | float | str"
#: The texts of all knobs, in the order of their names: what two equal candidates share.
Point: TypeAlias = "tuple[str, ...]"

#: Values that a grid takes from a range without steps.
GRID = 8
#: From here on a range of whole numbers counts as one without steps.
WIDE = 16
#: Digits behind the first one that tells two values of a range apart.
_DIGITS = 6


def distribution(spec: Spec) -> BaseDistribution:
    """Return what Optuna calls the values of a knob."""
    # Imported here: it takes half a second.
    from optuna import distributions  # noqa: PLC0415

    if isinstance(spec, Choice):
        return distributions.CategoricalDistribution(spec.texts)
    if spec.kind == "int":
        step = 1 if spec.step is None else int(spec.step)
        return distributions.IntDistribution(int(spec.low), int(spec.high), spec.log, step)
    return distributions.FloatDistribution(spec.low, spec.high, spec.log, spec.step)


def size(spec: Spec) -> int | None:
    """Return how many values a knob may take, None when they cannot be counted."""
    if isinstance(spec, Choice):
        return len(spec.texts)
    if spec.step is None and spec.kind == "float":
        return None
    return round((spec.high - spec.low) / (spec.step or 1)) + 1


def total(specs: Sequence[Spec]) -> int | None:
    """Return how many points a space has, None when they cannot be counted."""
    sizes = [size(spec) for spec in specs]
    return None if None in sizes else math.prod(known for known in sizes if known is not None)


def every(spec: Spec) -> list[Value]:
    """Return all values of a knob; their number must be known."""
    if isinstance(spec, Choice):
        return list(spec.texts)
    step = spec.step or 1
    return [rounded(spec, spec.low + step * count) for count in range(size(spec) or 0)]


def grid_size(spec: Spec) -> int:
    """Return how many values a grid tries, at most."""
    known = size(spec)
    return GRID if known is None or _wide(spec) else known


def grid(spec: Spec) -> list[Value]:
    """Return the values that a grid tries: all, or eight from end to end of a wide range."""
    if isinstance(spec, Choice) or (size(spec) is not None and not _wide(spec)):
        return every(spec)
    shares = [count / (GRID - 1) for count in range(GRID)]
    if spec.log:
        values = [spec.low * (spec.high / spec.low) ** share for share in shares]
    else:
        values = [spec.low + (spec.high - spec.low) * share for share in shares]
    return list(dict.fromkeys(rounded(spec, value) for value in values))


def _wide(spec: Spec) -> bool:
    return (
        isinstance(spec, Range)
        and spec.kind == "int"
        and spec.step is None
        and spec.high - spec.low > WIDE
    )


def points(grids: Mapping[str, Sequence[Value]]) -> Iterator[dict[str, Value]]:
    """Return every combination of the grids' values."""
    for values in itertools.product(*grids.values()):
        yield dict(zip(grids, values, strict=True))


def distance(
    grids: Mapping[str, Sequence[Value]], one: Mapping[str, Value], other: Mapping[str, Value]
) -> int:
    """Tell how far two points are from each other, in steps of the grid over all knobs.

    `one` is a point of the grid, `other` any. Choices are all one step from each other.
    """
    away = 0
    for name, values in grids.items():
        here, there = one[name], other[name]
        if isinstance(here, str) or isinstance(there, str):
            away += here != there
            continue
        numbers = [number for number in values if not isinstance(number, str)]
        steps = bisect.bisect_left(numbers, here), bisect.bisect_left(numbers, there)
        away += abs(steps[0] - steps[1])
    return away


def rounded(spec: Range, value: float) -> int | float:
    """Return the value of a range that is written for one: a step, or one of a few digits."""
    value = min(max(value, spec.low), spec.high)
    if spec.kind == "int":
        step = int(spec.step or 1)
        return int(spec.low) + step * round((value - spec.low) / step)
    if spec.step is not None:
        count = round((value - spec.low) / spec.step)
        return float(Decimal(str(spec.low)) + count * Decimal(str(spec.step)))
    width = spec.high - spec.low
    if spec.log:
        digits = _DIGITS - 1 - math.floor(math.log10(width / spec.high))
        value = float(f"{value:.{digits}g}")
    else:
        value = round(value, _DIGITS - math.floor(math.log10(width)))
    return min(max(value, spec.low), spec.high)


def text_of(spec: Spec, value: Value) -> str:
    """Write a value as it stands in a file."""
    if isinstance(value, str) or isinstance(spec, Choice):
        return str(value)
    number = rounded(spec, value)
    if spec.mirrored:
        number = -number
    if isinstance(number, int):
        return str(number)
    mantissa, exponent, rest = repr(number + 0.0).partition("e")
    # YAML 1.1 takes 1e-05 for a word.
    return f"{mantissa}{'' if '.' in mantissa else '.0'}{exponent}{rest}"


def holds(spec: Spec, value: Value) -> bool:
    """Tell whether a value is one that a knob may take."""
    if isinstance(spec, Choice) or isinstance(value, str):
        return isinstance(spec, Choice) and value in spec.texts
    if not spec.low <= value <= spec.high or (spec.kind == "int" and isinstance(value, float)):
        return False
    return spec.step is None or math.isclose(
        rounded(spec, value), value, rel_tol=1e-9, abs_tol=1e-12
    )
