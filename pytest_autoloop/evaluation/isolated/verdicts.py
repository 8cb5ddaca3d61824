"""Whether a candidate's answer to one call is as good as the original's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import compare

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.isolated.answers import Outcome, Raised
    from pytest_autoloop.evaluation.isolated.inputs import Arguments

#: A process may run out of these sooner or later than another, honestly.
_RESOURCES = frozenset({"MemoryError", "RecursionError"})
_SHOWN = 200


def counts(expected: Outcome, *, contract_only: bool) -> bool:
    """Tell whether what the original did binds a candidate.

    With an input that nothing recorded resembles only what it refuses in so many words does.
    """
    raised = expected.raised
    if raised is not None and _RESOURCES & set(raised.bases):
        return False
    return not contract_only or (raised is not None and raised.explicit)


def difference(expected: Outcome, actual: Outcome, tolerance: float) -> str:
    """Return how the candidate's outcome differs in a way that callers can see; "" if it does not.

    An exception that the original raises on purpose is part of what it promises. One that happens
    to it is not: there the candidate may fail in its own way, but must fail.
    """
    if expected.raised is not None:
        return _difference_in_error(expected, actual, tolerance, expected.raised)
    if actual.raised is not None:
        kind, text = actual.raised.kind, actual.raised.text
        return f"expected {_cut(repr(expected.value))}, raised {kind}: {_cut(text)}"
    found = compare.differences(expected.value, actual.value, tolerance)
    if found:
        return found
    return _difference_in_arguments(expected, actual, tolerance) or compare.aliasing(
        (expected.value, expected.args, expected.kwargs),
        (actual.value, actual.args, actual.kwargs),
    )


def _difference_in_error(
    expected: Outcome, actual: Outcome, tolerance: float, raised: Raised
) -> str:
    if actual.raised is None:
        return f"expected {raised.kind}, returned {_cut(repr(actual.value))}"
    if not raised.explicit:
        is_error = any(name.rpartition(".")[2] == "Exception" for name in actual.raised.bases)
        return "" if is_error else f"expected {raised.kind}, raised {actual.raised.kind}"
    if raised.kind not in (actual.raised.kind, *actual.raised.bases):
        return f"expected {raised.kind}, raised {actual.raised.kind}: {_cut(actual.raised.text)}"
    return _difference_in_arguments(expected, actual, tolerance)


def _difference_in_arguments(expected: Outcome, actual: Outcome, tolerance: float) -> str:
    found = compare.differences(
        (expected.args, expected.kwargs), (actual.args, actual.kwargs), tolerance
    )
    return f"arguments after the call: {found}" if found else ""


def deviation(expected: Any, actual: Any) -> float:  # noqa: ANN401
    """Return the largest relative difference between floats of two values that count as equal."""
    if type(expected) is float:
        scale = max(abs(expected), abs(actual))
        apart = abs(expected - actual)
        return apart / scale if 0 < scale < math.inf and apart > 0 else 0.0
    if isinstance(expected, list | tuple):
        pairs = zip(expected, actual, strict=False)
        return max((deviation(one, other) for one, other in pairs), default=0.0)
    if isinstance(expected, dict):
        return max(
            (deviation(expected[k], actual[k]) for k in expected if k in actual), default=0.0
        )
    if getattr(getattr(expected, "dtype", None), "kind", "") == "f":
        return _deviation_of_arrays(expected, actual)
    return 0.0


def _deviation_of_arrays(expected: Any, actual: Any) -> float:  # noqa: ANN401
    pairs = zip(expected.ravel().tolist(), actual.ravel().tolist(), strict=False)
    return max((deviation(one, other) for one, other in pairs), default=0.0)


def described(function: str, arguments: Arguments) -> str:
    """Return a call as one writes it, not too long."""
    positional, named = arguments
    parts = [*map(repr, positional), *(f"{name}={value!r}" for name, value in named.items())]
    return f"{function}({_cut(', '.join(parts))})"


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _SHOWN else f"{line[: _SHOWN - 1]}…"
