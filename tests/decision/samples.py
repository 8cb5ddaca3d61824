"""Paired samples as a machine would give them, from a seeded generator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.model import Pair, Sample

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

    from pytest_autoloop.decision.rules import Step

    Draw = Callable[[random.Random], float]

RULE = Sequential()
LIMITS = RULE.limits


def timed(before: float, after: float, *, first: tuple[float, float] | None = None) -> Pair:
    """Return one pair of one benchmark."""
    cold = first or (before, after)
    return Pair(
        Sample(warm={"b": before}, first={"b": cold[0]}),
        Sample(warm={"b": after}, first={"b": cold[1]}),
    )


def scored(before: float, after: float, name: str = "accuracy") -> Pair:
    """Return one pair of one metric."""
    return Pair(Sample(metrics={name: before}), Sample(metrics={name: after}))


def suite(
    random: random.Random,
    *,
    benchmarks: int,
    first_noise: float,
    saving: float = 0.0,
    cached: int = 0,
    overhead: float = 1.0,
) -> Pair:
    """Return one pair of several benchmarks of a microsecond, whose first calls are cold.

    The candidate saves a share of each call; the `cached` first ones answer all but the first
    call from a cache. `overhead` is what a first call costs above a warm one, in warm calls.
    """

    def side(share: float, hits: int) -> Sample:
        warm, first = {}, {}
        for number in range(benchmarks):
            hit = number < hits
            call = 1e-6 * (1 - share)
            warm[str(number)] = (1e-7 if hit else call) * (1 + abs(random.gauss(0, 0.01)))
            cold = (1e-6 if hit else call) + overhead * 1e-6
            first[str(number)] = cold * random.lognormvariate(0, first_noise)
        return Sample(warm=warm, first=first)

    return Pair(side(0.0, 0), side(saving, cached))


def normal(sigma: float) -> Draw:
    """Return noise of a quiet machine."""
    return lambda random: random.gauss(0, sigma)


def heavy(sigma: float) -> Draw:
    """Return noise with tails: Student's t with four degrees of freedom."""
    return lambda random: random.gauss(0, sigma) / math.sqrt(random.gammavariate(2, 2) / 4)


def started(random: random.Random, draw: Draw) -> Noise:
    """Return what a campaign knows of its noise after the baseline."""
    return Noise().calibrated([draw(random) for _ in range(3)])


def simulated(
    random: random.Random, gain: float, draw: Draw, noise: Noise
) -> tuple[bool, bool, list[float]]:
    """Run one experiment: was it found better, was that confirmed, and its pairs."""
    shift = math.log1p(gain)
    gains: list[float] = []
    step: Step = "continue"
    while step == "continue":
        gains.append(shift + draw(random))
        step = RULE.decide(gains, noise)
    if step == "discard":
        return False, False, gains
    fresh = [shift + draw(random) for _ in range(RULE.confirmation_pairs(noise))]
    return True, RULE.confirmed(fresh, noise), gains
