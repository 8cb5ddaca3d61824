"""The strategy `restart:K`."""

from __future__ import annotations

from pytest_autoloop.search.base import Start
from pytest_autoloop.search.restart import Restart
from tests.search.campaigns import BASELINE, row

KEPT = [BASELINE, *(row(n, "keep", n - 1, gain=0.1) for n in (1, 2, 3))]
STUCK = [*KEPT, *(row(number, "discard", 3) for number in range(4, 8))]


def test_the_best_is_improved_while_that_succeeds() -> None:
    """A restart waits for K experiments without a keep."""
    assert Restart(5).start(8, STUCK) == Start("3")
    assert Restart(4).start(8, STUCK).why == "restart"


def test_a_restart_begins_at_the_baseline_or_an_earlier_keep() -> None:
    """Each of them has its turn, but never the best, and the first step stays in play."""
    starts = [Restart(4).start(number, STUCK) for number in range(8, 60)]
    assert {start.commit for start in starts} == {"0", "1", "2"}
    assert {(start.why, start.stays) for start in starts} == {("restart", "any")}


def test_where_nothing_was_kept_it_begins_at_the_baseline() -> None:
    """There is nothing else."""
    rows = [BASELINE, row(1, "discard"), row(2, "discard")]
    assert Restart(2).start(3, rows) == Start("0", "restart", "any")


def test_its_line_goes_on_from_its_head() -> None:
    """As long as it advances once in K experiments."""
    rows = [*STUCK, row(8, "explore", 1, "restart", gain=-0.3), row(9, "explore", 8, gain=-0.2)]
    assert Restart(4).start(10, rows) == Start("9", "improve", "better")
    rows += [row(number, "discard", 9) for number in range(10, 13)]
    assert Restart(4).start(13, rows) == Start("9", "improve", "better")
    assert Restart(4).start(14, [*rows, row(13, "crash", 9)]).why == "restart"


def test_a_restart_that_broke_is_followed_by_another() -> None:
    """There is nothing to go on from."""
    assert Restart(4).start(9, [*STUCK, row(8, "crash", 1, "restart")]).why == "restart"


def test_a_keep_ends_the_restart() -> None:
    """Wherever it came from, it is improved next."""
    rows = [*STUCK, row(8, "explore", 1, "restart", gain=-0.3), row(9, "keep", 8, gain=0.1)]
    assert Restart(4).start(10, rows) == Start("9")


def test_another_seed_chooses_otherwise() -> None:
    """And the same one alike."""
    choices = [
        [Restart(4, seed).start(number, STUCK).commit for number in range(8, 40)]
        for seed in (1, 2, 1)
    ]
    assert choices[0] == choices[2] != choices[1]
