"""Strategies that are inferred: what they are made of, and that they give values of the kind."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_autoloop.onboarding.literals import is_literal, written
from pytest_autoloop.onboarding.strategies import strategy


def drawn(source: str) -> list[Any]:
    """Return some values of a strategy that is written as source."""
    found: list[Any] = []

    @settings(max_examples=30, database=None, derandomize=True, deadline=None)
    @given(eval(source, {"st": st}))
    def take(value: Any) -> None:
        found.append(value)

    take()
    return found


@pytest.mark.parametrize(
    ("values", "source"),
    [
        ([3, 12], "st.integers(3, 12)"),
        ([5], "st.integers(0, 5)"),
        ([0.5, 2.0], "st.floats(0.5, 2.0)"),
        ([True], "st.booleans()"),
        ([None, 4], "st.none() | st.integers(0, 4)"),
        (["fast", "slow", "fast"], 'st.sampled_from(["fast", "slow"])'),
        ([[1, 2], [3]], "st.lists(st.integers(1, 3), max_size=5)"),
        ([(1, True), (2, False)], "st.tuples(st.integers(1, 2), st.booleans())"),
    ],
)
def test_values_say_what_is_drawn(values: list[object], source: str) -> None:
    """Ranges are those that were seen."""
    made = strategy(values)
    assert made == source or (
        not source and made.startswith("st.tuples(st.integers(1, 2), st.text")
    )


@pytest.mark.parametrize(
    "values",
    [
        ["The cat and the dog", "a cat"],
        [b"abc"],
        [{"a": 1, "b": [2.5]}, {"a": 3, "b": []}],
        [{"x": 1}, {}],
        [{1, 2}],
        [[["deep"]], []],
        ['it\'s "quoted" \\ and\nbroken'],
    ],
    ids=repr,
)
def test_what_is_drawn_is_of_the_kind_that_was_seen(values: list[object]) -> None:
    """The source is a strategy, and gives plain data of the same type."""
    found = drawn(strategy(values))
    assert {type(value) for value in found} == {type(values[0])}
    assert all(is_literal(value) or value == set() for value in found)


@pytest.mark.parametrize(
    ("hint", "source"),
    [
        ("int", "st.integers(0, 20)"),
        ("list[bool]", "st.lists(st.booleans(), max_size=15)"),
        ("Optional[bool]", "st.booleans() | st.none()"),
        ("bool | None", "st.booleans() | st.none()"),
        (
            "dict[bool, bytes]",
            "st.dictionaries(st.booleans(), st.binary(max_size=50), max_size=15)",
        ),
        ("tuple[int, bool]", "st.tuples(st.integers(0, 20), st.booleans())"),
        ("collections.abc.Sequence[bool]", "st.lists(st.booleans(), max_size=15)"),
        ("Path", ""),
        ("", ""),
        ("not Python (", ""),
    ],
)
def test_a_hint_tells_where_no_value_was_seen(hint: str, source: str) -> None:
    """What is not known of is not guessed."""
    assert strategy([], hint) == source


def test_a_hint_completes_what_values_leave_open() -> None:
    """An empty list does not say of what, and None may come as well."""
    assert strategy([[]], "list[int]") == "st.lists(st.integers(0, 20), max_size=1)"
    assert strategy([3], "int | None") == "st.integers(0, 3) | st.none()"


def test_what_is_no_plain_data_has_none() -> None:
    """It could not be drawn."""
    assert strategy([object()]) == ""
    assert strategy([[object()]]) == ""
    assert strategy([4, object()]) == ""


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner) | st.tuples(inner, inner),
    max_leaves=10,
)


@settings(database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plain)
def test_a_literal_is_written_as_itself(value: object) -> None:
    """Quotes are changed only where none stands within a text."""
    assert not is_literal(value) or eval(written(value)) == value
