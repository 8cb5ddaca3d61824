"""The values of a space: counted, listed, written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.proposers.sweep import space
from pytest_autoloop.proposers.sweep.grammar import Choice, Range

if TYPE_CHECKING:
    from pytest_autoloop.proposers.sweep.grammar import Spec
    from pytest_autoloop.proposers.sweep.space import Value


@pytest.mark.parametrize(
    ("spec", "values"),
    [
        (Choice(("a", "b")), ["a", "b"]),
        (Range("int", 1, 4), [1, 2, 3, 4]),
        (Range("int", -1, 15), list(range(-1, 16))),
        (Range("int", 0, 64, 16), [0, 16, 32, 48, 64]),
        (Range("int", 0, 70), [0, 10, 20, 30, 40, 50, 60, 70]),
        (Range("int", 1, 128, log=True), [1, 2, 4, 8, 16, 32, 64, 128]),
        (Range("float", 0.0, 0.3, 0.1), [0.0, 0.1, 0.2, 0.3]),
        (Range("float", 0.0, 7.0), [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]),
        (Range("float", 1e-4, 1e3, log=True), [1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0, 100.0, 1e3]),
    ],
    ids=str,
)
def test_grid_of_a_knob(spec, values):
    """All values where they are few, eight from end to end where they are not."""
    assert space.grid(spec) == values
    assert space.grid_size(spec) == len(values)


def test_points_are_counted():
    """A space can be counted unless one of its knobs cannot."""
    countable: list[Spec] = [
        Range("int", 1, 1000),
        Choice(("a", "b")),
        Range("float", 0.0, 1.0, 0.1),
    ]
    assert space.total(countable) == 1000 * 2 * 11
    assert space.total([*countable, Range("float", 0.0, 1.0)]) is None
    assert space.every(countable[0]) == list(range(1, 1001))


@pytest.mark.parametrize(
    ("spec", "value", "text"),
    [
        (Range("float", 0.0, 1.0), 1 / 3, "0.333333"),
        (Range("float", 1000.0, 1000.001), 1000.00012345678, "1000.0001234568"),
        (Range("float", 1e-9, 1.0, log=True), 1.23456789e-7, "1.23457e-07"),
        (Range("float", 1e-9, 1.0, log=True), 1e-9, "1.0e-09"),
        (Range("float", 0.0, 1.0, 0.1), 0.1 + 0.2, "0.3"),
        (Range("float", 0.5, 2.0, log=True, mirrored=True), 1.0, "-1.0"),
        (Range("int", 2, 32, mirrored=True), 8, "-8"),
        (Range("float", 0.12345674, 1.0), 0.12345674, "0.12345674"),
        (Choice(("a", "b")), "b", "b"),
    ],
    ids=str,
)
def test_values_are_written_short(spec, value, text):
    """Few digits, no noise of binary fractions, never outside the range."""
    assert space.text_of(spec, value) == text


def test_distance_counts_steps_of_the_grid():
    """Neighbours in any knob come first, then what is two steps away."""
    grids: dict[str, list[Value]] = {"n": [1, 2, 4, 8], "c": ["a", "b"]}
    ordered = sorted(
        space.points(grids), key=lambda point: space.distance(grids, point, {"n": 4, "c": "a"})
    )
    assert [(point["n"], point["c"]) for point in ordered] == [
        (4, "a"),
        (2, "a"),
        (4, "b"),
        (8, "a"),
        (1, "a"),
        (2, "b"),
        (8, "b"),
        (1, "b"),
    ]
