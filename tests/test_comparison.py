"""Comparisons in real worktrees, of scores that the test scripts."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.comparison import Comparison
from pytest_autoloop.decision.noise import Noise
from pytest_autoloop.decision.series import Calibration
from pytest_autoloop.decision.verdict import Policy, decide
from pytest_autoloop.evaluation import alone
from tests.decision.samples import scored
from tests.scripted import MANIFEST, METRIC, Scripted, scripted

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.projects import Project

POLICY = Policy((METRIC,))
EXACT = Calibration({}, frozenset({"score"}))
NOISY = Calibration({"score": Noise(0.01**2, 20.0)})


@pytest.fixture
def script(project: Project) -> Iterator[Scripted]:
    """Make the scripted project."""
    with scripted(project) as found:
        yield found


def comparison(script: Scripted, calibration: Calibration) -> Comparison:
    """Return a comparison as it is at the beginning of a campaign."""
    return Comparison(script.bench.evaluator, MANIFEST, calibration)


def test_an_exact_score_is_measured_once_and_confirmed_once(script: Scripted) -> None:
    """A tie costs one evaluation of each side, a gain two; one that varies then is refused."""
    compared = comparison(script, EXACT)
    found = []
    for candidate, factors in ((100, ()), (101, ()), (101, (1, 1, 1, 2))):
        script.place(100, candidate)
        script.next(*factors)
        decision = compared.decide(POLICY)
        turns = [len(pair.turns) for pair in compared.pairs]
        found.append((decision.status, turns, list(compared.seconds)))

    assert found == [
        ("discard", [2], ["race"]),
        ("keep", [2, 2], ["race", "confirm"]),
        ("discard", [2, 2], ["race", "confirm"]),
    ]
    assert decision.detail.startswith("score was exact, but two runs")


def test_a_noisy_gain_takes_pairs_and_fresh_ones(script: Scripted) -> None:
    """The race is the first pair; the effect is that of all pairs."""
    compared = comparison(script, NOISY)
    script.place(100, 150)
    decision = compared.decide(POLICY)

    assert decision.status == "keep"
    assert decision.effect is not None
    assert decision.effect.pairs == len(compared.pairs) == 5
    assert [len(pair.turns) for pair in compared.pairs] == [4] * 5
    assert list(compared.seconds) == ["race", "measure", "confirm"]


def test_half_a_pair_is_told_with_the_noise_of_half_a_pair(script: Scripted) -> None:
    """One turn of each side says less than two: its interval is wider."""
    compared = comparison(script, NOISY)
    script.place(100, 80)
    decision = compared.decide(POLICY)
    whole, half = (
        decide(compared.pairs, calibration, POLICY) for calibration in (NOISY, NOISY.widened(2.0))
    )

    assert decision.status == "discard"
    assert [len(pair.turns) for pair in compared.pairs] == [2]
    assert whole is not None
    assert half is not None
    assert decision == half.decision != whole.decision


def test_a_candidate_without_a_score_ends_its_comparison(script: Scripted) -> None:
    """It has no pairs, not those of the one before it."""
    compared = comparison(script, EXACT)
    script.place(100, 100)
    assert compared.decide(POLICY).status == "discard"
    assert len(compared.pairs) == 1
    script.place(100, "no number")
    assert compared.decide(POLICY).reason == "measure"
    assert compared.pairs == []


def test_a_control_is_due_every_tenth_time(script: Scripted) -> None:
    """A control out of the ordinary marks what follows, up to the next one that is not.

    It also ends the belief in an exact score.
    """
    compared = comparison(script, EXACT)
    compared.pairs = [scored(10, 11, "score")]
    due = []
    for _ in range(10):
        due.append(compared.control_due)
        assert not compared.learn(POLICY)
    assert due == [False] * 10
    assert compared.control_due

    script.place(100, 100)
    script.next(1, 1.5, 1.5, 1)
    compared.control(POLICY)
    assert not compared.control_due
    assert compared.calibration.exact == frozenset()
    assert compared.calibration.of("score").sigma > 0.01
    compared.pairs = [scored(10, 11, "score")]
    assert compared.learn(POLICY)

    compared.control(POLICY)
    compared.pairs = [scored(10, 11, "score")]
    assert not compared.learn(POLICY)


def test_a_comparison_that_spreads_is_marked(script: Scripted) -> None:
    """Pairs that differ by far more than the campaign's are called noisy, and teach it."""
    compared = comparison(script, NOISY)
    compared.pairs = [scored(10, value, "score") for value in (9.0, 11.0, 12.0)]
    assert compared.learn(POLICY)
    assert compared.calibration.of("score").sigma > 0.02
    compared.pairs = [scored(10, value, "score") for value in (11.0, 11.1, 10.9)]
    assert not compared.learn(POLICY)


def test_an_audit_is_made_of_fresh_pairs(script: Scripted) -> None:
    """Five of a noisy score, one of an exact one, none of what cannot be measured any more."""
    script.place(100, 200)
    audit = comparison(script, NOISY).audit(POLICY)
    assert audit is not None
    assert audit.effect.pairs == 5
    assert audit.effect.low < audit.effect.log_gain == pytest.approx(0.693, abs=0.001)
    assert audit.first_calls is None

    audit = comparison(script, EXACT).audit(POLICY)
    assert audit is not None
    assert (audit.effect.pairs, audit.effect.level) == (1, 1.0)

    script.place(100, "no number")
    assert comparison(script, EXACT).audit(POLICY) is None


def test_pairs_are_measured_alone_and_waiting_is_nobody_s_time(
    script: Scripted, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A noisy score waits for the guards of others; what is exact does not."""
    monkeypatch.setenv(alone.VARIABLE, str(tmp_path))
    waits = threading.Event()
    hold = alone._hold

    def noted(path: Path, *, exclusive: bool) -> int:
        if exclusive:
            waits.set()
        return hold(path, exclusive=exclusive)

    monkeypatch.setattr(alone, "_hold", noted)
    evaluator = script.bench.evaluator
    script.place(100, 150)
    with ThreadPoolExecutor(1) as executor:
        with alone.busy():
            exact = comparison(script, EXACT)
            executor.submit(exact.control, POLICY).result(60)
            assert len(exact.pairs) == 1
            assert not waits.is_set()
            noisy = comparison(script, NOISY)
            started = time.monotonic()
            measuring = executor.submit(noisy.control, POLICY)
            assert waits.wait(60)
            assert noisy.pairs == []
        measuring.result(60)
    assert len(noisy.pairs) == 1
    whole = time.monotonic() - started
    assert evaluator.waited > 0
    assert sum(noisy.seconds.values()) <= whole - evaluator.waited
