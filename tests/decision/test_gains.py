"""What a pair of samples says: direction, size, and which calls tell the truth."""

from __future__ import annotations

import math
import random

import pytest

from pytest_autoloop.decision import gains
from pytest_autoloop.model import Metric, Pair, Sample
from tests.decision.samples import scored, suite, timed

HIGHER = Metric("accuracy", "higher")
LOWER = Metric("accuracy", "lower")


def basis_rates(seed: int, experiments: int, **keywords: float) -> dict[gains.Basis | None, float]:
    """Return how often each basis is reached; as in a campaign, more pairs resolve a doubt."""
    generator = random.Random(seed)
    counted: dict[gains.Basis | None, float] = {"warm": 0, "first": 0, None: 0}
    for _ in range(experiments):
        pairs: list[Pair] = []
        basis: gains.Basis | None = None
        while len(pairs) < 3 or (basis is None and len(pairs) < 10):
            pairs.append(suite(generator, **keywords))  # type: ignore[arg-type]
            basis = gains.basis_of(pairs)
        counted[basis] += 1 / experiments
    return counted


def test_halved_time_is_twice_as_good() -> None:
    """A gain in time is the logarithm of before over after, whichever side ran first."""
    pair = timed(2.0, 1.0)
    assert gains.time_gain(pair, "warm") == pytest.approx(math.log(2))
    assert gains.time_gain(timed(1.0, 2.0), "warm") == pytest.approx(-math.log(2))


def test_first_calls_are_read_from_first_calls() -> None:
    """The two bases do not mix."""
    pair = timed(2.0, 1.0, first=(3.0, 9.0))
    assert gains.time_gain(pair, "first") == pytest.approx(-math.log(3))


def test_benchmarks_count_alike_whatever_they_take() -> None:
    """Eight times faster in one and unchanged in two others is twice as good: geometric mean."""
    before = {"a": 8.0, "b": 1e-6, "c": 1e-3}
    pair = Pair(Sample(warm=before), Sample(warm={**before, "a": 1.0}))
    assert gains.time_gain(pair, "warm") == pytest.approx(math.log(2))
    each = gains.time_gains_by_benchmark([pair, pair], "warm")
    assert each == {"a": [pytest.approx(math.log(8))] * 2, "b": [0.0] * 2, "c": [0.0] * 2}


def test_only_shared_benchmarks_are_compared() -> None:
    """A benchmark that one side alone reports has no ratio."""
    pair = Pair(Sample(warm={"a": 2.0, "gone": 1.0}), Sample(warm={"a": 1.0, "new": 5.0}))
    assert gains.time_gain(pair, "warm") == pytest.approx(math.log(2))


def test_a_time_of_zero_is_a_finite_gain() -> None:
    """A clock that reads zero gives no infinity."""
    assert math.isfinite(gains.time_gain(timed(1.0, 0.0), "warm"))


@pytest.mark.parametrize(
    ("before", "after", "gain"),
    [
        (1.0, 2.0, math.log(2)),
        (0.5, 0.5, 0.0),
        (0.0, 0.0, 0.0),
        (0.0, 3.0, 1.0),
        (3.0, 0.0, -1.0),
        (-1.0, 1.0, 2.0),
        (-2.0, -1.0, 0.5),
    ],
)
def test_a_metric_gains_in_its_direction(before: float, after: float, gain: float) -> None:
    """More is better or worse as declared; zeros and changes of sign stay finite."""
    assert gains.metric_gain(scored(before, after), HIGHER) == pytest.approx(gain)
    assert gains.metric_gain(scored(before, after), LOWER) == pytest.approx(-gain)


def test_small_negative_changes_agree_with_positive_ones() -> None:
    """One per cent is one per cent on either side of zero."""
    positive = gains.metric_gain(scored(100.0, 101.0), HIGHER)
    negative = gains.metric_gain(scored(-101.0, -100.0), HIGHER)
    assert negative == pytest.approx(positive, abs=1e-4)


def test_an_honest_gain_is_judged_warm() -> None:
    """A call that saves the same cold and warm is judged by its many warm rounds."""
    pairs = [timed(1.0, 0.6, first=(1.5, 1.1 + 0.01 * n)) for n in range(3)]
    assert gains.basis_of(pairs) == "warm"
    assert gains.basis_of(pairs[:1]) == "warm"


def test_a_cache_that_outlives_the_call_is_judged_by_first_calls() -> None:
    """Warm rounds that answer from a cache do not hide that the first call saved nothing."""
    pairs = [timed(1.0, 0.01, first=(1.1, 1.1 + 0.01 * n)) for n in range(3)]
    assert gains.basis_of(pairs) == "first"


def test_a_dearer_first_call_is_seen() -> None:
    """Work that is moved into the first call is judged by the first call."""
    pairs = [timed(1.0, 0.9, first=(1.1, 3.0 + 0.01 * n)) for n in range(3)]
    assert gains.basis_of(pairs) == "first"


def test_a_contradiction_without_any_spread_is_believed() -> None:
    """A clock so coarse that every pair reads the same does not divide by zero."""
    assert gains.basis_of([timed(1.0, 0.01, first=(1.1, 1.1))] * 3) == "first"
    assert gains.basis_of([timed(1.0, 0.5, first=(1.0, 0.5))] * 3) == "warm"


def test_two_pairs_that_disagree_are_unclear() -> None:
    """Before there is a spread to compare with, a contradiction asks for another pair."""
    assert gains.basis_of([timed(1.0, 0.01, first=(1.1, 1.1))] * 2) is None


def test_three_pairs_too_noisy_to_tell_are_unclear() -> None:
    """A contradiction that chance explains decides nothing either way."""
    pairs = [timed(1.0, 0.1, first=(1.1, after)) for after in (0.3, 1.2, 2.4)]
    assert gains.basis_of(pairs) is None


def test_without_first_calls_warm_ones_are_all_there_is() -> None:
    """Benchmarks whose first call cannot be read on both sides are judged warm."""
    pair = Pair(Sample(warm={"b": 2.0}, first={"b": 2.0}), Sample(warm={"b": 1.0}))
    assert gains.basis_of([pair] * 3) == "warm"


@pytest.mark.parametrize("benchmarks", [1, 5, 20])
def test_noise_in_first_calls_does_not_cost_an_honest_micro_gain(benchmarks: int) -> None:
    """With first calls that vary by 20%, few honest gains of a microsecond are doubted."""
    found = basis_rates(7, 60, benchmarks=benchmarks, first_noise=0.2, saving=0.3)
    assert found["first"] <= 0.1
    assert found["warm"] >= 0.75


@pytest.mark.parametrize("benchmarks", [1, 5, 20])
def test_noise_in_first_calls_does_not_hide_a_cache(benchmarks: int) -> None:
    """With the same noise, a cache in all benchmarks is seen."""
    found = basis_rates(
        8, 40, benchmarks=benchmarks, first_noise=0.2, cached=benchmarks, overhead=0.5
    )
    assert found["warm"] <= 0.15
    assert found["first"] >= 0.8


def test_a_cache_in_all_benchmarks_is_seen_where_none_shows_it_alone() -> None:
    """Cold calls that take five warm ones drown each saving, but not that of twenty together."""
    found = basis_rates(10, 30, benchmarks=20, first_noise=0.2, cached=20, overhead=4.0)
    assert found["first"] >= 0.8


def test_a_cache_in_one_benchmark_of_many_is_seen() -> None:
    """Nineteen honest benchmarks do not cover for one that is cached."""
    found = basis_rates(9, 30, benchmarks=20, first_noise=0.05, cached=1)
    assert found["first"] >= 0.9


def test_the_score_is_the_geometric_mean_of_the_fastest_samples() -> None:
    """Each benchmark counts with its best sample; nothing measured is unknown, not zero."""
    samples = [Sample(warm={"a": 4.0, "b": 2.0}), Sample(warm={"a": 1.0, "b": 9.0})]
    assert gains.score(samples) == pytest.approx(math.sqrt(2.0))
    assert gains.score([]) is None
    assert gains.score([Sample(metrics={"x": 1.0})]) is None


def test_one_outlier_does_not_stand_for_a_metric() -> None:
    """Several measurements of a metric are told by their median."""
    assert gains.typical([1.0, 1.1, 900.0]) == 1.1
