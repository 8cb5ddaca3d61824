"""The rules one can choose from, on plain series of gains."""

from __future__ import annotations

import random

import pytest

from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Batched, Rule, Sequential, Strict, Threshold

NOISE = Noise(0.01**2, 20.0)
RULES: list[Rule] = [Sequential(), Batched(), Threshold(), Strict()]


def outcome(rule: Rule, gains: list[float]) -> tuple[str, int]:
    """Return what a rule says of a series, and after how many pairs."""
    for count in range(1, len(gains) + 1):
        step = rule.decide(gains[:count], NOISE)
        if step != "continue":
            return step, count
    return "continue", len(gains)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: type(rule).__name__)
def test_every_rule_tells_a_large_gain_from_a_large_loss(rule: Rule) -> None:
    """Twice as fast is kept and confirmed, twice as slow is discarded, in a few pairs."""
    steady = [0.69, 0.7, 0.68, 0.69, 0.7]
    step, count = outcome(rule, steady)
    assert (step, count <= 5) == ("keep", True)
    assert rule.confirmed(steady[:3], NOISE)
    step, count = outcome(rule, [-gain for gain in steady])
    assert (step, count <= 3) == ("discard", True)


def test_one_pair_decides_a_threshold() -> None:
    """The simplest rule: one per cent on one pair, and no second look."""
    assert outcome(Threshold(), [0.0101]) == ("keep", 1)
    assert outcome(Threshold(), [0.0099]) == ("discard", 1)
    assert Threshold().confirmation_pairs(NOISE) == 0


def test_a_batch_compares_mean_and_spread() -> None:
    """K pairs, then the mean against one standard deviation."""
    assert outcome(Batched(), [0.02, 0.03, 0.025, 0.0]) == ("keep", 3)
    assert outcome(Batched(), [0.06, -0.03, 0.01]) == ("discard", 3)
    assert outcome(Batched(pairs=1), [0.01]) == ("keep", 1)


def test_strict_wants_every_pair() -> None:
    """One pair that is not better ends it, in the confirmation too."""
    assert outcome(Strict(), [0.02] * 5) == ("keep", 5)
    assert outcome(Strict(), [0.02, 0.0]) == ("discard", 2)
    assert outcome(Strict(), [0.001] * 5) == ("discard", 5)
    assert Strict().confirmation_pairs(NOISE) == 3
    assert not Strict().confirmed([0.02, 0.02, -0.001], NOISE)


def test_a_stricter_level_needs_more_evidence() -> None:
    """The same pairs that are enough at 1% are not at one in ten million."""
    gains = [0.03, 0.031, 0.029]
    assert Sequential().decide(gains, NOISE) == "keep"
    assert Sequential().at_level(1e-7).decide(gains, NOISE) == "continue"
    assert Sequential().at_level(0.5) == Sequential()


def test_only_rules_that_say_so_bound_their_errors() -> None:
    """On changes without effect the default keeps a hundredth of what a batch of three keeps."""
    generator = random.Random(5)
    kept = dict.fromkeys(("Sequential", "Batched", "Strict"), 0)
    for _ in range(800):
        gains = [generator.gauss(0, 0.01) for _ in range(12)]
        for rule in (Sequential(), Batched(), Strict()):
            kept[type(rule).__name__] += outcome(rule, gains)[0] == "keep"
    assert kept["Sequential"] / 800 <= 0.01
    assert kept["Strict"] / 800 <= 0.05
    assert kept["Batched"] / 800 >= 0.08
