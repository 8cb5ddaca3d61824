"""Metrics of a command, and their numbers in its output."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.command_options import score
from pytest_autoloop.commanded.scores import Reading, number_in, readings_of
from pytest_autoloop.errors import MeasurementError, UsageError
from pytest_autoloop.metrics.programs import Finished
from pytest_autoloop.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Callable

    Given = Callable[..., Settings]


@pytest.fixture
def given(pytester: pytest.Pytester) -> Given:
    """Return a function that makes settings with the scores of a command."""
    plain = Settings.from_config(pytester.parseconfig("--autoloop=1"))

    def make(*scores: str, **others: Any) -> Settings:
        return replace(plain, command="bench", scores=tuple(map(score, scores)), **others)

    return make


def number(output: str, pattern: str | None = None, errors: str = "") -> float:
    """Read one number."""
    reading = Reading("score", None if pattern is None else score(pattern), "lower")
    return number_in(Finished(output, errors, 0.0), reading, "bench")


def test_without_a_pattern_there_is_one_score(given: Given) -> None:
    """Lower is better unless something else is said."""
    assert readings_of(given()) == (Reading("score", None, "lower"),)
    found = readings_of(given(directions=("higher",), units=("%",)))
    assert found == (Reading("score", None, "higher", "%"),)


def test_several_scores_are_metrics_of_one_run(given: Given) -> None:
    """Names come from the pattern, or from what stands before the number."""
    found = readings_of(
        given(
            r"time: ([\d.]+)",
            r"(?P<peak>\d+) kB",
            r"cache\s+hits: (\d+)",
            "json:a.b",
            directions=("lower", "lower", "higher", "lower"),
            units=("ms",),
        )
    )
    assert [one.name for one in found] == ["score", "peak", "cache_hits", "b"]
    assert [one.direction for one in found] == ["lower", "lower", "higher", "lower"]
    assert [one.unit for one in found] == ["ms", "", "", ""]


def test_a_bound_is_held_and_needs_no_direction(given: Given) -> None:
    """A strict one is the nearest number beside it."""
    found = readings_of(
        given(r"time: (\d+)", r"allocs: (\d+) < 500", r"hits: (\d+) >= 9", directions=("higher",))
    )
    assert [one.direction for one in found] == ["higher", "lower", "higher"]
    assert (found[1].at_most, found[2].at_least) == (math.nextafter(500, 0), 9)


@pytest.mark.parametrize(
    ("scores", "others", "said"),
    [
        ((r"(\d+) < 3",), {}, "nothing is left to improve"),
        ((r"(?P<a>x)", r"(?P<a>y)"), {}, "two scores are named 'a'"),
        ((r"(?P<target>x)",), {}, "names a metric 'target'"),
        ((r"(x)",), {"directions": ("lower", "lower")}, "given 2 times and there are 1"),
        ((r"(x)",), {"units": ("s", "ms")}, "given 2 times and there are 1"),
        (("json:a..b",), {}, "write it as in"),
    ],
)
def test_what_does_not_fit_together_is_refused(
    given: Given, scores: tuple[str, ...], others: dict[str, Any], said: str
) -> None:
    """Before anything runs."""
    with pytest.raises(UsageError, match=said):
        readings_of(given(*scores, **others))


@pytest.mark.parametrize(
    ("output", "pattern", "expected"),
    [
        ("warming up\n12.5\n\n", None, 12.5),
        ("SCORE: 7e3\ndone\n", None, 7000.0),
        ("time: 3\ntime: 4\n", r"time: (\d+)", 4.0),
        ("a 1 b\n2\n", r"^(\d+)$", 2.0),
        ("1 x 2", r"(?:one|1) x (?P<n>\d)", 2.0),
        ('{"results": [{"mean": 0.25}]}', "json:results[0].mean", 0.25),
        ('building\n{"a": 3}\n', "json:a", 3.0),
    ],
)
def test_a_number_is_found(output: str, pattern: str | None, expected: float) -> None:
    """Of several the last, in the last line where nothing else is said."""
    assert number(output, pattern) == expected


def test_standard_error_is_searched_where_the_output_has_nothing() -> None:
    """Many programs report their time there."""
    assert number("result\n", r"real (\d+)", errors="real 5\n") == 5


@pytest.mark.parametrize(
    ("output", "pattern", "said"),
    [
        ("built\n", None, "last line is 'built'"),
        ("", None, "last line is ''"),
        ("line 1\nline 2\n", r"time: (\d+)", "printed:\nline 1\nline 2"),
        ("", r"time: (\d+)", "which is nothing"),
        ("time: fast", r"time: (\w+)", "'fast' is not a finite number"),
        ("time: nan", r"time: (\w+)", "'nan' is not a finite number"),
        ("text", "json:a", "is no JSON"),
        ('{"b": 1}', "json:a", "no 'a' in the output"),
        ('{"a": "1"}', "json:a", "is the text '1'"),
        ("-1e308", None, "farther from 0 than 1e+150"),
        # The sentence is at the beginning, and of a long message the end is shown.
        ("x" * 10_000, None, "x…. Print the score last"),
        (f'{{"a": "{"x" * 10_000}"}}', "json:a", "x…, not a number"),
        (f'{{"a": [{"1," * 10_000}1]}}', "json:a", "1, 1, … is not a finite number"),
    ],
)
def test_what_is_no_number_is_said(output: str, pattern: str | None, said: str) -> None:
    """With the end of what was printed."""
    with pytest.raises(MeasurementError) as raised:
        number(output, pattern)
    assert said in str(raised.value)
