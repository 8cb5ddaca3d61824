"""One series of gains per metric: exact ones, bounds, and metrics of any scale and sign."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.decision import verdict
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.decision.series import Calibration, Series, series_of
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.model import TIME, Decision, Metric
from tests.decision.samples import scored, timed

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Pair

SCORE = Metric("accuracy", "higher")


def outcomes(
    seed: int, base: float, gain: float, spread: float, count: int, *, scale: float = 1.0
) -> list[Decision]:
    """Decide on experiments with a score of base + gain instead of base, with normal noise."""
    rng, policy = random.Random(seed), Policy((SCORE,))

    def pair(shift: float) -> Pair:
        before, after = base + rng.gauss(0, spread), base + shift + rng.gauss(0, spread)
        return scored(scale * before, scale * after)

    calibration = Calibration.from_same_file([pair(0.0) for _ in range(3)], policy.metrics)
    found = []
    for _ in range(count):
        pairs: list[Pair] = []
        finding = None
        while finding is None:
            pairs.append(pair(gain))
            finding = verdict.decide(pairs, calibration, policy)
        if finding.decision.status == "keep":
            fresh = [pair(gain) for _ in range(verdict.confirmation_pairs(finding, policy))]
            found.append(verdict.confirm(pairs, fresh, finding, calibration, policy))
        else:
            found.append(finding.decision)
        calibration = calibration.observed(pairs, policy.metrics)
    return found


def kept(decisions: list[Decision]) -> int:
    """Count the keeps."""
    return sum(decision.status == "keep" for decision in decisions)


@pytest.mark.parametrize("scale", [1e-12, 1000.0, 1e12])
@pytest.mark.parametrize("gain", [0.0, 0.03, -0.03])
def test_the_unit_of_a_metric_changes_no_decision(scale: float, gain: float) -> None:
    """Seconds or milliseconds: the same experiments end the same way, with the same effects."""
    one, other = (outcomes(1, 1.0, gain, 0.01, 60, scale=factor) for factor in (1.0, scale))
    assert [d.status for d in one] == [d.status for d in other]
    assert [d.effect.log_gain for d in one if d.effect] == pytest.approx(
        [d.effect.log_gain for d in other if d.effect]
    )


@pytest.mark.parametrize("base", [0.0, 0.005, -1.0])
def test_noise_around_zero_or_below_it_is_no_gain(base: float) -> None:
    """A score that changes its sign from run to run has no ratio, and still keeps no noise."""
    assert kept(outcomes(2, base, 0.0, 0.01, 400)) <= 4


@pytest.mark.parametrize(("base", "gain"), [(0.0, 1.0), (-1.0, 0.5), (-0.2, 0.4)])
def test_a_gain_from_zero_or_below_it_is_kept(base: float, gain: float) -> None:
    """From nothing to something, less of a loss, and from a loss to a gain are improvements."""
    assert kept(outcomes(3, base, gain, 0.01, 40)) >= 36
    assert kept(outcomes(3, base + gain, -gain, 0.01, 40)) == 0


def exact(*values: float, **fields: float) -> Series:
    """Return the series of a metric without noise."""
    metric = replace(SCORE, **fields)  # type: ignore[arg-type]
    return Series(metric, values, Noise(), exact=True)


@pytest.mark.parametrize(
    ("gain", "smallest", "step"),
    [
        (1e-15, None, "keep"),
        (0.0, None, "discard"),
        (-1e-15, None, "discard"),
        (math.log(110 / 100), 0.1, "keep"),
        (math.log(109.99 / 100), 0.1, "discard"),
        (math.log(1.96 / 1), 0.95, "keep"),
        (math.log(1.94 / 1), 0.95, "discard"),
    ],
)
def test_an_exact_gain_is_held_to_the_smallest_one_asked_for(
    gain: float, smallest: float | None, step: str
) -> None:
    """`min_gain=0.1` takes ten per cent and not less; without it any improvement counts."""
    one = exact(gain, **({} if smallest is None else {"min_gain": smallest}))
    assert one.step(Sequential()) == step
    assert one.confirmed(Sequential()) == (step == "keep")


def test_a_metric_has_its_own_smallest_gain() -> None:
    """Two per cent is kept by a metric that asks for one, not by one that asks for five."""
    gains = (0.02, 0.021, 0.019, 0.02)
    quiet = Noise(0.002**2, 20.0)
    steps = {
        smallest: Series(replace(SCORE, min_gain=smallest), gains, quiet).step(Sequential())
        for smallest in (None, 0.01, 0.05)
    }
    assert steps == {None: "keep", 0.01: "keep", 0.05: "discard"}


def alike(after: Callable[[int], float]) -> list[Pair]:
    """Return three pairs."""
    return [scored(10.0, after(number)) for number in range(3)]


def test_an_exact_metric_that_varies_later_is_not_taken_for_exact_any_more() -> None:
    """A control pair that differs ends it, and an incumbent with two values; a candidate cannot."""
    start = Calibration.from_same_file(alike(lambda _: 10.0), (SCORE,))
    assert start.exact == {"accuracy"}
    assert start.controlled([scored(10.0, 10.0)], (SCORE,)).exact == {"accuracy"}
    moved = start.controlled([scored(10.0, 10.5)], (SCORE,))
    assert moved.exact == frozenset()
    assert moved.of("accuracy").sigma > start.of("accuracy").sigma
    assert start.observed(alike(lambda n: 9.0 + n), (SCORE,)).exact == {"accuracy"}
    twice = [scored(10.0, 10.5), scored(10.1, 10.5)]
    assert start.observed(twice, (SCORE,)).exact == frozenset()


def test_a_control_out_of_the_ordinary_is_noticed() -> None:
    """Four standard deviations from zero; what a quiet machine does is not."""
    quiet = Calibration({"time": Noise(0.005**2, 20.0)})
    assert not quiet.unusual([timed(1.0, 1.015)], (TIME,))
    assert quiet.unusual([timed(1.0, 1.03)], (TIME,))
    assert quiet.unusual([timed(1.0, 0.97)], (TIME,))
    # First calls are noisy anywhere.
    assert not quiet.unusual([timed(1.0, 1.0, first=(1.0, 9.0))], (TIME,))


def test_half_a_pair_is_believed_half_as_much() -> None:
    """Fewer turns, more variance; the floor of the noise is widened too."""
    noise = Calibration({"time": Noise(0.01**2, 20.0), "still": Noise(0.0, 20.0)}).widened(2.0)
    assert noise.of("time").variance == pytest.approx(2 * 0.01**2)
    assert noise.of("still").variance == pytest.approx(2 * 0.001**2)


def test_bounds_are_read_from_the_incumbent() -> None:
    """Whether it holds them, and on which side of its direction it fails."""
    pairs = [scored(4.0, 9.0), scored(6.0, 9.0)]

    def told(metric: Metric) -> tuple[bool, bool]:
        (one,) = series_of(pairs, [metric], Calibration())
        return one.within_bounds, one.overshot

    assert told(Metric("accuracy", "higher", at_least=3)) == (True, False)
    assert told(Metric("accuracy", "higher", at_least=5)) == (False, False)
    assert told(Metric("accuracy", "lower", at_least=5)) == (False, True)
    assert told(Metric("accuracy", "lower", at_most=5)) == (False, False)
