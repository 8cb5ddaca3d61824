"""Other numbers of the same kind, within the range of those that were seen."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from pytest_autoloop.evaluation.isolated.facts import Facts


def series(values: Sequence[Any], facts: Facts, count: int, rng: random.Random) -> list[Any]:
    """Return so many numbers distributed like these, all int or all float.

    What always held in this place still holds: order, uniqueness, being a permutation.
    """
    known = facts.sequences > 0
    if type(values[0]) is float and not all(map(math.isfinite, values)):
        # Nothing lies between a number and NaN: those that were seen, in another order.
        return rng.choices(values, k=count) if count != len(values) else rng.sample(values, count)
    if known and facts.permutation and type(values[0]) is int:
        return _permutation(values, facts, count, rng)
    ordered = sorted(values)
    if known and facts.unique and len(ordered) > 1:
        found = _distinct(ordered, count, rng)
    else:
        found = _like(ordered, count, rng)
    if known and facts.ascending:
        found.sort()
    elif known and facts.descending:
        found.sort(reverse=True)
    return found


def _permutation(values: Sequence[int], facts: Facts, count: int, rng: random.Random) -> list[int]:
    first = min(values)
    found = list(range(first, first + count))
    if facts.ascending or facts.descending:
        return found if facts.ascending else found[::-1]
    rng.shuffle(found)
    return found


def _like(ordered: Sequence[Any], count: int, rng: random.Random) -> list[Any]:
    """Draw between neighbours: dense where they are dense, and repeated where they repeat."""
    if len(ordered) == 1 or ordered[0] == ordered[-1]:
        return [near(ordered[0], rng)] * count
    uniform = rng.random
    picked = rng.choices(list(itertools.pairwise(ordered)), k=count)
    if type(ordered[0]) is int:
        return [a + int(uniform() * (b - a + 1)) if b > a else a for a, b in picked]
    found = [a + (b - a) * uniform() if b > a else a for a, b in picked]
    return _whole(found) if all(value.is_integer() for value in ordered) else found


def _whole(values: Sequence[float]) -> list[float]:
    return [float(round(value)) for value in values]


def _distinct(ordered: Sequence[Any], count: int, rng: random.Random) -> list[Any]:
    low, high = ordered[0], ordered[-1]
    if type(low) is int:
        # No more distinct ones than the range holds: it grows for a longer sequence.
        room = range(low, max(high + 1, low + count))
        return rng.sample(room, count)
    found = set(_like(ordered, count, rng))
    whole = all(value.is_integer() for value in ordered)
    step = 1.0 if whole else (high - low) / (len(ordered) or 1)
    while len(found) < count:
        found.add(high + step * (len(found) + 1))
    shuffled = list(found)
    rng.shuffle(shuffled)
    return shuffled


def near(value: Any, rng: random.Random) -> Any:  # noqa: ANN401
    """Return a number close to one, of its sign; zero stays."""
    if not value:
        return value
    if type(value) is int:
        reach = max(1, abs(value) // 10)
        moved = value + rng.randint(-reach, reach)
        return moved if (moved > 0) == (value > 0) and moved else value
    if value.is_integer():
        return float(near(int(value), rng)) if abs(value) < 2**53 else value
    return value * (1 + 0.1 * (rng.random() - 0.5))


def alike(value: Any, seen: Sequence[Any], rng: random.Random) -> Any:  # noqa: ANN401
    """Return one number like those that were seen in its place."""
    same = [number for number in seen if type(number) is type(value)]
    if not same or min(same) == max(same):
        return value
    return _like(sorted(same), 1, rng)[0]


def array(values: Any, rng: random.Random) -> Any:  # noqa: ANN401
    """Return a numpy array of the same type and shape, its values in the same range."""
    import numpy  # noqa: PLC0415 - only where the target has arrays

    kind = values.dtype.kind
    if kind not in "iufb" or not values.size:
        return values.copy()
    flat = values.ravel()
    if kind == "f" and not numpy.isfinite(flat).all():
        return _shuffled(values, rng)
    generator = numpy.random.default_rng(rng.getrandbits(64))
    ordered = numpy.sort(flat)
    picked = generator.integers(0, flat.size, flat.size)
    if kind == "b":
        found = ordered[picked]
    else:
        following = ordered[numpy.minimum(picked + 1, flat.size - 1)]
        share = generator.random(flat.size)
        found = (ordered[picked] + share * (following - ordered[picked])).astype(values.dtype)
    if values.ndim == 1:
        if (ordered == flat).all():
            found.sort()
        elif (ordered[::-1] == flat).all():
            found = numpy.sort(found)[::-1].copy()
    shaped = found.reshape(values.shape)
    if values.ndim == 2 and shaped.shape[0] == shaped.shape[1] and (values == values.T).all():  # noqa: PLR2004
        shaped = numpy.triu(shaped) + numpy.triu(shaped, 1).T
    return numpy.asfortranarray(shaped) if values.flags.fnc else numpy.ascontiguousarray(shaped)


def _shuffled(values: Any, rng: random.Random) -> Any:  # noqa: ANN401
    import numpy  # noqa: PLC0415 - as above

    order = list(range(values.size))
    rng.shuffle(order)
    return numpy.ascontiguousarray(values.ravel()[order].reshape(values.shape))
