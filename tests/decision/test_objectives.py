"""What better means with several metrics."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.objectives import OBJECTIVES, Opinion
from pytest_autoloop.decision.rules import Sequential
from pytest_autoloop.decision.series import Series
from pytest_autoloop.model import Metric

RULE = Sequential()
QUIET = Noise(0.005**2, 20.0)
BETTER, SAME, WORSE = 0.2, 0.0, -0.2


def series(*gains: float, exact: bool = False, **fields: float) -> list[Series]:
    """Return one series per gain, each of five alike pairs, named a, b, c and so on."""
    return [
        Series(
            Metric(name, "higher", **fields),  # type: ignore[arg-type]
            (gain,) if exact else (gain, gain + 1e-4, gain - 1e-4, gain, gain),
            QUIET,
            exact,
        )
        for name, gain in zip("abcdef", gains, strict=False)
    ]


def judge(name: str, many: list[Series]) -> Opinion:
    """Let an objective look at the series."""
    objective = OBJECTIVES[name]()
    return objective.judge(objective.view(many), RULE)


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_all_better_is_kept_and_all_worse_is_not(name: str, count: int) -> None:
    """However many metrics there are, every objective agrees where all of them do."""
    assert judge(name, series(*[BETTER] * count)).step == "keep"
    assert judge(name, series(*[WORSE] * count)).step == "discard"


@pytest.mark.parametrize("name", sorted(OBJECTIVES))
def test_nothing_changed_is_not_kept(name: str) -> None:
    """Exact metrics that did not move give no reason to keep."""
    opinion = judge(name, series(SAME, SAME, SAME, exact=True))
    assert (opinion.step, opinion.reason) == ("discard", "no-gain")


@pytest.mark.parametrize(
    ("name", "gains", "expected"),
    [
        ("primary", (BETTER, SAME), "keep"),
        ("primary", (BETTER, WORSE), "discard"),
        ("primary", (SAME, BETTER), "discard"),
        ("pareto", (SAME, BETTER), "keep"),
        ("pareto", (BETTER, WORSE), "discard"),
        ("pareto", (BETTER, SAME, SAME), "keep"),
        ("weighted", (BETTER, -0.1), "keep"),
        ("weighted", (BETTER, WORSE, WORSE), "discard"),
        ("lexicographic", (SAME, BETTER), "keep"),
        ("lexicographic", (SAME, SAME, BETTER), "keep"),
        ("lexicographic", (BETTER, WORSE), "keep"),
        ("lexicographic", (WORSE, BETTER), "discard"),
        ("gated", (BETTER, SAME), "keep"),
    ],
)
def test_each_objective_weighs_in_its_way(
    name: str, gains: tuple[float, ...], expected: str
) -> None:
    """A trade between metrics is decided as the objective says."""
    assert judge(name, series(*gains, exact=True)).step == expected


def test_what_was_lost_is_named() -> None:
    """A regression names the metric and its size."""
    opinion = judge("primary", series(BETTER, WORSE))
    assert opinion.reason == "regression"
    assert opinion.detail == "b became 18.1% worse, of which 5% are allowed"


def test_a_small_loss_elsewhere_is_tolerated_up_to_its_bound() -> None:
    """`max_regression` is what another metric may lose."""
    assert judge("primary", series(BETTER, -0.04)).step == "keep"
    assert judge("primary", series(BETTER, -0.04, max_regression=0.01)).step == "discard"


def test_weights_say_how_much_a_metric_counts() -> None:
    """A loss in a light metric is outweighed, the same loss in a heavy one is not."""
    heavy, light = series(BETTER, -0.3)
    assert judge("weighted", [heavy, light]).step == "discard"
    dear = Series(Metric("a", "higher", weight=3.0), heavy.gains, QUIET)
    assert judge("weighted", [dear, light]).step == "keep"


def test_a_closed_gate_is_opened_first() -> None:
    """While the incumbent is outside a bound, coming closer counts; then the free metric does."""
    bound = Metric("b", "higher", at_least=90)
    free = series(SAME)[0]
    closed = Series(bound, series(BETTER)[0].gains, QUIET, within_bounds=False)
    opened = Series(bound, series(BETTER)[0].gains, QUIET)
    assert judge("gated", [free, closed]).step == "keep"
    assert judge("gated", [free, closed]).decisive == "b"
    assert judge("gated", [free, opened]).step != "keep"


def test_a_gate_that_was_overshot_opens_the_other_way() -> None:
    """A metric beyond the bound that lies in its own direction comes closer by losing."""
    goal = Metric("b", "lower", at_least=5)
    assert [goal.overshot(value) for value in (4.9, 5.0, 6.0)] == [True, False, False]
    assert Metric("b", "higher", at_most=5).overshot(6.0)
    free = series(SAME)[0]
    for gains, expected in ((series(WORSE)[0].gains, "keep"), (series(BETTER)[0].gains, "discard")):
        closed = Series(goal, gains, QUIET, within_bounds=False, overshot=True)
        assert judge("gated", [free, closed]).step == expected


def test_a_composite_says_which_times_went_into_it() -> None:
    """Read from first calls, from warm ones, or unclear: `weighted` passes it on."""
    metric, time = series(BETTER, BETTER)
    for basis in ("first", "warm", None):
        timed = replace(time, basis=basis, favoured=basis is None)
        (composite,) = OBJECTIVES["weighted"]().view([metric, timed])
        assert (composite.basis, composite.favoured) == (basis, basis is None)
    assert OBJECTIVES["weighted"]().view([metric, metric])[0].basis == "metric"


def test_each_chance_to_keep_gets_its_share_of_the_level() -> None:
    """Pareto has several chances to keep one candidate, so each needs more evidence."""
    gains = (0.0215, 0.0205, 0.021)
    alone = [Series(Metric("a", "higher"), gains, QUIET)]
    crowd = [*alone, *series(*[SAME] * 5)]
    strict = Sequential().at_level(1e-3)
    assert OBJECTIVES["pareto"]().judge(alone, strict).step == "keep"
    assert OBJECTIVES["pareto"]().judge(crowd, strict.at_level(1e-5)).step != "keep"
    assert strict.shared(6).limits.alpha == pytest.approx(1e-3 / 6)


gain = st.floats(-0.5, 0.5, allow_nan=False)


@given(gains=st.lists(gain, min_size=1, max_size=5), name=st.sampled_from(sorted(OBJECTIVES)))
def test_an_improvement_is_never_a_reason_against(gains: list[float], name: str) -> None:
    """Monotonicity: what is kept stays kept when any one metric does better still."""
    if judge(name, series(*gains, exact=True)).step != "keep":
        return
    for index in range(len(gains)):
        better = [g + 0.1 * (place == index) for place, g in enumerate(gains)]
        assert judge(name, series(*better, exact=True)).step == "keep"


@given(gains=st.lists(gain, min_size=2, max_size=5), data=st.data())
def test_pareto_and_weighted_do_not_care_for_the_order(
    gains: list[float], data: st.DataObject
) -> None:
    """Symmetry: naming the metrics in another order changes nothing."""
    shuffled = data.draw(st.permutations(gains))
    # A sum in another order may differ in its last bits, which decides only on a knife's edge.
    if abs(math.fsum(gains)) > 1e-9:
        for name in ("pareto", "weighted"):
            steps = {judge(name, series(*order, exact=True)).step for order in (gains, shuffled)}
            assert len(steps) == 1


@given(gains=st.lists(gain, min_size=1, max_size=4), name=st.sampled_from(sorted(OBJECTIVES)))
def test_a_change_and_its_reverse_are_not_both_kept(gains: list[float], name: str) -> None:
    """Antisymmetry: nothing is better than what is better than it."""
    forth = judge(name, series(*gains, exact=True)).step
    back = judge(name, series(*[-g for g in gains], exact=True)).step
    assert (forth, back) != ("keep", "keep")
