"""What the page tells of one experiment."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pytest_autoloop.model import TIME, Effect, GuardReport, Metric, Pair, Sample
from pytest_autoloop.reporting.html.details import LONGEST_DIFF, LONGEST_OUTPUT, details, shown
from tests.reporting.html.made import experiment, pairs


def test_a_text_shows_what_would_be_obeyed_hidden_or_reordered() -> None:
    """Escapes, marks of direction and carriage returns are spelled out; tabs and lines stay."""
    assert shown("a\tb\n\x1b[31m\u202eevil\r\nπ", 100) == "a\tb\n\\x1b[31m\\u202eevil\\r\nπ"


def test_long_texts_are_cut_and_say_by_how_much() -> None:
    """Of a diff the begin is kept, of what a session printed the end."""
    guard = GuardReport(False, output="first" + "x" * LONGEST_OUTPUT)
    found = details(experiment(1, diff="+" * (LONGEST_DIFF + 7), guard=guard), (TIME,))
    assert len(str(found["diff"])) == LONGEST_DIFF
    assert found["diff_cut"] == 7
    told = found["guard"]
    assert isinstance(told, dict)
    assert told["output"] == "x" * LONGEST_OUTPUT
    assert told["output_cut"] == 5


def test_what_is_unknown_is_left_out() -> None:
    """An experiment that was refused before it ran has neither effect nor samples nor guards."""
    refused = experiment(1, effect=None, pairs=(), guard=None, metrics={"time": None}, diff="")
    assert not {"effect", "series", "guard", "metrics", "diff"} & details(refused, (TIME,)).keys()


def test_pairs_are_told_as_times_and_gains() -> None:
    """What the steps stand for is what was measured, to a thousandth of the spread."""
    made = pairs(0.1, 6)
    (series,) = _series(details(experiment(1, "keep", pairs=made), (TIME,)))
    step, *counts = series["gains"]
    for pair, count in zip(made, counts, strict=True):
        times = pair.incumbent.warm["test_speed"], pair.candidate.warm["test_speed"]
        assert count * step == pytest.approx(math.log(times[0] / times[1]), rel=2e-3)
    step, *counts = series["incumbent"]
    before = [series["mean"] * (1 + count * step) for count in counts]
    assert before == pytest.approx([p.incumbent.warm["test_speed"] for p in made], rel=1e-4)


def test_first_calls_stand_beside_the_others_where_they_decided() -> None:
    """Both series are shown, and which is which."""
    effect = Effect(0.1, 0.05, 0.15, pairs=4, basis="first")
    found = _series(details(experiment(1, "keep", effect=effect), (TIME,)))
    assert [one["what"] for one in found] == ["", "first calls"]


def test_several_benchmarks_are_told_one_by_one_the_largest_change_first() -> None:
    """The mean gain of each, on the log scale."""
    before = Sample({"slow": 2.0, "quick": 1.0, "same": 1.0})
    after = Sample({"slow": 1.0, "quick": 1.25, "same": 1.0})
    found = details(experiment(1, pairs=(Pair(before, after),)), (TIME,))
    assert found["benchmarks"] == [["slow", 0.69315], ["quick", -0.22314], ["same", 0.0]]


def test_values_of_a_fixture_are_told_as_they_are() -> None:
    """Its gain is positive where it became better, whatever its direction."""
    metric = Metric("accuracy", "higher", "%")
    sides = Sample(metrics={"accuracy": 50.0}), Sample(metrics={"accuracy": 75.0})
    found = details(
        experiment(1, "keep", metrics={"accuracy": 75.0}, pairs=(Pair(*sides),)), (metric,)
    )
    (series,) = _series(found)
    assert (series["incumbent"], series["candidate"]) == ([50.0], [75.0])
    assert series["gains"] == [pytest.approx(math.log(1.5), rel=1e-4)]
    assert found["metrics"] == [["accuracy", "75%"]]


def test_no_number_is_none_that_json_knows() -> None:
    """An effect without a bound on one side can be written."""
    boundless = Effect(0.1, -math.inf, math.inf)
    json.dumps(details(experiment(1, "keep", effect=boundless), (TIME,)), allow_nan=False)


def _series(found: object) -> list[dict[str, Any]]:
    assert isinstance(found, dict)
    return list(found["series"])
