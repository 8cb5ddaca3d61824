"""What may be written behind --autoloop-search."""

from __future__ import annotations

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.search.beam import Beam
from pytest_autoloop.search.explore import Explore
from pytest_autoloop.search.restart import Restart
from pytest_autoloop.search.specs import strategy_from_spec
from pytest_autoloop.search.tree import Tree


@pytest.mark.parametrize(
    ("spec", "strategy"),
    [
        ("tree", Tree(seed=7)),
        ("explore", Explore(5)),
        ("explore:8", Explore(8)),
        ("restart", Restart(20, seed=7)),
        ("restart:1", Restart(1, seed=7)),
        ("beam", Beam(3)),
        ("beam:2", Beam(2)),
    ],
)
def test_a_spec_names_a_strategy(spec, strategy) -> None:
    """What can be left out has a default."""
    assert strategy_from_spec(spec, seed=7) == strategy


@pytest.mark.parametrize("spec", ["greedy", "tree", "explore:8", "restart:9", "beam:4"])
def test_a_strategy_is_called_what_the_user_wrote(spec) -> None:
    """So that a report can name it."""
    assert strategy_from_spec(spec, 0).name == spec


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("", "write greedy, explore:K, tree, restart:K or beam:K"),
        ("random", "names no strategy"),
        ("Greedy", "names no strategy"),
        ("greedy:3", "names no strategy"),
        ("tree:", "names no strategy"),
        ("explore:", "at least 3; write for example explore:5"),
        ("explore:2", "K in explore:K is a whole number, at least 3"),
        ("restart:0", "at least 1"),
        ("restart:-3", "at least 1"),
        ("beam:1.5", "at least 2"),
        ("beam:1", "at least 2"),
        ("beam:three", "at least 2"),
        ("beam:\u0663", "at least 2"),
    ],
)
def test_anything_else_is_refused(spec, told) -> None:
    """The message names the option, what was written and what may be."""
    with pytest.raises(UsageError) as refusal:
        strategy_from_spec(spec, 0)
    assert "--autoloop-search" in str(refusal.value)
    assert repr(spec) in str(refusal.value)
    assert told in str(refusal.value)
