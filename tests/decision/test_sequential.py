"""The sequential test: how often it errs, how often it sees a gain, and what it costs.

Rates come from simulated experiments with fixed seeds.
"""

from __future__ import annotations

import itertools
import math
import random
import statistics
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.decision import sequential
from pytest_autoloop.decision.noise import CLIP, Noise
from tests.decision.samples import LIMITS, heavy, normal, simulated, started

if TYPE_CHECKING:
    from tests.decision.samples import Draw


def rates(seed: int, gain: float, draw: Draw, campaigns: int = 20) -> tuple[float, float, float]:
    """Return the shares found and confirmed, and the mean number of pairs.

    Twenty experiments make a campaign: its noise is learnt from the pairs that were measured.
    """
    generator = random.Random(seed)
    found = confirmed = pairs = 0
    for _ in range(campaigns):
        noise = started(generator, draw)
        for _ in range(20):
            better, again, gains = simulated(generator, gain, draw, noise)
            noise = noise.observed(gains)
            found += better
            confirmed += again
            pairs += len(gains)
    count = 20 * campaigns
    return found / count, confirmed / count, pairs / count


@pytest.mark.parametrize(
    "draw",
    [normal(0.003), normal(0.01), normal(0.03), heavy(0.01), heavy(0.03)],
    ids=["0.3%", "1%", "3%", "1% tails", "3% tails"],
)
def test_a_change_without_gain_is_hardly_ever_kept(draw: Draw) -> None:
    """Identical code is found better in no more than 1%, and confirmed next to never."""
    found, confirmed, _ = rates(11, 0.0, draw, campaigns=60)
    # 1,200 experiments at exactly 1% stay below 1.8% in 995 of 1,000 simulations.
    assert found <= 0.018
    assert confirmed <= 0.003


def test_bursts_of_noise_do_not_make_gains() -> None:
    """A machine that is six times noisier in every fifth experiment keeps no more."""
    generator = random.Random(12)
    found = confirmed = 0
    for _ in range(50):
        noise = started(generator, normal(0.01))
        for number in range(20):
            draw = normal(0.06 if number % 5 == 0 else 0.01)
            better, again, gains = simulated(generator, 0.0, draw, noise)
            noise = noise.observed(gains)
            found += better
            confirmed += again
    assert found / 1000 <= 0.03
    assert confirmed / 1000 <= 0.005


def test_five_per_cent_is_seen_on_a_machine_that_varies_by_one() -> None:
    """Of gains of 5% at a spread of 1%, at least 95% are kept, confirmation included."""
    found, confirmed, pairs = rates(13, 0.05, normal(0.01))
    assert found >= 0.99
    assert confirmed >= 0.95
    assert pairs <= 3.5


def test_ten_per_cent_is_seen_on_a_loaded_machine() -> None:
    """Of gains of 10% at a spread of 3%, at least nine of ten are kept."""
    assert rates(14, 0.10, normal(0.03))[1] >= 0.9


def test_a_loser_leaves_at_once() -> None:
    """A candidate that is 10% slower takes two pairs at most, and is never kept."""
    found, _, pairs = rates(15, -0.10, normal(0.01))
    assert found == 0
    assert pairs <= 1.2
    generator = random.Random(16)
    for _ in range(200):
        noise = started(generator, normal(0.01))
        assert len(simulated(generator, -0.10, normal(0.01), noise)[2]) <= 2


def test_a_small_loss_leaves_early() -> None:
    """Three per cent slower at a spread of one takes less than two pairs on average."""
    found, _, pairs = rates(22, -0.03, normal(0.01))
    assert found == 0
    assert pairs <= 1.3


@pytest.mark.parametrize("sigma", [0.003, 0.03, 0.1])
def test_a_huge_gain_takes_three_pairs(sigma: float) -> None:
    """Three times as fast is kept after the fewest pairs allowed, on any machine."""
    generator = random.Random(17)
    for _ in range(100):
        noise = started(generator, normal(sigma))
        better, again, gains = simulated(generator, 2.0, normal(sigma), noise)
        assert better
        assert again
        assert len(gains) == LIMITS.minimum_pairs == 3


@pytest.mark.parametrize("sigma", [0.01, 0.04])
def test_no_experiment_takes_more_than_the_cap(sigma: float) -> None:
    """On the edge of what is worth keeping the test gives up, later on a noisier machine."""
    generator = random.Random(18)
    noise = Noise(sigma**2, 20.0)
    cap, _ = sequential.pairs_needed(noise, LIMITS)
    assert cap == 10 or sigma > 0.01
    assert cap <= LIMITS.longest_cap
    for _ in range(60):
        assert len(simulated(generator, 0.008, normal(sigma), noise)[2]) <= cap


@pytest.mark.parametrize("sigma", [0.02, 0.03, 0.05])
def test_five_per_cent_is_seen_on_noisier_machines_with_more_pairs(sigma: float) -> None:
    """The cap and the confirmation grow with the noise, so that five per cent stays visible."""
    generator = random.Random(21)
    noise = Noise(sigma**2, 20.0)
    kept = [simulated(generator, 0.05, normal(sigma), noise)[1] for _ in range(150)]
    assert statistics.fmean(kept) >= 0.8


def test_a_single_pair_cannot_carry_a_keep() -> None:
    """However fast one pair was, two that are slower outweigh it."""
    noise = Noise()
    assert sequential.decide([9.0], noise, LIMITS) == "continue"
    assert sequential.decide([9.0, -0.3, -0.3], noise, LIMITS) != "keep"
    carried = sequential.evidence_for([9.0, 0.02, 0.02], noise, LIMITS)
    assert carried == sequential.evidence_for([CLIP, 0.02, 0.02], noise, LIMITS) or carried > 0


def test_evidence_is_clipped_before_it_is_weighed() -> None:
    """A gain of a thousand and a gain of two say the same to the rule."""
    noise = Noise()
    for sequence in ([7.0] * 3, [CLIP] * 3):
        assert sequential.decide(sequence, noise, LIMITS) == "keep"
    mixed = [7.0, -0.1, -0.1, -0.1]
    same = [CLIP, -0.1, -0.1, -0.1]
    assert sequential.decide(mixed, noise, LIMITS) == sequential.decide(same, noise, LIMITS)


def test_less_than_the_smallest_gain_of_interest_is_not_kept() -> None:
    """A steady half per cent is real, and not worth keeping when one per cent is asked for."""
    noise = Noise(0.001**2, 20.0)
    assert sequential.decide([0.0075] * 10, noise, LIMITS) == "discard"
    gains = [0.005] * 10
    assert sequential.decide(gains, noise, LIMITS) == "discard"
    generous = sequential.Limits(smallest_gain=0.002)
    assert sequential.decide(gains[:4], noise, generous) == "keep"


def test_a_large_smallest_gain_is_respected() -> None:
    """Who asks for a factor of two is not given 20%."""
    strict = sequential.Limits(smallest_gain=0.95)
    noise = Noise(0.01**2, 20.0)
    assert sequential.decide([math.log(1.2)] * 3, noise, strict) == "discard"


def test_confirmation_stands_on_fresh_pairs_alone() -> None:
    """Two fresh pairs that repeat the gain confirm it; pairs around zero or below do not."""
    noise = Noise(0.01**2, 12.0)
    assert sequential.confirmed([0.05, 0.06], noise, LIMITS)
    assert not sequential.confirmed([0.0, 0.005], noise, LIMITS)
    assert not sequential.confirmed([-0.05, -0.06], noise, LIMITS)


def test_evidence_stays_a_number_at_the_extremes() -> None:
    """No gain, however absurd, overflows."""
    quiet = Noise(0.0, 20.0)
    for value in (-CLIP, CLIP):
        for evidence in (sequential.evidence_for, sequential.evidence_against):
            assert math.isfinite(evidence([value] * 10, quiet, LIMITS))


@pytest.mark.parametrize("pairs", [3, 5, 10])
def test_intervals_cover_the_truth(pairs: int) -> None:
    """Of intervals that claim 95%, between 92% and 99.5% hold the true gain."""
    generator = random.Random(19)
    held = 0
    for _ in range(600):
        noise = started(generator, normal(0.01))
        found = sequential.effect([0.2 + generator.gauss(0, 0.01) for _ in range(pairs)], noise, "")
        held += found.low <= 0.2 <= found.high
    assert 0.92 <= held / 600 <= 0.995


def test_an_interval_of_few_pairs_is_wide_on_a_noisy_machine() -> None:
    """A single pair still has an interval: the campaign's noise gives it a width."""
    quiet = sequential.effect([0.2], Noise(0.01**2, 20.0), "warm")
    noisy = sequential.effect([0.2], Noise(0.05**2, 20.0), "warm")
    assert quiet.log_gain == noisy.log_gain == 0.2
    assert 0 < quiet.high - quiet.low < noisy.high - noisy.low
    assert (quiet.pairs, quiet.basis, quiet.level) == (1, "warm", 0.95)


def test_more_noise_hides_larger_gains() -> None:
    """The smallest visible gain grows with the noise, and never undercuts what is asked for.

    Where the cap is raised it may step back by a little.
    """
    sigmas = (0.0, 0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.2)
    seen = [sequential.smallest_visible_gain(Noise(s**2, 20.0), LIMITS) for s in sigmas]
    assert all(after >= 0.95 * before for before, after in itertools.pairwise(seen))
    assert LIMITS.smallest_gain <= seen[0] <= 1.2 * LIMITS.smallest_gain
    assert seen[-1] > 5 * seen[0]


@pytest.mark.parametrize("sigma", [0.002, 0.005, 0.01, 0.02, 0.03, 0.05, 0.1])
def test_a_gain_that_is_called_visible_is_kept_more_often_than_not(sigma: float) -> None:
    """What the baseline's line promises holds: found and confirmed in two of three tries."""
    generator = random.Random(20)
    noise = Noise(sigma**2, 20.0)
    gain = sequential.smallest_visible_gain(noise, LIMITS)
    kept = [simulated(generator, gain, normal(sigma), noise)[1] for _ in range(100)]
    assert statistics.fmean(kept) >= 0.65
