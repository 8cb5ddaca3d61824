"""Functions of settings from 0 to 1,000 with a known best score of 100."""

import math


def ridge(a, b, c):
    """Follow a narrow ridge: all three have to fit each other."""
    return 100 - abs(a - 620) / 25 - abs(b - a / 2) / 8 - abs(c - b) / 12


def hills(a, b, c):
    """Leave a hill for a higher one: from 0 the way up ends at 55."""
    low = 55 * math.exp(-((a - 200) ** 2 + (b - 200) ** 2) / 60_000)
    high = 100 * math.exp(-((a - 750) ** 2 + (b - 640) ** 2) / 90_000)
    return max(low, high) - abs(c - 400) / 100


def stairs(a, b, c):
    """Find the next stair: most small changes bring nothing."""
    return 100 - sum(4 * (abs(value - best) // 90) for value, best in ((a, 810), (b, 90), (c, 450)))
