"""A trading strategy: what may change, and what it would have earned for its risk.

To adapt: the names of the files, the bounds, and the costs in `backtest.py`. A metric with a bound
has only to hold it when pytest's ini file says `autoloop_objective = gated`.

None of this is advice. A search over strategies finds what fits the past, most of it by chance:
guards against that make fewer mistakes, not none.
"""

import runpy
from pathlib import Path

import backtest
import numpy as np
import pytest

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: Prices that are scored, and those of later days, which only a hidden guard sees.
SCORED, LATER = "prices.csv", "later_prices.csv"
#: Fewest changes of direction, which tell a rule from a lucky bet, and deepest fall, in percent.
TRADES, DRAWDOWN = 20, 30


@autoloop.target
def target():
    """Raise the Sharpe ratio after costs, with a rule that should hold on prices to come.

    `positions(dates, prices)` returns a number for each day, from -1 to 1: the share of the capital
    that is held until the next day. It is called again on each day, with all days so far, and the
    last number counts. A position may depend on earlier days alone. Later years are held out.
    """
    return "strategy.py"


def read(name):
    """Return dates and closing prices."""
    path = HERE / name
    if not path.is_file():
        pytest.fail(f"{path} is missing: a CSV file with the columns date and close, a day each")
    return backtest.read(path)


@pytest.fixture(scope="session")
def scored():
    """Dates and prices of the days that are scored."""
    return read(SCORED)


@pytest.fixture(scope="session")
def all_days(scored):
    """Dates and prices of all days, and the number of those that are scored."""
    both = [np.concatenate(parts) for parts in zip(scored, read(LATER), strict=True)]
    return *both, len(scored[0])


@pytest.fixture
def strategy(target):
    """Return the function of dates and prices; it is loaded afresh, and remembers nothing."""
    return runpy.run_path(str(target))["positions"]


@pytest.fixture(scope="session")
def walked(target, scored):
    """Return the position of each day, decided on that day."""
    return backtest.walked(runpy.run_path(str(target))["positions"], *scored)


@autoloop.metric(direction="higher", min_gain=0.05)
def sharpe(walked, scored):
    """Yearly Sharpe ratio of the daily returns, after costs."""
    # Rounded, since the order in which a library adds up is not part of the score.
    return round(backtest.sharpe(walked, scored[1]), 6)


@autoloop.metric(direction="lower", unit="%", at_most=DRAWDOWN)
def drawdown(walked, scored):
    """Deepest fall of the capital from an earlier height."""
    return round(backtest.drawdown(walked, scored[1]), 6)


@autoloop.metric(direction="lower", at_least=TRADES)
def trades(walked):
    """How often the direction changes."""
    return backtest.trades(walked)
