"""Numbers and experiments as people read them."""

from __future__ import annotations

import math

import pytest

from pytest_autoloop import text
from pytest_autoloop.model import TIME, Effect, Experiment, GuardReport, Metric


@pytest.mark.parametrize(
    ("number", "unit", "written"),
    [
        (None, "s", "unknown"),
        (None, "", "unknown"),
        (2.0, "s", "2 s"),
        (90.06, "s", "90.1 s"),
        (12_345.6, "s", "12,346 s"),
        (0.00481, "s", "4.81 ms"),
        (0.000_012_3, "s", "12.3 µs"),
        (4.2e-8, "s", "42 ns"),
        (3e-11, "s", "0.03 ns"),
        (0.0, "s", "0 ns"),
        (0.999_999_6, "s", "1 s"),
        (0.000_999_999, "s", "1 ms"),
        (0.999, "s", "999 ms"),
        (91.256, "%", "91.26%"),
        (0.0, "%", "0%"),
        (-3.0, "", "-3"),
        (12_345.0, "", "12,345"),
        (1_234_567.0, "bytes", "1,234,567 bytes"),
        (12_345.6789, "", "1.235e+04"),
        (1e300, "", "1e+300"),
        (0.1, "MB", "0.1 MB"),
    ],
)
def test_a_score_has_its_unit(number: float | None, unit: str, written: str) -> None:
    """Seconds get the prefix that fits, counts keep every digit, unknown is not zero."""
    assert text.value(number, unit) == written


@pytest.mark.parametrize(
    ("ratio", "written"),
    [(2.614, "2.61×"), (1.0, "1×"), (0.5, "0.5×"), (99.96, "100×"), (1234.4, "1,234×")],
)
def test_a_gain_is_a_factor(ratio: float, written: str) -> None:
    """Three digits, or all of a large one."""
    assert text.factor(math.log(ratio)) == written


def effect(better: float, low: float, high: float, basis: str = "warm") -> Effect:
    """Return an effect of ratios."""
    return Effect(math.log(better), math.log(low), math.log(high), basis=basis)


@pytest.mark.parametrize(
    ("found", "direction", "written"),
    [
        (effect(1 / 0.688, 1 / 0.697, 1 / 0.680), "lower", "-31.2% [-32.0, -30.3]"),
        (effect(1.1, 1.05, 1.15), "higher", "+10.0% [+5.0, +15.0]"),
        (effect(0.8, 0.75, 0.85), "higher", "-20.0% [-25.0, -15.0]"),
        (effect(0.8, 0.8, 0.8), "lower", "+25.0%"),
        (effect(2.61, 2.5, 2.7), "lower", "2.61× better [2.5×, 2.7×]"),
        (effect(1.1, 1.1, 1.1, "first"), "higher", "+10.0% on first calls"),
        (effect(3.0, 2.0, 4.0, "first"), "lower", "3× better [2×, 4×] on first calls"),
        (effect(1.0, 1.0, 1.0, "metric"), "lower", "+0.0%"),
    ],
)
def test_an_effect_is_the_change_of_the_metric(found: Effect, direction: str, written: str) -> None:
    """Less time is a minus, more accuracy a plus, and the interval's lower end comes first."""
    assert text.effect(found, direction).replace("−", "-") == written  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [800.0, -800.0])
@pytest.mark.parametrize("direction", ["lower", "higher"])
def test_no_effect_is_too_large_to_write(size: float, direction: str) -> None:
    """A metric that explodes or vanishes is a row like any other."""
    written = text.effect(
        Effect(size, size - 900, size + 900),
        direction,  # type: ignore[arg-type]
    )
    assert written
    assert "inf" not in written
    assert "nan" not in written


def test_a_gain_has_its_interval_unless_it_is_exact() -> None:
    """A deterministic gain has no interval to show."""
    assert text.gain(effect(2.61, 2.55, 2.67)) == "2.61× [2.55×, 2.67×]"
    assert text.gain(effect(2.0, 2.0, 2.0)) == "2×"


def experiment(status: str, reason: str = "", **fields: object) -> Experiment:
    """Return an experiment that ended so."""
    return Experiment(
        number=1,
        status=status,  # type: ignore[arg-type]
        reason=reason,
        description="hoist the regex",
        proposer="p",
        commit="c",
        parent="b",
        timestamp="t",
        seconds=1.0,
        metrics={"time": 0.5, "accuracy": 91.5},
        **fields,  # type: ignore[arg-type]
    )


def test_a_keep_tells_its_gain() -> None:
    """The metric's name and its effect."""
    kept = experiment("keep", effect=effect(1.25, 1.25, 1.25))
    assert text.outcome(kept, TIME).replace("−", "-") == "time -20.0%"


def test_a_discard_tells_why_and_what_was_measured() -> None:
    """Reason, effect and the first line of the detail."""
    lost = experiment(
        "discard", "no-gain", effect=effect(1.0, 1.0, 1.0), detail="not confirmed\nmore"
    )
    assert text.outcome(lost, TIME) == "no-gain · time +0.0% · not confirmed"


def test_the_loss_of_another_metric_is_not_the_first_ones() -> None:
    """The effect of a regression is that of the metric that its detail names."""
    found = effect(0.8, 0.8, 0.8, "metric")
    accuracy = Metric("accuracy", "higher", unit="%")
    detail = "size became 19.2% worse"
    lost = experiment("discard", "regression", effect=found, detail=detail)
    assert text.outcome(lost, accuracy) == "regression · accuracy 91.5% · size became 19.2% worse"
    own = experiment("discard", "regression", effect=found, detail="accuracy became 20.0% worse")
    assert "accuracy 91.5% (-20.0%)" in text.outcome(own, accuracy).replace("−", "-")


def test_a_failed_guard_is_named() -> None:
    """The node id says more than its message's first line."""
    guard = GuardReport(False, "discard", "guard", "tests/test_a.py::test_b", "assert 1 == 2")
    failed = experiment("discard", "guard", guard=guard, detail="assert 1 == 2")
    assert text.outcome(failed, TIME).endswith("tests/test_a.py::test_b")
    assert "assert" not in text.outcome(failed, TIME)


def test_a_crash_tells_its_first_line() -> None:
    """Without a guard to name, what happened."""
    crashed = experiment("crash", "no-verdict", detail="the process ended with status 3\noutput")
    assert text.outcome(crashed, TIME) == "no-verdict · the process ended with status 3"


def test_a_metric_tells_its_value() -> None:
    """What a fixture returned is shown beside its change."""
    kept = experiment("keep", effect=effect(1.1, 1.1, 1.1, "metric"))
    told = text.outcome(kept, Metric("accuracy", "higher", "%"))
    assert "91.5%" in told
    assert "+10.0%" in told
