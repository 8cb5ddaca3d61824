"""Student's t distribution for whole degrees of freedom, from its finite series."""

from __future__ import annotations

import math


def cumulative(t: float, degrees: int) -> float:
    """Return P(T ≤ t) for a whole number of degrees of freedom.

    Source: Abramowitz & Stegun, Handbook of Mathematical Functions, 26.7.3 and 26.7.4.
    """
    theta = math.atan(t / math.sqrt(degrees))
    cosine, sine = math.cos(theta), math.sin(theta)
    odd = degrees % 2 == 1
    term = cosine if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(3 if odd else 2, degrees - 1, 2):
        term *= cosine * cosine * (k - 1) / k
        total += term
    inside = 2 / math.pi * (theta + sine * total) if odd else sine * total
    return (1 + inside) / 2


def quantile(probability: float, degrees: int) -> float:
    """Return t with P(T ≤ t) = `probability`, for 0.5 ≤ probability < 1, to 1e-9 relative."""
    low, high = 0.0, 1.0
    while cumulative(high, degrees) < probability:
        low, high = high, high * 2
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        if cumulative(middle, degrees) < probability:
            low = middle
        else:
            high = middle
    return high
