"""Bounds a whole session's false keeps: the share of keeps that are none, by e-LOND."""

from __future__ import annotations

import math


def level(number: int, keeps: int, rate: float) -> float:
    """Return the level at which experiment `number` (from 1) may be kept after `keeps` keeps.

    With evidence of at least 1/level for each keep, the expected share of false ones among all
    keeps stays under `rate`, however the experiments depend on each other. The price is power:
    the level falls with the square of the number, and rises with every keep.

    Source: Xu & Ramdas, Online multiple testing with e-values (2024), e-LOND, with
    γ_t = 6 / (π t)².
    """
    share = 6 / (math.pi * number) ** 2
    return rate * share * (keeps + 1)
