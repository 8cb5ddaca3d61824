"""The strategy `explore:K`."""

from __future__ import annotations

from pytest_autoloop.search.base import Start
from pytest_autoloop.search.explore import Explore
from tests.search.campaigns import BASELINE, row

SIDE = [BASELINE, row(1, "keep", gain=0.1), row(5, "explore", 1, "explore", gain=-0.2)]


def test_every_kth_stays_in_play_regardless() -> None:
    """Without a side line the others improve the best."""
    rows = SIDE[:2]
    starts = [Explore(5).start(number, rows) for number in range(2, 11)]
    beginning = Start("1", "explore", "any")
    assert starts == [Start("1")] * 3 + [beginning] + [Start("1")] * 4 + [beginning]


def test_side_line_and_best_share_a_period() -> None:
    """Half of the experiments between go on with the line, if they beat its head."""
    line = Start("5", "improve", "better")
    starts = [Explore(5).start(number, SIDE) for number in range(6, 10)]
    assert starts == [line, line, Start("1"), Start("1")]


def test_the_next_period_takes_the_line_further() -> None:
    """What stays regardless then follows the line's head."""
    rows = [*SIDE, row(6, "explore", 5, gain=-0.1), row(7, "discard", 6)]
    assert Explore(5).start(10, rows) == Start("6", "explore", "any")


def test_a_line_without_an_advance_is_given_up() -> None:
    """After two periods' worth of experiments on it."""
    rows = [*SIDE, *(row(number, "discard", 5) for number in range(6, 15))]
    assert Explore(5).start(15, rows) == Start("5", "explore", "any")
    assert Explore(5).start(15, [*rows, row(16, "discard", 5)]) == Start("1", "explore", "any")


def test_a_line_that_became_the_best_is_over() -> None:
    """The best is improved, until another line begins at it."""
    rows = [*SIDE, row(6, "keep", 5, gain=0.1)]
    assert Explore(5).start(7, rows) == Start("6")
    assert Explore(5).start(10, rows) == Start("6", "explore", "any")
