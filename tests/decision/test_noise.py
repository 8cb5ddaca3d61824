"""How much the pairs of one comparison differ, learnt while a campaign runs."""

from __future__ import annotations

import math
import random

import pytest

from pytest_autoloop.decision.noise import CLIP, FLOOR, Noise, clip


def test_before_anything_is_measured_a_pair_varies_by_one_per_cent() -> None:
    """The prior is 1%, with the weight of three pairs."""
    assert Noise().sigma == pytest.approx(0.01)
    assert Noise().degrees == 3


def test_a_file_against_itself_counts_around_zero() -> None:
    """A constant offset between identical files is noise, not an effect."""
    assert Noise().calibrated([0.05, 0.05, 0.05]).sigma == pytest.approx(
        math.sqrt((3 * 0.01**2 + 3 * 0.05**2) / 6)
    )


def test_a_comparison_counts_around_its_own_mean() -> None:
    """A large steady gain is no noise."""
    before = Noise()
    after = before.observed([0.3, 0.3, 0.3, 0.3])
    assert after.sigma < before.sigma
    assert after.degrees == before.degrees + 3


@pytest.mark.parametrize("gains", [[], [0.2]])
def test_a_single_pair_teaches_nothing(gains: list[float]) -> None:
    """One value has no spread."""
    assert Noise().observed(gains) == Noise()


def test_gains_beyond_the_clip_teach_nothing() -> None:
    """Pairs a hundred times faster vary by ratios to almost nothing, which is no noise."""
    assert Noise().observed([4.0, 5.5, 3.0]) == Noise()


def test_one_pair_cannot_weigh_more_than_a_factor_of_two() -> None:
    """Gains are clipped on both sides."""
    assert clip(9.0) == CLIP == -clip(-9.0)
    assert clip(0.1) == 0.1


def test_the_estimate_has_a_floor() -> None:
    """However still a machine, two processes are never believed to be equal."""
    noise = Noise()
    for _ in range(100):
        noise = noise.observed([0.1] * 10)
    assert noise.sigma == FLOOR


def test_the_estimate_follows_the_machine() -> None:
    """When a night gets noisier, some twenty degrees of freedom later the estimate has followed."""
    generator = random.Random(3)
    noise = Noise().calibrated([generator.gauss(0, 0.005) for _ in range(30)])
    assert noise.sigma == pytest.approx(0.005, rel=0.5)
    for _ in range(30):
        noise = noise.observed([0.02 + generator.gauss(0, 0.03) for _ in range(4)])
    assert noise.sigma == pytest.approx(0.03, rel=0.4)
    assert noise.degrees == 20
