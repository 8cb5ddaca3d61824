"""From pairs to a decision: bounds, the objective, regressions, confirmation."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.decision import verdict
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.decision.sequential import Limits
from pytest_autoloop.decision.series import Calibration
from pytest_autoloop.decision.verdict import Policy
from pytest_autoloop.model import TIME, Metric, Pair, Sample
from tests.decision.samples import scored, timed

if TYPE_CHECKING:
    from pytest_autoloop.decision.verdict import Finding

ACCURACY = Metric("accuracy", "higher", "%", at_least=0.9)
SIZE = Metric("size", "lower")
SPEED = Policy((TIME,))
#: A machine that varies by half a per cent, known for a while.
QUIET = {name: Noise(0.005**2, 20.0) for name in ("time", "time:first", "accuracy", "size")}
NOISY = Calibration(QUIET)


def both(accuracy: tuple[float, float], size: tuple[float, float]) -> Pair:
    """Return one pair of two metrics, each before and after."""
    return Pair(
        Sample(metrics={"accuracy": accuracy[0], "size": size[0]}),
        Sample(metrics={"accuracy": accuracy[1], "size": size[1]}),
    )


def decided(pairs: list[Pair], calibration: Calibration, policy: Policy) -> Finding:
    """Return the finding of pairs that allow one."""
    finding = verdict.decide(pairs, calibration, policy)
    assert finding is not None
    return finding


def faster(after: float, count: int = 3) -> list[Pair]:
    """Return pairs of a steady change from one second, with a trace of noise."""
    return [timed(1.0 + 0.001 * n, after + 0.001 * n) for n in range(count)]


def test_a_steady_gain_is_kept_with_its_effect() -> None:
    """After the fewest pairs; the effect and its interval are those of the pairs."""
    pairs = faster(0.8)
    assert verdict.decide(pairs[:2], NOISY, SPEED) is None
    decision = decided(pairs, NOISY, SPEED).decision
    assert decision.status == "keep"
    assert decision.effect is not None
    assert decision.effect.log_gain == pytest.approx(math.log(1 / 0.8), abs=0.002)
    assert decision.effect.low < decision.effect.log_gain < decision.effect.high
    assert (decision.effect.pairs, decision.effect.basis) == (3, "warm")


def test_a_loss_is_discarded_at_once() -> None:
    """One pair tells enough, and the effect is told."""
    decision = decided([timed(1.0, 1.2)], NOISY, SPEED).decision
    assert (decision.status, decision.reason) == ("discard", "no-gain")
    assert decision.effect is not None
    assert decision.effect.high < 0


def test_no_change_is_discarded_in_the_end() -> None:
    """Pairs around zero end as no gain, without a claim."""
    pairs: list[Pair] = []
    while (finding := verdict.decide([*pairs, timed(1.0, 1.0)], NOISY, SPEED)) is None:
        pairs.append(timed(1.0, 1.0))
        assert len(pairs) < 60
    assert finding.decision.reason == "no-gain"


def test_a_cache_across_calls_is_no_gain() -> None:
    """Warm rounds a hundred times faster are discarded when the first call saved nothing."""
    pairs = [timed(1.0, 0.01, first=(1.1, 1.1 + 0.002 * n)) for n in range(3)]
    decision = decided(pairs, NOISY, SPEED).decision
    assert (decision.status, decision.reason) == ("discard", "no-gain")
    assert "cache" in decision.detail
    assert decision.effect is not None
    assert decision.effect.basis == "first"


def test_warm_rounds_may_be_all_that_counts() -> None:
    """Who measures warm rounds keeps a cache: that is what was asked for."""
    pairs = [timed(1.0, 0.01, first=(1.1, 1.1 + 0.002 * n)) for n in range(3)]
    assert decided(pairs, NOISY, Policy((TIME,), rounds="warm")).decision.status == "keep"


def test_first_calls_too_noisy_to_tell_end_in_time() -> None:
    """Where first and warm calls never agree, a campaign does not measure for ever."""
    wild = (0.2, 0.2, 3.8, 0.2)
    pairs: list[Pair] = []
    finding = None
    while finding is None:
        pairs.append(timed(1.0, 0.1, first=(2.0, wild[len(pairs) % len(wild)])))
        finding = verdict.decide(pairs, NOISY, SPEED)
        assert len(pairs) <= 20
    assert finding.decision.status == "discard"
    assert "disagree" in finding.decision.detail


def test_a_bound_that_is_broken_discards_at_once() -> None:
    """However good the score: the bound is named, with the value."""
    policy = Policy((SIZE, ACCURACY))
    decision = decided([both((0.95, 0.8), (100, 1))], NOISY, policy).decision
    assert (decision.status, decision.reason) == ("discard", "constraint")
    assert decision.detail == "accuracy is 0.8, below at_least=0.9"
    upper = Policy((Metric("size", "lower", at_most=50),))
    told = decided([scored(40, 60, "size")], NOISY, upper).decision
    assert told.detail == "size is 60, above at_most=50"


def test_a_bound_is_met_at_its_very_value() -> None:
    """`at_least=0.9` is met by 0.9."""
    pairs = [both((0.95, 0.9), (100, 50)) for _ in range(3)]
    exact = Calibration({}, frozenset({"accuracy", "size"}))
    lenient = Metric("accuracy", "higher", at_least=0.9, max_regression=0.5)
    assert decided(pairs[:1], exact, Policy((SIZE, lenient))).decision.status == "keep"


def test_an_exact_metric_needs_one_pair() -> None:
    """Without noise the smallest improvement is one, and its interval is a point."""
    exact = Calibration.from_same_file([scored(10, 10, "size")] * 3, (SIZE,))
    decision = decided([scored(1000, 999, "size")], exact, Policy((SIZE,))).decision
    assert decision.status == "keep"
    assert decision.effect is not None
    assert decision.effect.low == decision.effect.high == decision.effect.log_gain


@pytest.mark.parametrize("after", [10, 11])
def test_an_exact_tie_or_loss_is_discarded(after: float) -> None:
    """A tie is no improvement: the incumbent stays."""
    exact = Calibration.from_same_file([scored(10, 10, "size")] * 3, (SIZE,))
    decision = decided([scored(10, after, "size")], exact, Policy((SIZE,))).decision
    assert (decision.status, decision.reason) == ("discard", "no-gain")


def test_a_metric_that_moved_once_is_not_exact() -> None:
    """A file that scored differently against itself needs the test for noise."""
    pairs = [scored(10, 10, "size"), scored(10, 10.2, "size"), scored(10, 10, "size")]
    calibration = Calibration.from_same_file(pairs, (SIZE,))
    assert not calibration.exact
    assert verdict.decide([scored(10, 9.99, "size")], calibration, Policy((SIZE,))) is None


def test_times_are_never_exact() -> None:
    """A clock that reads the same three times is coarse, not exact."""
    assert not Calibration.from_same_file([timed(1.0, 1.0)] * 3, (TIME,)).exact


def test_another_metric_must_not_suffer() -> None:
    """A gain in the first metric that costs the second one more than 5% is discarded."""
    policy = Policy((SIZE, Metric("accuracy", "higher")))
    small = [both((0.90, 0.89), (100, 50)) for _ in range(3)]
    large = [both((0.90, 0.80), (100, 50)) for _ in range(3)]
    assert decided(small, NOISY, policy).decision.status == "keep"
    decision = decided(large, NOISY, policy).decision
    assert (decision.status, decision.reason) == ("discard", "regression")
    assert decision.detail.startswith("accuracy became 11.")


def test_no_benchmark_may_pay_for_another() -> None:
    """One benchmark 30% slower is not made good by another that is three times faster."""
    pairs = [
        Pair(
            Sample(warm={"a": 3.0 + noise, "b": 1.0}),
            Sample(warm={"a": 1.0 + noise, "b": 1.3}),
        )
        for noise in (0.0, 0.001, 0.002)
    ]
    decision = decided(pairs, NOISY, SPEED).decision
    assert (decision.status, decision.reason) == ("discard", "regression")
    assert decision.detail == "b became 30.0% slower"


def test_a_keep_is_confirmed_on_fresh_pairs() -> None:
    """The same gain again keeps, and the effect is that of all pairs."""
    found, fresh = faster(0.8), faster(0.82, 2)
    finding = decided(found, NOISY, SPEED)
    assert verdict.confirmation_pairs(finding, SPEED) == 2
    decision = verdict.confirm(found, fresh, finding, NOISY, SPEED)
    assert decision.status == "keep"
    assert decision.effect is not None
    assert decision.effect.pairs == 5
    assert finding.decision.effect is not None
    assert decision.effect.log_gain < finding.decision.effect.log_gain


def test_a_confirmation_ends_when_fresh_pairs_find_the_gain_again() -> None:
    """They have to pass the whole test by themselves; less goes on to the last pair."""
    finding = decided(faster(0.8), NOISY, SPEED)
    assert not verdict.found_again(faster(0.8, 2), finding, NOISY, SPEED)
    assert verdict.found_again(faster(0.8, 3), finding, NOISY, SPEED)
    assert not verdict.found_again(faster(0.999, 3), finding, NOISY, SPEED)


@pytest.mark.parametrize("after", [1.0, 1.2])
def test_a_lucky_find_is_not_confirmed(after: float) -> None:
    """What fresh pairs do not show was luck."""
    found = faster(0.8)
    finding = decided(found, NOISY, SPEED)
    decision = verdict.confirm(found, faster(after, 2), finding, NOISY, SPEED)
    assert (decision.status, decision.reason) == ("discard", "no-gain")
    assert "not confirmed" in decision.detail


def test_a_bound_holds_in_the_confirmation_too() -> None:
    """A metric that falls below its bound on a fresh pair is not kept."""
    policy = Policy((ACCURACY,))
    found = [scored(0.91, 0.96 + 0.001 * n) for n in range(3)]
    finding = decided(found, NOISY, policy)
    assert finding.decision.status == "keep"
    fresh = [scored(0.91, 0.97), scored(0.91, 0.85)]
    decision = verdict.confirm(found, fresh, finding, NOISY, policy)
    assert (decision.status, decision.reason) == ("discard", "constraint")


def test_an_exact_gain_is_confirmed_by_one_pair() -> None:
    """One repetition; what does not repeat exactly has become random and is refused."""
    exact = Calibration.from_same_file([scored(10, 10, "size")] * 3, (SIZE,))
    policy, found = Policy((SIZE,)), [scored(10, 9, "size")]
    finding = decided(found, exact, policy)
    assert verdict.confirmation_pairs(finding, policy) == 1
    again = verdict.confirm(found, [scored(10, 9, "size")], finding, exact, policy)
    random = verdict.confirm(found, [scored(10, 8, "size")], finding, exact, policy)
    assert again.status == "keep"
    assert (random.status, random.reason) == ("discard", "no-gain")
    assert "different values" in random.detail


def test_a_campaign_learns_its_noise() -> None:
    """The baseline against itself starts the estimate, each comparison adds to it."""
    start = Calibration.from_same_file([timed(1.0, 1.04), timed(1.0, 0.97)], (TIME,))
    assert start.of("time").sigma > 0.015
    calmer = start.observed(faster(0.5, 10), (TIME,))
    assert calmer.of("time").sigma < start.of("time").sigma
    assert calmer.noisier([timed(1.0, 0.7), timed(1.0, 1.2), timed(1.0, 1.0)], (TIME,))
    assert not calmer.noisier(faster(0.5, 3), (TIME,))


def test_a_smaller_gain_can_be_asked_for() -> None:
    """Half a per cent is kept by who asks for it on a machine that shows it, by nobody else."""
    still = Calibration({"time": Noise(0.001**2, 20.0), "time:first": Noise(0.001**2, 20.0)})
    pairs = [timed(1.0, 0.995) for _ in range(5)]
    fine = Policy((TIME,), rule=Sequential(Limits(smallest_gain=0.002)))
    assert decided(pairs, still, fine).decision.status == "keep"
    finding = verdict.decide(pairs, still, SPEED)
    assert finding is None or finding.decision.status == "discard"
