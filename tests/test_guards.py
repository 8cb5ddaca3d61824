"""What the generated guards compare with: two versions of a function, called alike."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.guards import assert_same_outcome, outcome_of, same

if TYPE_CHECKING:
    from collections.abc import Callable


def original(values: list[float], *, by: float = 1.0) -> float:
    """Sum up."""
    return sum(values) / by


def other_order(values: list[float], *, by: float = 1.0) -> float:
    """Sum up, from the end."""
    return sum(reversed(values)) / by


def wrong(values: list[float], *, by: float = 1.0) -> float:
    """Forget the last."""
    return sum(values[:-1]) / by


def another_type(values: list[float], *, by: float = 1.0) -> int:
    """Round."""
    return round(sum(values) / by)


def another_error(values: list[float], *, by: float = 1.0) -> float:
    """Refuse by another exception."""
    if not by:
        raise ValueError("by")
    return sum(values) / by


def greedy(values: list[float], *, by: float = 1.0) -> float:
    """Eat the arguments."""
    total = sum(values) / by
    values.clear()
    return total


def test_the_last_digits_may_differ() -> None:
    """A sum in another order is the same sum, and both may refuse."""
    assert_same_outcome(other_order, original, [0.1, 0.2, 0.3, 1e9], by=3.0)
    assert_same_outcome(other_order, original, [1.0], by=0)


@pytest.mark.parametrize(
    ("candidate", "by", "said"),
    [
        (wrong, 1.0, r"original\(\[2.0, 1.0\], by=1.0\) gave 2.0, the original gave 3.0"),
        (another_type, 1.0, "gave 3, the original gave 3.0"),
        (another_error, 0, "raised ValueError, the original raised ZeroDivisionError"),
        (greedy, 1.0, r"left \(\[\], 1.0\) in its arguments"),
    ],
)
def test_another_outcome_is_named(candidate: Callable[..., Any], by: float, said: str) -> None:
    """With the arguments and both outcomes."""
    with pytest.raises(AssertionError, match=said):
        assert_same_outcome(candidate, original, [2.0, 1.0], by=by)


def test_arguments_are_copies() -> None:
    """One version cannot feed the other what it has changed."""
    values = [1.0, 2.0]
    assert outcome_of(greedy, (values,), {}).arguments == ([],)
    assert values == [1.0, 2.0]


def test_types_count_and_the_order_of_a_dict_does_not() -> None:
    """As in the guard that a campaign brings along."""
    assert same({"a": 1, "b": float("nan")}, {"b": float("nan"), "a": 1})
    assert not same((1,), [1])
    assert not same(1, True)
