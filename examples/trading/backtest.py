"""What a strategy would have earned: shared by the score and the guards."""

import csv

import numpy as np

#: What it costs to change a position by the whole capital, and trading days of a year.
COST, YEAR = 0.0005, 252


def read(path):
    """Return the dates and the closing prices of a CSV file."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    dates = np.array([row["date"] for row in rows], dtype="datetime64[D]")
    return dates, np.array([float(row["close"]) for row in rows])


def walked(strategy, dates, prices, first=1):
    """Return the positions of all days from number `first` on, each decided on that day.

    The strategy is called once a day, with copies of what is known then, and the last position that
    it returns is held until the next day. What it would say of earlier days is not asked.
    """
    days = range(first, len(prices) + 1)
    return np.array([strategy(dates[:day].copy(), prices[:day].copy())[-1] for day in days])


def returns(positions, prices):
    """Return the net return of each day but the first: what is held earns, what changes costs."""
    moved = np.abs(np.diff(positions, prepend=0.0))
    return positions[:-1] * np.diff(prices) / prices[:-1] - COST * moved[:-1]


def sharpe(positions, prices):
    """Return the yearly Sharpe ratio of the net returns; 0 where nothing is ever held."""
    net = returns(positions, prices)
    spread = net.std()
    return float(net.mean() / spread * YEAR**0.5) if spread > 0 else 0.0


def drawdown(positions, prices):
    """Return the deepest fall of the capital from an earlier height, in percent."""
    capital = np.concatenate(([1.0], np.cumprod(1 + returns(positions, prices))))
    return float(100 * (1 - capital / np.maximum.accumulate(capital)).max())


def trades(positions):
    """Return how often the direction changes."""
    return int(np.count_nonzero(np.diff(np.sign(positions))))
