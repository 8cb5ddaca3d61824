"""One number made of several."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.metrics import Measurement, MeasurementError, composite

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import Direction


def constant(value: float, direction: Direction = "lower") -> Measurement:
    """Return what measures a constant."""
    return Measurement(direction, "s", "a constant", lambda _: value)


def test_it_is_the_weighted_geometric_mean() -> None:
    """The definition, worked by hand: the fourth root of 2³·32 is 4."""
    both = composite({"a": (constant(2), 3), "b": constant(32)})
    assert both() == pytest.approx(4)
    assert (both.direction, both.unit) == ("lower", "")
    assert both.description == "weighted geometric mean of a, b"
    assert composite({"a": constant(5)})() == pytest.approx(5)


def test_parts_of_the_other_direction_are_turned() -> None:
    """Twice as accurate and twice as slow is no change, whatever the direction of the whole."""

    def whole(factor: float, direction: Direction) -> float:
        parts = {"time": constant(3 * factor), "right": constant(40 * factor, "higher")}
        return composite(parts, direction=direction)()

    assert whole(2, "lower") == pytest.approx(whole(1, "lower"))
    assert whole(2, "higher") == pytest.approx(whole(1, "higher"))
    assert whole(1, "higher") == pytest.approx(1 / whole(1, "lower"))


def test_units_and_baselines_do_not_change_a_ratio() -> None:
    """Milliseconds or seconds: of two candidates the same one is better, by the same factor."""

    def whole(seconds: float, **options: Any) -> float:
        scale = options.pop("scale", 1)
        parts = {"time": (constant(seconds * scale), 2), "size": (constant(seconds**2), 1)}
        return composite(parts, **options)()

    ratio = whole(1.1) / whole(1)
    assert ratio == pytest.approx(math.exp((2 * math.log(1.1) + 2 * math.log(1.1)) / 3))
    assert whole(1.1, scale=1000) / whole(1, scale=1000) == pytest.approx(ratio)
    baselines = {"time": 7, "size": 0.3}
    assert whole(1.1, baselines=baselines) / whole(1, baselines=baselines) == pytest.approx(ratio)
    assert whole(1, baselines={"time": 1, "size": 1}) == pytest.approx(1)


def test_parts_are_measured_where_the_whole_is(tmp_path: Path) -> None:
    """Target and directory are handed on."""
    seen = []
    part = Measurement("lower", "", "a part", lambda place: seen.append(place) or 1)  # type: ignore[func-returns-value]
    composite({"a": part, "b": part})(tmp_path / "x", tmp_path)
    assert [(place.target, place.directory) for place in seen] == [(tmp_path / "x", tmp_path)] * 2


@pytest.mark.parametrize("value", [0, -1, float("nan")])
def test_only_numbers_above_zero_have_a_geometric_mean(value: float) -> None:
    """The error names the part; nothing is added to make it fit."""
    with pytest.raises(MeasurementError, match=r"b is .*above 0|a constant: nan is not a finite"):
        composite({"a": constant(1), "b": constant(value)})()


@pytest.mark.parametrize(
    ("parts", "options", "message"),
    [
        ({}, {}, "write at least one measurement"),
        ({"a": 3}, {}, "'a': 3 is no measurement"),
        ({"a": (constant(1), 0)}, {}, "'a': its weight is 0: write a number above 0"),
        ({"a": (constant(1), float("inf"))}, {}, "its weight is inf"),
        ({"a": (constant(1), True)}, {}, "its weight is True"),
        ({"a": constant(1)}, {"baselines": {"a": 0}}, "'a' is 0: write a number above 0"),
        (
            {"a": constant(1)},
            {"baselines": {"b": 1}},
            r"name all parts and no others, see \['a', 'b",
        ),
        ({"a": constant(1)}, {"baselines": {}}, "name all parts"),
        ({"a": constant(1)}, {"direction": "up"}, "direction='up'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_arguments_out_of_range_are_refused(
    parts: Any, options: dict[str, Any], message: str
) -> None:
    """Where they are written."""
    with pytest.raises(ValueError, match=message):
        composite(parts, **options)
