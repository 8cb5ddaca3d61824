"""What must stay true of the strategy, however well it would have done."""

import backtest
import numpy as np
import pytest

from pytest_autoloop.guards import load_baseline

#: What the Sharpe ratio of later days may lose: it is known no better than this.
MAY_LOSE = 0.3
#: Days at which the future is changed.
DAYS = (250, 251, 500, 777, 1000, 1249)


def test_a_position_for_each_day_and_no_borrowed_money(strategy, scored):
    found = strategy(*scored)
    assert np.shape(found) == np.shape(scored[1])
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= 1


def test_no_position_depends_on_the_future(strategy, scored):
    dates, prices = scored
    for day in DAYS:
        known = strategy(dates[:day].copy(), prices[:day].copy())
        other = prices.copy()
        other[day:] = prices[day - 1] * np.linspace(1.1, 3.0, len(prices) - day)
        for future in (prices, other):
            found = strategy(dates.copy(), future.copy())[:day]
            assert np.allclose(found, known, rtol=0, atol=1e-9), f"day {day} knows later prices"


def test_asked_again_it_says_the_same(strategy, scored):
    assert np.array_equal(strategy(*scored), strategy(*scored))


@pytest.mark.autoloop_hidden
def test_later_days(target, strategy, all_days):
    dates, prices, first = all_days

    def score(function):
        return backtest.sharpe(backtest.walked(function, dates, prices, first), prices[first - 1 :])

    assert score(strategy) >= score(load_baseline(target).positions) - MAY_LOSE
