"""What the sequential rule promises, held to it by simulation with fixed seeds."""

from __future__ import annotations

import math
import random
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.decision import online, sequential
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Rule, Sequential, rule_from_spec

if TYPE_CHECKING:
    from collections.abc import Callable


def normal(rng: random.Random, deviation: float) -> Callable[[], float]:
    """Return normal draws."""
    return lambda: rng.gauss(0, deviation)


def heavy(rng: random.Random, deviation: float) -> Callable[[], float]:
    """Return draws of Student's t with four degrees of freedom, which has heavy tails."""
    scale = deviation / math.sqrt(2)
    return lambda: (
        scale * rng.gauss(0, 1) / math.sqrt(sum(rng.gauss(0, 1) ** 2 for _ in range(4)) / 4)
    )


def share_kept(
    rule: Rule, effect: float, draw: Callable[[], float], count: int, *, confirm: bool = True
) -> float:
    """Return the share of experiments that a rule keeps, noise learned on the way."""
    noise = Noise().calibrated([draw() for _ in range(3)])
    kept = 0
    for _ in range(count):
        gains: list[float] = []
        step = "continue"
        while step == "continue":
            gains.append(effect + draw())
            step = rule.decide(gains, noise)
        fresh = [effect + draw() for _ in range(rule.confirmation_pairs(noise))]
        kept += step == "keep" and (not confirm or not fresh or rule.confirmed(fresh, noise))
        noise = noise.observed(gains)
    return kept / count


@pytest.mark.parametrize("noise", [normal, heavy])
@pytest.mark.parametrize("deviation", [0.005, 0.01, 0.03])
def test_false_keeps_stay_under_the_level(
    noise: Callable[[random.Random, float], Callable[[], float]], deviation: float
) -> None:
    """At most 1% of changes without effect pass the test, even before they are confirmed.

    With 1,500 experiments at a true rate of 1%, more than 28 keeps happen once in 1,000 seeds.
    """
    draw = noise(random.Random(4), deviation)
    assert share_kept(Sequential(), 0.0, draw, 1500, confirm=False) * 1500 <= 28


@pytest.mark.parametrize("deviation", [0.005, 0.01, 0.03])
def test_a_gain_of_five_per_cent_is_found_and_confirmed(deviation: float) -> None:
    """Nine in ten gains of 5% are kept: the cap grows with the noise."""
    draw = normal(random.Random(5), deviation)
    assert share_kept(Sequential(), math.log(1.05), draw, 400) >= 0.9


def test_the_cap_grows_with_the_noise_and_has_an_end() -> None:
    """A noisier machine gets more pairs, not more errors."""
    limits = sequential.Limits()
    caps = [sequential.pairs_needed(Noise(s * s, 20.0), limits).cap for s in (0.005, 0.03, 0.05, 1)]
    assert caps == sorted(caps)
    assert caps[0] == limits.shortest_cap
    assert caps[-1] == limits.longest_cap


def test_a_hopeless_candidate_does_not_use_up_the_cap() -> None:
    """Futility: pairs around zero end long before the cap of a noisy machine."""
    noise = Noise(0.03**2, 20.0)
    rng = random.Random(6)
    used = []
    for _ in range(200):
        gains: list[float] = []
        step = "continue"
        while step == "continue":
            gains.append(rng.gauss(0, 0.03))
            step = Sequential().decide(gains, noise)
        used.append(len(gains))
    assert sum(used) / len(used) < sequential.pairs_needed(noise, sequential.Limits()).cap / 2


def test_the_batched_rule_bounds_no_error() -> None:
    """It keeps about one change without effect in nine, as its docstring says."""
    share = share_kept(Batched(3), 0.0, normal(random.Random(7), 0.01), 3000)
    assert 0.08 < share < 0.14


def test_specs_name_rules() -> None:
    """A rule is chosen by name, with the smallest gain that was asked for."""
    assert rule_from_spec("batched:5", 0.01) == Batched(5)
    assert rule_from_spec("batched", 0.01) == Batched(3)
    chosen = rule_from_spec("sequential", 0.02)
    assert isinstance(chosen, Sequential)
    assert chosen.limits.smallest_gain == 0.02


def test_levels_of_a_session_add_up_to_the_rate() -> None:
    """Without any keep, the levels of all experiments together spend no more than the rate."""
    spent = sum(online.level(number, 0, 0.05) for number in range(1, 10_000))
    assert 0.0499 < spent <= 0.05


def test_a_session_s_false_discoveries_stay_under_the_rate() -> None:
    """Of all keeps in sessions of mostly nulls, the expected share of false ones is bounded."""
    rng = random.Random(8)
    noise = Noise(0.01**2, 20.0)
    shares = []
    for _ in range(60):
        keeps = false = 0
        for number in range(1, 31):
            effect = math.log(1.08) if rng.random() < 0.1 else 0.0
            rule = Sequential().at_level(online.level(number, keeps, 0.05))
            gains: list[float] = []
            step = "continue"
            while step == "continue":
                gains.append(effect + rng.gauss(0, 0.01))
                step = rule.decide(gains, noise)
            keeps += step == "keep"
            false += step == "keep" and not effect
        shares.append(false / max(1, keeps))
    assert sum(shares) / len(shares) <= 0.05


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_decisions_do_not_depend_on_the_unit(scale: float) -> None:
    """A metric in other units gives the same gains, so the same decisions."""
    from pytest_autoloop.decision.gains import metric_gain
    from pytest_autoloop.model import Metric, Pair, Sample

    metric = Metric("m", "lower")
    for before, after in ((4.0, 3.0), (0.0, 1.0), (-2.0, -1.0), (1.0, -1.0), (0.0, 0.0)):
        pairs = [
            Pair(Sample(metrics={"m": before * s}), Sample(metrics={"m": after * s}))
            for s in (1.0, scale)
        ]
        assert metric_gain(pairs[0], metric) == pytest.approx(metric_gain(pairs[1], metric))
