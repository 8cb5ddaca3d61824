"""One number made of several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeAlias, get_args

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics.measurement import Measurement
from pytest_autoloop.model import Direction

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.metrics.measurement import Place

#: A measurement and its weight; a measurement alone weighs 1.
Part: TypeAlias = "Measurement | tuple[Measurement, float]"


def composite(
    parts: Mapping[str, Part],
    baselines: Mapping[str, float] | None = None,
    *,
    direction: Direction = "lower",
) -> Measurement:
    """Take the weighted geometric mean of measurements: no unit, lower is better unless told.

    The value is ``exp(Σ wᵢ·sᵢ·ln(xᵢ / bᵢ) / Σ wᵢ)``: xᵢ the parts' values, wᵢ their weights, bᵢ
    their baselines, and sᵢ = 1 where a part's direction is that of the whole, else −1. A part that
    becomes 10% better with half of the weight makes the whole about 5% better, in whatever unit it
    is: of two candidates the ratio depends neither on units nor on baselines, which is true of no
    weighted sum (Fleming and Wallace, How not to lie with statistics, 1986).

    A gain of one part pays for a loss of another. Where that must not be, write a metric for each
    part, with `at_most=` or `at_least=`, or choose `--autoloop-objective=weighted`, which does the
    same with the noise of each.

    Args:
        parts: by name a measurement, or a pair of one and its weight, above zero.
        baselines: by name what counts as 1, above zero, for a value that people can read; for all
            parts, or for none.
        direction: whether a lower or a higher value of the whole is better.

    Raises:
        ValueError: there are no parts, or a weight, baseline or direction is out of range.
    """
    if direction not in get_args(Direction):
        raise ValueError(f"direction={direction!r}: write 'lower' or 'higher'")
    weighted = {name: _part(name, part) for name, part in parts.items()}
    if not weighted:
        raise ValueError("parts={}: write at least one measurement, by its name")
    ones = dict.fromkeys(weighted, 1.0) if baselines is None else dict(baselines)
    if ones.keys() != weighted.keys():
        names = sorted(ones.keys() ^ weighted.keys())
        raise ValueError(f"baselines={baselines!r}: name all parts and no others, see {names}")
    for name, one in ones.items():
        if not _is_positive(one):
            raise ValueError(f"baselines: {name!r} is {one!r}: write a number above 0")
    total = math.fsum(weight for _, weight in weighted.values())

    def take(place: Place) -> float:
        terms = []
        for name, (measurement, weight) in weighted.items():
            value = measurement(place.target, place.directory)
            if value <= 0:
                message = f"{name} is {value:g}: only numbers above 0 have a geometric mean"
                raise MeasurementError(f"{message}; measure what cannot be 0, or leave it out")
            sign = 1 if measurement.direction == direction else -1
            terms.append(weight * sign * math.log(value / ones[name]))
        return math.exp(math.fsum(terms) / total)

    return Measurement(direction, "", f"weighted geometric mean of {', '.join(weighted)}", take)


def _part(name: str, part: Part) -> tuple[Measurement, float]:
    measurement, weight = part if isinstance(part, tuple) else (part, 1.0)
    if not isinstance(measurement, Measurement):
        message = f"{name!r}: {measurement!r} is no measurement, such as metrics.file_size()"
        raise ValueError(message)  # noqa: TRY004 - as for a weight, a value is wrong
    if not _is_positive(weight):
        raise ValueError(f"{name!r}: its weight is {weight!r}: write a number above 0")
    return measurement, float(weight)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < math.inf
