"""Plain data between processes: exact, bounded, and safe to read whatever the bytes are."""

from __future__ import annotations

import datetime
import math
import os
from collections import OrderedDict
from contextlib import suppress
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.compare import aliasing, differences
from pytest_autoloop.evaluation.isolated.frames import Channel, ChannelClosed, ChannelTimeout
from pytest_autoloop.evaluation.isolated.limits import Limits, PlainDataError

LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.binary(),
    st.decimals(),
    st.fractions(),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.timedeltas(),
)
KEYS = st.one_of(st.integers(), st.text(), st.booleans(), st.tuples(st.integers(), st.text()))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner),
        st.sets(KEYS),
        st.frozensets(KEYS),
        st.binary().map(bytearray),
    ),
    max_leaves=20,
)


@settings(max_examples=300, deadline=None)
@given(VALUES)
def test_what_is_written_comes_back(value: Any) -> None:
    """Every value has the same types and content at every depth."""
    assert differences(value, plain.decode(plain.encode(value)), 0.0) == ""


@settings(max_examples=1500, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_value_or_refused(data: bytes) -> None:
    """No other error comes out of the reader, and no more than the bytes could hold."""
    try:
        plain.decode(data)
    except PlainDataError:
        return


@settings(max_examples=500, deadline=None)
@given(VALUES, st.data())
def test_damaged_bytes_are_a_value_or_refused(value: Any, data: st.DataObject) -> None:
    """One byte changed, cut or added anywhere leads nowhere else."""
    content = bytearray(plain.encode(value))
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] = data.draw(st.integers(0, 255))
    for damaged in (bytes(content), bytes(content[:place]), bytes(content) + b"n"):
        with suppress(PlainDataError):
            plain.decode(damaged)


class Number(int):
    """Equal to a number, and no number."""


@pytest.mark.parametrize(
    "value",
    [
        Number(3),
        OrderedDict(),
        object(),
        int,
        len,
        iter(()),
        datetime.datetime.now,
        10 ** (400_000),
        [[[[]]]],
        b"x" * 2000,
        {"a": [Number(3)]},
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_plain_data_is_refused(value: object) -> None:
    """Subclasses bring behaviour along; what is too large or too deep ties up its reader."""
    with pytest.raises(PlainDataError):
        plain.encode(value, Limits(size=1000, depth=3))


def test_a_value_that_contains_itself_is_refused() -> None:
    """Whoever walks it would never end."""
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PlainDataError, match="contains itself"):
        plain.encode(endless)


@pytest.mark.parametrize("length", [2**31, 2**32 - 1])
def test_a_length_that_is_not_there_takes_no_memory(length: int) -> None:
    """Lengths are checked before anything is made from them."""
    for tag in (b"l", b"s", b"b", b"m", b"q", b"D"):
        with pytest.raises(PlainDataError):
            plain.decode(tag + length.to_bytes(4, "little"))


def test_one_object_in_two_places_stays_one() -> None:
    """What is changed through one name shows under the other."""
    shared = [1]
    found = plain.decode(plain.encode({"a": shared, "b": shared}))
    found["a"].append(2)
    assert found["b"] == [1, 2]
    assert aliasing([shared, shared], [[1], [1]]) != ""
    assert aliasing([shared, shared], [shared, shared]) == ""


def test_arguments_are_changed_in_place() -> None:
    """Containers that crossed come back as the caller's own objects, changed."""
    arguments: list[Any] = [[1, 2], {"a": 1}]
    data, met = plain.encode_noting(arguments)
    copies, theirs = plain.decode_noting(data)
    copies[0].append(3)
    del copies[1]["a"]
    returned = plain.restore(plain.encode((copies[0], copies), known=theirs), met)
    assert arguments == [[1, 2, 3], {}]
    assert returned[0] is arguments[0]
    assert returned[1] is arguments


@pytest.mark.parametrize(
    ("expected", "actual", "told"),
    [
        (1, True, "type bool, expected int"),
        ([1], (1,), "type tuple, expected list"),
        ([1, [2.0]], [1, [2]], "result[1][0]: type int, expected float"),
        ({1: 2}, {1.0: 2}, "other keys"),
        ({1}, {True}, "expected {1}"),
        ("a", "b", "'b', expected 'a'"),
        ([1.0], [1.0 + 1e-8], "result[0]"),
        ([1], [1, 2], "length 2, expected 1"),
        (math.inf, 1e308, "expected inf"),
        (Decimal(1), Fraction(1), "type fractions.Fraction, expected decimal.Decimal"),
    ],
)
def test_differences_are_told(expected: object, actual: object, told: str) -> None:
    """Where, what was expected and what came, in one line."""
    assert told in differences(expected, actual)


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        (math.nan, math.nan),
        (0.0, -0.0),
        ({1: 2, 3: 4}, {3: 4, 1: 2}),
        ([1e12, 1e-3], [1e12, 1e-3 + 1e-5]),
        (1.0, 1.0 + 1e-12),
    ],
)
def test_what_no_caller_can_tell_is_no_difference(expected: object, actual: object) -> None:
    """A running sum may carry the rounding of a large neighbour; a dict has no order."""
    assert differences(expected, actual) == ""


def channels() -> tuple[Channel, Channel]:
    """Return both ends of a conversation."""
    (read, answered), (heard, write) = os.pipe(), os.pipe()
    return Channel(read, write), Channel(heard, answered)


def test_frames_arrive_whole() -> None:
    """In the order in which they were sent, empty ones too."""
    ours, theirs = channels()
    for frame in (b"", b"a", b"b" * 60_000):
        ours.send(frame)
        assert theirs.receive(5.0) == frame


def test_a_frame_that_is_announced_too_large_is_refused() -> None:
    """Nothing is read, or kept, for it."""
    read, write = os.pipe()
    os.write(write, (2**32 - 1).to_bytes(4, "little"))
    with pytest.raises(PlainDataError, match="a frame of 4,294,967,295 bytes"):
        Channel(read, write).receive(1.0)


def test_half_a_frame_ends_in_time_or_with_its_sender() -> None:
    """Neither a silent nor a dead sender holds anybody up."""
    read, write = os.pipe()
    _, unused = os.pipe()
    os.write(write, (10).to_bytes(4, "little") + b"half")
    with pytest.raises(ChannelTimeout):
        Channel(read, unused).receive(0.01)
    os.close(write)
    with pytest.raises(ChannelClosed):
        Channel(read, unused).receive(1.0)
