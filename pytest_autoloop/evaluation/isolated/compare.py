"""Whether two plain values are the same, as far as a caller can tell."""

from __future__ import annotations

import math
from decimal import Decimal
from typing import Any

from pytest_autoloop.evaluation.isolated import arrays

#: Relative tolerance of floats: a sum in another order passes, single precision does not.
TOLERANCE = 1e-9
#: Share of the largest neighbour that a float may be off: a running sum carries its history.
_OF_SCALE = 1e-12
_SHOWN = 80


def differences(expected: object, actual: object, tolerance: float = TOLERANCE) -> str:
    """Say where two values differ first; empty when they do not.

    Types are the same at every level. NaN equals NaN, 0.0 equals -0.0. The order of a dict does not
    count, nor do objects that stand in several places: see `aliasing`.
    """
    return _Comparison(tolerance).compare(expected, actual, "", 0.0)


def aliasing(expected: object, actual: object) -> str:
    """Say where one value shares an object that can change and another does not; empty if nowhere.

    The two have the same shape.
    """
    forth: dict[int, int] = {}
    back: dict[int, int] = {}
    waiting: list[tuple[Any, Any, str]] = [(expected, actual, "")]
    while waiting:
        one, other, where = waiting.pop()
        if _can_change(one):
            same = forth.setdefault(id(one), id(other)) == id(other)
            if not (same and back.setdefault(id(other), id(one)) == id(one)):
                return (
                    f"{_at(where)}shares an object that it should not, or does not that it should"
                )
        if isinstance(one, list | tuple) and len(one) == len(other):
            pairs = zip(one, other, strict=True)
            waiting += [(a, b, f"{where}[{index}]") for index, (a, b) in enumerate(pairs)]
        elif isinstance(one, dict):
            waiting += [(one[k], other[k], f"{where}[{k!r:.40}]") for k in one if k in other]
    return ""


def _can_change(value: object) -> bool:
    kind = type(value)
    return kind in (list, dict, set, bytearray) or arrays.kind_of(kind) == "array"


class _Comparison:
    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance

    def compare(self, expected: Any, actual: Any, where: str, scale: float) -> str:  # noqa: ANN401
        kind = type(expected)
        if kind is not type(actual):
            return f"{_at(where)}type {_kind(actual)}, expected {_kind(expected)}"
        if kind is float:
            return self._float(expected, actual, where, scale)
        if kind is complex:
            return self._float(expected.real, actual.real, where, scale) or self._float(
                expected.imag, actual.imag, where, scale
            )
        if kind in _CONTAINERS:
            return self._container(expected, actual, where)
        if arrays.kind_of(kind):
            return self._array(expected, actual, where)
        # A signalling NaN raises when it is compared, and trailing zeros can be seen.
        exact = Decimal.as_tuple if kind is Decimal else _itself
        return "" if exact(expected) == exact(actual) else _told(where, expected, actual)

    def _float(self, expected: float, actual: float, where: str, scale: float) -> str:
        if expected == actual or (math.isnan(expected) and math.isnan(actual)):
            return ""
        if not (math.isfinite(expected) and math.isfinite(actual)):
            return _told(where, expected, actual)
        allowed = self._tolerance * max(abs(expected), abs(actual)) + _OF_SCALE * scale
        return _told(where, expected, actual) if abs(expected - actual) > allowed else ""

    def _container(self, expected: Any, actual: Any, where: str) -> str:  # noqa: ANN401
        if len(expected) != len(actual):
            return f"{_at(where)}length {len(actual)}, expected {len(expected)}"
        if isinstance(expected, list | tuple):
            return self._items(expected, actual, where)
        if isinstance(expected, dict):
            return self._dict(expected, actual, where)
        return "" if _typed(expected) == _typed(actual) else _told(where, expected, actual)

    def _items(self, expected: Any, actual: Any, where: str) -> str:  # noqa: ANN401
        scale = _scale(expected)
        for index, (one, other) in enumerate(zip(expected, actual, strict=True)):
            found = self.compare(one, other, f"{where}[{index}]", scale)
            if found:
                return found
        return ""

    def _dict(self, expected: Any, actual: Any, where: str) -> str:  # noqa: ANN401
        if _typed(expected) != _typed(actual):
            return f"{_at(where)}other keys: {_short(list(actual))}, not {_short(list(expected))}"
        scale = _scale(expected.values())
        for key, value in expected.items():
            found = self.compare(value, actual[key], f"{where}[{key!r:.40}]", scale)
            if found:
                return found
        return ""

    def _array(self, expected: Any, actual: Any, where: str) -> str:  # noqa: ANN401
        if expected.dtype != actual.dtype:
            return f"{_at(where)}dtype {actual.dtype}, expected {expected.dtype}"
        if expected.shape != actual.shape:
            return f"{_at(where)}shape {actual.shape}, expected {expected.shape}"
        if expected.dtype.kind not in "fc":
            return "" if expected.tobytes() == actual.tobytes() else _told(where, expected, actual)
        return self._items([*expected.astype(object).flat], [*actual.astype(object).flat], where)


_CONTAINERS = frozenset({list, tuple, dict, set, frozenset, bytearray})


def _itself(value: Any) -> Any:  # noqa: ANN401
    return value


def _scale(items: Any) -> float:  # noqa: ANN401 - any iterable
    sizes = (abs(item) for item in items if isinstance(item, float) and math.isfinite(item))
    return max(sizes, default=0.0)


def _typed(members: Any) -> set[tuple[type, Any]]:  # noqa: ANN401
    """Return hashable members with their types: 1, 1.0 and True are equal, but not the same."""
    return {(type(member), member) for member in members}


def _at(where: str) -> str:
    return f"result{where}: "


def _told(where: str, expected: object, actual: object) -> str:
    return f"{_at(where)}{_short(actual)}, expected {_short(expected)}"


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _kind(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
