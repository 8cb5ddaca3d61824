"""Pairs: who is measured when, with which hash seed, and what the turns come to."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation import evaluator
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.turns import reduced
from pytest_autoloop.model import Decision, Pair, Sample
from tests.scripted import MANIFEST, scripted

if TYPE_CHECKING:
    from pytest_autoloop.model import Statistic
    from tests.projects import Project


def scores(pair: Pair | Decision) -> tuple[str, list[float], float, float]:
    """Return the order, each turn's score, and both sides' scores."""
    assert isinstance(pair, Pair), pair
    turns = [turn.metrics["score"] for turn in pair.turns]
    return pair.order, turns, pair.incumbent.metrics["score"], pair.candidate.metrics["score"]


def test_turns_alternate_and_share_a_seed(project: Project) -> None:
    """ABBA, begun by either; one hash seed a pair, another one for the next.

    A machine that slows down steadily, here by one a turn, is no difference between the sides.
    """
    with scripted(project) as script:
        script.place(100, 200)
        script.next(1.01, 1.02, 1.03, 1.04)
        pairs = [scores(script.bench.evaluator.pair(MANIFEST)) for _ in range(3)]
        hashes = script.hashes

    by_order = {"ICCI": [100, 200, 200, 100], "CIIC": [200, 100, 100, 200]}
    assert {order for order, *_ in pairs} == set(by_order)
    for order, turns, incumbent, candidate in pairs[1:]:
        assert turns == by_order[order]
        assert (incumbent, candidate) == (100, 200)
    assert pairs[0][2:] == pytest.approx((102.5, 205))
    assert [len(set(hashes[i : i + 4])) for i in (0, 4, 8)] == [1, 1, 1]
    assert len(set(hashes)) == 3


def test_what_is_exact_or_takes_long_is_measured_once(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One turn each; exact scores always under the same seed."""
    with scripted(project) as script:
        exact = [scores(script.bench.evaluator.pair(MANIFEST, exact=True)) for _ in range(2)]
        hashes = script.hashes
        monkeypatch.setattr(evaluator, "_LONG_TURN", 0.0)
        slow = script.bench.evaluator.pair(MANIFEST)

    assert [sorted(order) for order, *_ in exact] == [["C", "I"], ["C", "I"]]
    assert len(set(hashes)) == 1
    assert len(scores(slow)[1]) == 2


@pytest.mark.parametrize("answer", [True, False])
def test_half_a_pair_is_shown_first(project: Project, answer: bool) -> None:
    """A hopeless candidate gets one turn, any other two."""
    asked: list[Pair] = []

    def hopeless(pair: Pair) -> bool:
        asked.append(pair)
        return answer

    with scripted(project) as script:
        script.place(100, 50)
        order, turns, *sides = scores(script.bench.evaluator.pair(MANIFEST, enough=hopeless))

    assert len(order) == len(turns) == (2 if answer else 4)
    assert sides == [100, 50]
    assert [sorted(pair.order) for pair in asked] == [["C", "I"]]
    assert asked[0].candidate.metrics == {"score": 50}


def test_who_cannot_be_measured(project: Project) -> None:
    """The candidate's fault is its decision; the incumbent's, once it was measured, is an error."""
    with scripted(project) as script:
        pair = script.bench.evaluator.pair
        script.place(100, "no number")
        failed = pair(MANIFEST)
        assert isinstance(failed, Decision)
        assert (failed.status, failed.reason) == ("crash", "measure")
        assert "metric 'score' failed" in failed.detail
        script.place(100, "nan")
        refused = pair(MANIFEST)
        assert isinstance(refused, Decision)
        assert (refused.status, refused.reason) == ("discard", "invalid-score")
        script.place("no number", 100)
        with pytest.raises(EvaluationError, match="can no longer be measured"):
            pair(MANIFEST)


def turn(warm: float, first: float, score: float) -> Sample:
    """Return what one process measured."""
    return Sample(warm={"b": warm}, first={"b": first}, metrics={"m": score})


@pytest.mark.parametrize(("statistic", "warm"), [("min", 1.0), ("median", 2.0)])
def test_turns_of_one_side_are_reduced(statistic: Statistic, warm: float) -> None:
    """Times as their rounds are; first calls to the fastest; metrics to the mean."""
    both = reduced([turn(1.0, 9.0, 10), turn(4.0, 8.0, 20)], statistic)
    assert both.warm == pytest.approx({"b": warm})
    assert (both.first, both.metrics) == ({"b": 8.0}, {"m": 15})
    assert reduced([both], statistic) is both


def test_a_clock_that_did_not_move_is_reduced_to_nothing() -> None:
    """CPU time may be zero, which has no geometric mean."""
    assert reduced([turn(0.0, 0.0, 1), turn(1.0, 1.0, 1)], "median").warm == {"b": 0.0}


def test_a_benchmark_that_ran_once_is_left_out() -> None:
    """Only what every turn has can be compared."""
    one, other = Sample(warm={"a": 1.0, "b": 1.0}), Sample(warm={"a": 2.0})
    assert reduced([one, other], "min").warm == {"a": 1.0}


@pytest.mark.parametrize(
    ("guards", "chosen", "limit"), [(1.0, None, 60.0), (100.0, None, 500.0), (100.0, 7.0, 7.0)]
)
def test_limits_follow_the_baseline(guards: float, chosen: float | None, limit: float) -> None:
    """A minute, or five times the baseline's guards, unless the user says otherwise."""
    limits = Limits.after(guards, chosen)
    assert limits == Limits(limit, limit)
    assert math.isfinite(limits.measure)
