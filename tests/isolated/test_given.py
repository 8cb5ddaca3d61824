"""Inputs that users give by their fixture `autoloop_inputs`."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st

from pytest_autoloop.evaluation.isolated.given import GivenInputsError, check, drawn


def test_functions_get_a_random_source() -> None:
    """The same seed gives the same calls, another seed other ones."""
    inputs = check({"double": lambda source: (source.randrange(10**9),)})

    first, again, other = (drawn(inputs, seed, 5)["double"] for seed in (1, 1, 2))

    assert first == again != other
    assert len({arguments for arguments, _ in first}) == 5
    assert all(keywords == {} for _, keywords in first)


def test_strategies_are_drawn_from() -> None:
    """A hypothesis strategy of tuples gives calls too, the same for the same seed."""
    inputs = check({"add": st.tuples(st.integers(), st.text())})

    calls = drawn(inputs, 7, 50)["add"]

    assert calls == drawn(inputs, 7, 50)["add"]
    assert all(isinstance(n, int) and isinstance(s, str) for (n, s), _ in calls)
    assert len(calls) > 10


@pytest.mark.parametrize("inputs", [None, 3, {"f": 3}, {1: len}, [len]])
def test_what_cannot_be_used_is_refused_with_advice(inputs: object) -> None:
    """The message shows the value and says what to return."""
    with pytest.raises(GivenInputsError, match="return a mapping from the name of a function"):
        check(inputs)


def test_arguments_that_are_no_tuple_are_refused() -> None:
    """A list could be one argument or all of them."""
    with pytest.raises(GivenInputsError, match=r"autoloop_inputs\['f'\] gave \[1\]"):
        drawn({"f": lambda _: [1]}, 0, 1)


def test_an_error_in_a_source_names_the_function() -> None:
    """It is the user's to correct."""
    with pytest.raises(GivenInputsError, match=r"\['f'\] raised ZeroDivisionError"):
        drawn({"f": lambda _: 1 / 0}, 0, 1)
