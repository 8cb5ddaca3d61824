"""Fresh inputs are other values of the same types, and keep what recorded calls show."""

from __future__ import annotations

import random
from typing import Any

import pytest

from pytest_autoloop.evaluation.isolated import edges
from pytest_autoloop.evaluation.isolated.inputs import (
    GENTLE,
    MUTATORS,
    Arguments,
    fresh,
    observe,
)

BY_NAME = {mutator.name: mutator for mutator in MUTATORS}


def call(*positional: Any, **named: Any) -> Arguments:
    """Return the arguments of one call."""
    return positional, named


def varied(
    name: str, arguments: Arguments, *others: Arguments, count: int = 40
) -> list[tuple[Any, ...]]:
    """Return the positional arguments of fresh calls that one mutator makes."""
    observed = observe([arguments, *others])
    found = []
    for seed in range(count):
        generator = random.Random(seed)
        positional, _ = fresh(arguments, observed, generator, BY_NAME[name])
        found.append(positional)
    return found


def shape(value: Any) -> Any:
    """Return a value's types at every level, with the lengths of containers."""
    if isinstance(value, dict):
        return dict, [shape(item) for item in value.values()]
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    return type(value), len(value) if isinstance(value, str | bytes) else None


@pytest.mark.parametrize("mutator", GENTLE, ids=lambda mutator: mutator.name)
def test_gentle_mutators_keep_types_lengths_and_nesting(mutator: Any) -> None:
    """What is timed has the shape of what was recorded."""
    arguments = call(
        [3, 1, 4, 1, 5, 9, 2, 6],
        [[0.5, 1.5], [2.5, 3.5]],
        "Alpha beta 12, gamma!",
        {"a": ["b", "c"], "b": [], "c": ["a"]},
        (True, None, b"bytes", 7),
    )
    observed = observe([arguments])
    for seed in range(20):
        positional, _ = fresh(arguments, observed, random.Random(seed), mutator)
        assert shape(positional) == shape(arguments[0])


def test_equal_seeds_give_equal_inputs() -> None:
    """Whoever knows the seed can repeat a comparison."""
    arguments = call([1.5, 2.5, 9.0], {"x", "y", "zz"}, "text")
    for mutator in MUTATORS:
        twice = [
            fresh(arguments, observe([arguments]), random.Random(7), mutator) for _ in range(2)
        ]
        assert twice[0] == twice[1]


def test_numbers_stay_in_the_range_that_was_seen() -> None:
    """A list of numbers is drawn anew between its smallest and its largest."""
    for (numbers,) in varied("values", call([5, -3, 12, 0, 7])):
        assert min(numbers) >= -3
        assert max(numbers) <= 12
    assert len({tuple(numbers) for (numbers,) in varied("values", call([5, -3, 12, 0, 7]))}) > 10


def test_sorted_lists_stay_sorted_where_all_are() -> None:
    """Order that every recorded call shows is a demand; order that one shows by chance is none."""
    ascending = call([1, 4, 6, 9], 4)
    for mutator in MUTATORS:
        for numbers, _ in varied(mutator.name, ascending, call([2, 8], 3)):
            assert numbers == sorted(numbers)
    by_chance = [n for n, _ in varied("values", ascending, call([8, 2, 5], 3))]
    assert any(numbers != sorted(numbers) for numbers in by_chance)


def test_permutations_and_distinct_numbers_stay_such() -> None:
    """A permutation becomes another one; distinct numbers remain distinct."""
    for (numbers,) in varied("values", call([2, 0, 3, 1])):
        assert sorted(numbers) == [0, 1, 2, 3]
    for (numbers,) in varied("lengths", call([20, 3, 11, 8])):
        assert len(set(numbers)) == len(numbers)


def test_symmetric_matrices_stay_symmetric() -> None:
    """A matrix of distances remains one: equal across the diagonal, which stays."""
    matrix = [[0, 5, 7], [5, 0, 9], [7, 9, 0]]
    for name in ("values", "numbers"):
        for (rows,) in varied(name, call(matrix)):
            assert all(rows[i][j] == rows[j][i] for i in range(3) for j in range(3))
            assert all(rows[i][i] == 0 for i in range(3))


def test_labels_of_a_graph_are_replaced_everywhere() -> None:
    """Keys and what refers to them change together, also outside of the dict."""
    for graph, start in varied("values", call({"a": ["b", "c"], "b": ["c"], "c": []}, "a")):
        assert start == next(iter(graph))
        assert {node for nodes in graph.values() for node in nodes} <= graph.keys()
    for graph, start in varied("labels", call({10: [20, 30], 20: [30], 30: []}, 10)):
        assert start == next(iter(graph))
        assert sorted(graph) == [10, 20, 30]
        assert [len(nodes) for nodes in graph.values()] == [2, 1, 0]


def test_text_keeps_its_classes_of_characters_and_its_repetitions() -> None:
    """Letters become letters of their case, digits digits; equal words stay equal."""
    for (text,) in varied("values", call("Red red, blue-12 red!")):
        first, second, third, fourth = text.split(" ")
        assert first[0].isupper()
        assert first.lower() == second.rstrip(",") == fourth.rstrip("!")
        assert third[4] == "-"
        assert third[5:].isdigit()


def test_names_of_fields_and_choices_are_kept() -> None:
    """What names a column, or one of few modes, is no text to vary."""
    rows = [{"name": "bob", "age": 30}, {"name": "al", "age": 41}]
    first = call(rows, "name", "fast")
    for table, column, mode in varied("values", first, call(rows, "age", "exact")):
        assert column == "name"
        assert mode == "fast"
        assert all(list(row) == ["name", "age"] for row in table)
    modes = {mode for *_, mode in varied("lengths", first, call(rows, "age", "exact"))}
    assert modes == {"fast", "exact"}


def test_a_count_that_is_a_length_follows_the_length() -> None:
    """Where n is always len(items), it still is."""
    for items, count in varied("lengths", call([4, 9, 2], 3), call([5, 1], 2)):
        assert len(items) == count


def test_one_object_in_two_places_stays_one() -> None:
    """A fresh call shares what the recorded one shares, and nothing with the recorded one."""
    shared = [3, 1, 2]
    arguments = call([shared, shared])
    for (rows,) in varied("values", arguments):
        assert rows[0] is rows[1]
        assert rows[0] is not shared


def test_infinities_come_only_from_recorded_ones() -> None:
    """No mutator and no edge invents what a running sum cannot honestly stand."""
    arguments = call([0.5, 1e300, -2.0], 3.5)
    observed = observe([arguments])
    for seed in range(200):
        generator = random.Random(seed)
        for made in (
            fresh(arguments, observed, generator, MUTATORS[seed % len(MUTATORS)]),
            edges.edge(arguments, observed, generator),
        ):
            numbers, single = made[0]
            assert all(abs(number) < float("inf") for number in [*numbers, single])


def test_arrays_keep_type_shape_and_range() -> None:
    """A numpy array is varied within its range."""
    numpy = pytest.importorskip("numpy")
    before = numpy.array([[1, 5, 3], [9, 2, 2]], dtype="int16")
    for (array,) in varied("values", call(before)):
        assert array.dtype == before.dtype
        assert array.shape == before.shape
        assert array.min() >= 1
        assert array.max() <= 9


def test_edges_keep_what_every_call_shows() -> None:
    """A sorted list of positive numbers is at the edge when empty, not when negative."""
    arguments = call([1, 4, 6, 9], 4)
    observed = observe([arguments, call([2, 3], 9)])
    found = [edges.edge(arguments, observed, random.Random(seed))[0][0] for seed in range(300)]
    assert [] in found
    assert all(items == sorted(items) and min(items, default=0) >= 0 for items in found)


def test_edges_hold_letters_beyond_ascii() -> None:
    """Text is tried with accents, other scripts and nothing at all."""
    arguments = call("some plain words")
    observed = observe([arguments])
    found = [edges.edge(arguments, observed, random.Random(seed))[0][0] for seed in range(300)]
    assert "" in found
    assert any("ß" in text for text in found)
    assert any("日" in text for text in found)
