"""What strategies find on landscapes with a known optimum."""

from __future__ import annotations

import pytest

from pytest_autoloop.search.specs import strategy_from_spec
from tests.search.campaigns import Counted, long_campaign
from tests.search.landscape import DECEPTIVE, FORK, PLAIN, Loop

ALL = ("greedy", "explore:5", "tree", "restart:20", "beam:3")
SEEDS = range(12)


def arrivals(landscape, spec, experiments) -> int:
    """Return how many of the campaigns reach the optimum."""
    loops = [Loop(landscape, strategy_from_spec(spec, seed), seed) for seed in SEEDS]
    for number in range(50, experiments + 1, 50):
        for loop in loops:
            if not loop.arrived:
                loop.run(number)
    return sum(loop.arrived for loop in loops)


@pytest.mark.parametrize("spec", ALL)
def test_where_every_way_leads_up_all_arrive(spec) -> None:
    """Side lines cost experiments, never the optimum."""
    assert arrivals(PLAIN, spec, 250) == len(SEEDS)


@pytest.mark.parametrize("landscape", [DECEPTIVE, FORK], ids=lambda one: one.name)
def test_greedy_never_leaves_a_local_optimum(landscape) -> None:
    """Nothing that it may keep leads out."""
    assert arrivals(landscape, "greedy", 600) == 0


@pytest.mark.parametrize("landscape", [DECEPTIVE, FORK], ids=lambda one: one.name)
@pytest.mark.parametrize("spec", ALL[1:])
def test_the_others_leave_it(landscape, spec) -> None:
    """Most of them have found the optimum after 600 experiments."""
    assert arrivals(landscape, spec, 600) > len(SEEDS) * 0.6


@pytest.mark.parametrize("workers", [1, 3])
@pytest.mark.parametrize("spec", ALL)
def test_the_best_is_never_lost(spec, workers) -> None:
    """Each keep is higher than all before, also where others are under way meanwhile."""
    loop = Loop(FORK, strategy_from_spec(spec, 3), 3, workers).run(150)
    commits = {row.commit for row in loop.rows}
    assert all(start.commit in commits for start in loop.starts.values())
    heights = [loop.height(row.commit) for row in loop.rows if row.status in {"baseline", "keep"}]
    assert heights == sorted(set(heights))
    assert loop.best == max(loop.height(r.commit) for r in loop.rows if r.log_gain is not None)


@pytest.mark.parametrize("spec", ALL)
def test_a_campaign_cut_in_two_makes_the_same_choices(spec) -> None:
    """Another session knows the rows and the seed, and that is enough."""
    whole = Loop(DECEPTIVE, strategy_from_spec(spec, 5), 5).run(120)
    first = Loop(DECEPTIVE, strategy_from_spec(spec, 5), 5).run(67)
    first.strategy = strategy_from_spec(spec, 5)
    second = first.run(120)
    assert second.starts == whole.starts
    assert second.rows == whole.rows


@pytest.mark.parametrize("spec", ALL)
def test_a_call_reads_each_row_a_few_times(spec) -> None:
    """The work of a call is about linear in the length of the campaign."""
    strategy = strategy_from_spec(spec, 0)
    for length in (100, 1_600):
        rows = Counted(long_campaign(length))
        for number in range(length, length + 10):
            strategy.start(number, rows)
        assert rows.reads[0] <= 60 * length
