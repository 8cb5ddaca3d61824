"""A campaign that tunes campaigns: what may change, and how far campaigns get with it.

To adapt: the project in `inner` and its landscapes (yours, small and fast), and which of them are
tried with which seeds. More runs tell smaller differences, and take longer.
"""

import os
from statistics import fmean

import pytest
from campaigns import best_scores, strategy_of

import pytest_autoloop as autoloop

#: What is improved inside, with which seed: a seed is no part of a strategy.
RUNS = (("ridge", 1), ("hills", 2))
#: What only a hidden guard tries, and the best score that every strategy has to come to there.
HIDDEN, ENOUGH = ("stairs", 3), 75
#: Experiments of each campaign inside.
EXPERIMENTS = int(os.environ.get("INNER_EXPERIMENTS", "30"))


@autoloop.target
def target():
    """Tune the strategy of a campaign of 30 experiments: it must find better settings.

    The proposer `sweep` tries whole sets of values, chosen by the sampler; `steps` changes one
    setting a little, and the search says which version it starts from. A campaign ends after so
    many experiments without a keep as `patience` says.
    """
    return "strategy.yaml"


@pytest.fixture(scope="session")
def strategy(target):
    """The strategy as a dict."""
    return strategy_of(target)


@autoloop.metric(direction="higher")
def best_score(strategy):
    """Mean of the best scores of real campaigns, 100 at most."""
    return fmean(outcome.best for outcome in best_scores(strategy, RUNS, EXPERIMENTS))
