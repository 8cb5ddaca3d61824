"""What the baseline promises of the machine, and what a slow harness can afford."""

from __future__ import annotations

import pytest

from pytest_autoloop.decision import sequential
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Rule, Sequential, Strict, Threshold
from pytest_autoloop.decision.sequential import Limits
from pytest_autoloop.decision.series import Calibration
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.model import TIME, Metric
from pytest_autoloop.outlook import Outlook, affordable


def of(sigma: float, rule: Rule, pair_seconds: float = 2.0) -> Outlook:
    """Return the outlook on a machine of some noise."""
    calibration = Calibration({"time": Noise(sigma**2, 20.0)})
    return Outlook.of(Policy((TIME,), rule=rule), calibration, pair_seconds)


def test_it_is_told_from_noise_and_seconds() -> None:
    """A decision takes one pair at least; at most the cap, and the confirmation."""
    outlook = of(0.005, Sequential())
    assert outlook.noise == Noise(0.005**2, 20.0)
    assert 0.01 < outlook.smallest_gain < 0.03
    assert outlook.shortest == 2.0
    cap, fresh = sequential.pairs_needed(Noise(0.005**2, 20.0), Limits())
    assert outlook.longest == (cap + fresh) * 2.0


def test_a_noisier_machine_sees_less_and_takes_longer() -> None:
    """Both numbers of the baseline's line grow with the noise."""
    quiet, noisy = of(0.005, Sequential()), of(0.05, Sequential())
    assert noisy.smallest_gain > quiet.smallest_gain
    assert noisy.longest > quiet.longest


def test_an_exact_score_needs_a_pair_and_another() -> None:
    """It has no noise; whatever improves is seen, or what its own `min_gain` asks for."""
    for smallest in (None, 0.1):
        metric = Metric("size", "lower", min_gain=smallest)
        policy = Policy((metric, TIME))
        outlook = Outlook.of(policy, Calibration({}, frozenset({"size"})), 2.0)
        assert outlook == Outlook(None, smallest or 0.0, 2.0, 4.0)


@pytest.mark.parametrize("seconds", [0.001, 9.9, 10.0, 30.0, 100.0, 199.0, 200.0, 3600.0])
def test_the_search_takes_ten_minutes_and_three_pairs_at_least(seconds: float) -> None:
    """The cap on pairs falls as they get slower, down to the fewest that can keep anything."""
    rule = affordable(Sequential(), seconds)
    assert isinstance(rule, Sequential)
    limits, noise = rule.limits, Noise(0.05**2, 20.0)
    cap = sequential.pairs_needed(noise, limits).cap
    assert limits.shortest_cap <= limits.longest_cap
    assert limits.longest_cap == max(3, min(60, int(600 / seconds)))
    assert cap <= limits.longest_cap
    assert cap * seconds <= 600 or cap == 3


def test_a_slow_harness_still_keeps_a_large_gain() -> None:
    """Three pairs tell twice as fast from nothing; the outlook says that it sees less."""
    rule, noise = affordable(Sequential(), 3600.0), Noise(0.02**2, 20.0)
    assert rule.decide([0.69, 0.7, 0.68], noise) == "keep"
    assert rule.decide([0.001, -0.002, 0.001], noise) == "discard"
    assert of(0.02, rule).smallest_gain > of(0.02, Sequential()).smallest_gain


def test_other_settings_are_left_alone() -> None:
    """The smallest gain and the level stay; rules with a fixed number of pairs stay as they are."""
    rule = affordable(Sequential(Limits(smallest_gain=0.05, alpha=0.001)), 100.0)
    assert isinstance(rule, Sequential)
    assert (rule.limits.smallest_gain, rule.limits.alpha) == (0.05, 0.001)
    for fixed in (Batched(3), Threshold(), Strict()):
        assert affordable(fixed, 3600.0) is fixed
