"""Which share of the capital is held on each day, from the prices up to that day."""

import numpy as np

#: Days of the average that a price is compared with.
DAYS = 200


def average(values, days):
    """Return for each day the mean of the last days, fewer at the beginning."""
    total = np.concatenate(([0.0], np.cumsum(values)))
    end = np.arange(1, len(values) + 1)
    start = np.maximum(end - days, 0)
    return (total[end] - total[start]) / (end - start)


def direction(prices):
    """Return 1 for days on which to hold, 0 for days on which not to."""
    return np.where(prices > average(prices, DAYS), 1.0, 0.0)


def size(prices):
    """Return how much of the capital is at stake, from 0 to 1."""
    return np.ones(len(prices))


def positions(dates, prices):  # noqa: ARG001 - a rule may need the dates
    """Return a position for each day, held until the next: 1 all, 0 nothing, -1 all sold short."""
    return direction(prices) * size(prices)
