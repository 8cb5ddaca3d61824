"""What must stay true of the strategy, however far campaigns get with it."""

import pytest
from campaigns import best_scores
from conftest import ENOUGH, EXPERIMENTS, HIDDEN, RUNS


def test_the_strategy_names_no_landscape_and_no_seed(target):
    text = target.read_text(encoding="utf-8")
    assert not [name for name in ("seed", HIDDEN[0], *dict(RUNS)) if name in text]


@pytest.mark.autoloop_hidden
def test_another_landscape_is_climbed_as_well(strategy):
    (outcome,) = best_scores(strategy, [HIDDEN], EXPERIMENTS)
    assert outcome.best >= ENOUGH
