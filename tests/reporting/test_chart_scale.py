"""How far the axis of the chart reaches, and where its ticks are."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.reporting.chart import scale
from pytest_autoloop.reporting.chart.points import Axis, Panel, Point, Step

if TYPE_CHECKING:
    from pytest_autoloop.model import Status

GAIN = Axis("gain", "gain")


def panel(
    *others: float,
    axis: Axis = GAIN,
    steps: tuple[tuple[float, float | None, float | None], ...] = ((1.0, None, None),),
) -> Panel:
    """Return a panel with steps and with others that were discarded."""
    run = tuple(Step(number, *step) for number, step in enumerate(steps))
    points = tuple(Point(number, "discard", "", "", value) for number, value in enumerate(others))
    counts: dict[Status, int] = {"keep": len(steps) - 1}
    return Panel("a", axis, points, (run,), counts)


def test_steps_and_their_intervals_are_shown() -> None:
    """They are what the chart is for."""
    low, high = scale.window(panel(steps=((1.0, None, None), (1.5, 1.2, 1.9), (2.0, 1.6, 2.5))))
    assert low < 1.0
    assert high > 2.5


def test_a_disaster_does_not_flatten_the_steps() -> None:
    """Most of what was worse is shown, what is worlds apart is not."""
    usual = [0.9, 0.95, 0.97, 0.92, 0.99] * 10
    low, high = scale.window(panel(*usual, 1e-9, steps=((1.0, None, None), (1.3, 1.2, 1.4))))
    assert 0.5 < low < 0.9
    assert high < 2


def test_an_interval_that_knows_nothing_does_not_either() -> None:
    """A bound may be next to infinity."""
    _, high = scale.window(panel(steps=((1.0, None, None), (1.3, 1e-300, 1e300))))
    assert high < 3


@pytest.mark.parametrize("better", ["higher", "lower"])
def test_room_for_names_is_where_better_lies(better: str) -> None:
    """Above a line that rises, below one that falls."""
    axis = Axis("value", "score", "", "lower" if better == "lower" else "higher", False)
    last = 20.0 if better == "higher" else 0.0
    low, high = scale.window(panel(axis=axis, steps=((10.0, None, None), (last, None, None))))
    above, below = high - max(10.0, last), min(10.0, last) - low
    assert (above > below) == (better == "higher")


def test_nothing_but_a_baseline_has_an_axis() -> None:
    """With a height, around it."""
    for value, logarithmic in ((1.0, True), (0.0, False), (-3.0, False)):
        axis = Axis("value", "score", "", "higher", logarithmic)
        low, high = scale.window(panel(axis=axis, steps=((value, None, None),)))
        assert low < value < high
    low, high = scale.window(Panel("a", GAIN, (), ()))
    assert low < 1 < high


@pytest.mark.parametrize(
    ("low", "high", "logarithmic"),
    [
        (0.99, 1.01, True),
        (0.5, 3.0, True),
        (0.9, 60.0, True),
        (1e-30, 1e30, True),
        (-3.0, 4.0, False),
        (0.0, 1e-9, False),
        (41.0, 103.0, False),
    ],
)
def test_ticks_are_few_and_within(low: float, high: float, *, logarithmic: bool) -> None:
    """Enough of them to read a value, at round numbers."""
    found = scale.ticks(low, high, logarithmic=logarithmic)
    assert 2 <= len(found) <= 8
    assert found == sorted(found)
    assert all(low <= tick <= high for tick in found)
    written = scale.labels(found, lambda value: f"{value:.3g}×", "×")
    assert len(set(written)) == len(found)


def test_ticks_that_read_the_same_get_more_digits() -> None:
    """A time of 202.1 µs is not one of 202.2 µs."""
    found = scale.labels([1.0, 1.0005, 1.001], lambda value: f"{value:.3g}×", "×")
    assert found == ["1×", "1.0005×", "1.001×"]
    assert scale.labels([2.021, 2.022], lambda value: f"{value:.3g} s", "s") == [
        "2.021 s",
        "2.022 s",
    ]
