"""For guards that compare with the original: what `pytest-autoloop init` writes is made of this.

from pytest_autoloop.guards import assert_same_outcome, autoloop_baseline
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated.compare import TOLERANCE, differences
from pytest_autoloop.harness.baseline_fixture import autoloop_baseline, load_baseline, original

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

__all__ = [
    "Outcome",
    "assert_same_outcome",
    "autoloop_baseline",
    "load_baseline",
    "original",
    "outcome_of",
    "same",
]

_SHOWN = 300


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one call gave, raised and left in its arguments."""

    result: object
    #: Name of the exception's class; empty when it returned.
    raised: str
    arguments: tuple[object, ...]

    def __str__(self) -> str:
        return f"raised {self.raised}" if self.raised else f"gave {_shown(self.result)}"


def outcome_of(
    function: Callable[..., Any], arguments: tuple[object, ...], keywords: Mapping[str, object]
) -> Outcome:
    """Call a function with copies of some arguments, and return what became of it."""
    mine, named = copy.deepcopy(arguments), copy.deepcopy(dict(keywords))
    try:
        result = function(*mine, **named)
    except Exception as error:  # noqa: BLE001 - whatever it raises is what it does
        return Outcome(None, type(error).__name__, (*mine, *named.values()))
    return Outcome(result, "", (*mine, *named.values()))


def assert_same_outcome(
    candidate: Callable[..., Any],
    original: Callable[..., Any],
    /,
    *arguments: object,
    **keywords: object,
) -> None:
    """Call two versions of a function with the same arguments, and compare what they do.

    Result, class of an exception, and what is left in the arguments have to agree. They are
    compared by value: floats may differ in their last digits, as they do when a sum is added up in
    another order, types must be the same, and the order of a dict does not count.

    Raises:
        AssertionError: they do not; the message has the arguments and both outcomes.
    """
    __tracebackhide__ = True
    expected = outcome_of(original, arguments, keywords)
    found = outcome_of(candidate, arguments, keywords)
    called = _called(getattr(original, "__name__", "the function"), arguments, keywords)
    if found.raised != expected.raised or not same(found.result, expected.result):
        raise AssertionError(f"{called} {found}, the original {expected}")
    if not same(found.arguments, expected.arguments):
        raise AssertionError(
            f"{called} left {_shown(found.arguments)} in its arguments, the original "
            f"{_shown(expected.arguments)}"
        )


def same(found: object, expected: object, tolerance: float = TOLERANCE) -> bool:
    """Tell whether two values are the same, floats in them up to a relative tolerance."""
    return not differences(expected, found, tolerance)


def _called(name: str, arguments: tuple[object, ...], keywords: Mapping[str, object]) -> str:
    written = [_shown(one) for one in arguments]
    written += [f"{key}={_shown(one)}" for key, one in keywords.items()]
    return f"{name}({', '.join(written)})"


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
