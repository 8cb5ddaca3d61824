"""What the progress chart shows, from experiments and a header alone."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.records import encode_record
from pytest_autoloop.model import TIME, Effect, Experiment, Metric
from pytest_autoloop.reporting.chart.points import chart_of, document
from pytest_autoloop.shortening import SIMPLER
from tests.reporting.test_ending import experiment, gained

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Json
    from pytest_autoloop.reporting.chart.points import Panel

ACCURACY = Metric("accuracy", "higher", "%")
BASELINE = experiment(0, "baseline")


def header_of(**metrics: Sequence[Metric]) -> dict[str, Json]:
    """Return a header that tells the metrics of each target."""
    manifests: dict[str, Json] = {
        target: {"metrics": [encode_record(one, target) for one in own]}
        for target, own in metrics.items()
    }
    return {"target": next(iter(metrics)), "manifests": manifests}


def panel(
    *experiments: Experiment, metrics: Sequence[Metric] = (TIME,), metric: str | None = None
) -> Panel:
    """Return the panel of the only target."""
    chart = chart_of("nov20", experiments, header_of(a=metrics), metric=metric)
    (only,) = chart.panels
    return only


def exact(gain: float) -> Effect:
    """Return the effect of a score without noise."""
    return Effect(gain, gain, gain, 1.0, 1, "metric")


def test_gains_of_keeps_multiply() -> None:
    """A time of another hour is never compared: what the keeps won side by side is."""
    found = panel(
        BASELINE,
        experiment(1, effect=gained(math.log(2))),
        experiment(2, "discard", "no-gain", effect=gained(math.log(0.5))),
        experiment(3, effect=gained(math.log(3))),
        experiment(4, "explore", effect=gained(math.log(1.5))),
    )
    assert [point.value for point in found.points] == pytest.approx([1, 2, 1, 6, 9])
    assert [[step.number for step in run] for run in found.runs] == [[0, 1, 3]]
    assert found.best is not None
    assert found.best.value == pytest.approx(6)
    assert found.axis.kind == "gain"
    assert found.axis.label == "gain in time over the baseline"


def test_errors_of_keeps_add_up_in_quadrature() -> None:
    """The more measurements a gain rests on, the wider its interval."""
    found = panel(
        BASELINE, experiment(1, effect=gained(0.3)), experiment(2, effect=gained(0.2))
    ).best
    assert found is not None
    half = math.sqrt(0.01**2 + 0.01**2)
    assert (found.low, found.high) == pytest.approx((math.exp(0.5 - half), math.exp(0.5 + half)))


def test_a_bound_that_is_unknown_stays_so() -> None:
    """It is not 0, and JSON knows no infinity."""
    unbounded = Effect(0.3, -math.inf, 0.4)
    found = panel(BASELINE, experiment(1, effect=unbounded), experiment(2, effect=gained(0.1)))
    assert [point.low for point in found.points] == [None, None, None]
    assert found.points[1].high == pytest.approx(math.exp(0.4))


def test_what_was_not_measured_has_no_value() -> None:
    """A crash is somewhere on the axis of numbers, nowhere on that of gains."""
    crash = experiment(1, "crash", "no-verdict", effect=None)
    found = panel(BASELINE, crash, experiment(2, "discard", "guard"))
    assert [point.value for point in found.points] == [1.0, None, None]
    assert found.counts == {"baseline": 1, "crash": 1, "discard": 1}


def test_a_simplification_stands_over_the_version_it_was_held_against() -> None:
    """Its effect is that over the last version kept for a gain, not over the best before it."""
    found = panel(
        BASELINE,
        experiment(1, effect=gained(math.log(2))),
        experiment(2, reason=SIMPLER, effect=gained(math.log(0.98))),
        experiment(3, reason=SIMPLER, effect=gained(math.log(0.99))),
        experiment(4, effect=gained(math.log(1.5))),
    )
    values = [point.value for point in found.points]
    assert values == pytest.approx([1, 2, 1.96, 1.98, 2.97])


def test_each_baseline_begins_anew() -> None:
    """Gains over another harness are not multiplied with earlier ones."""
    found = panel(
        BASELINE,
        experiment(1, effect=gained(1.0)),
        experiment(2, "baseline"),
        experiment(3, effect=gained(0.5)),
    )
    assert [[step.number for step in run] for run in found.runs] == [[0, 1], [2, 3]]
    assert found.best is not None
    assert found.best.value == pytest.approx(math.exp(0.5))
    assert any("each baseline" in note for note in found.notes)


def test_first_and_warm_calls_in_one_product_are_told() -> None:
    """They are different times."""
    first = replace(gained(0.3), basis="first")
    found = panel(BASELINE, experiment(1, effect=gained(0.1)), experiment(2, effect=first))
    assert any("first calls" in note for note in found.notes)


def test_a_score_without_noise_is_shown_as_it_is() -> None:
    """It is the same in every hour."""
    scores = (40.0, 60.0, 50.0, None)
    zero, one, two, three = ({"accuracy": score} for score in scores)
    found = panel(
        replace(BASELINE, metrics=zero),
        experiment(1, metrics=one, effect=exact(0.4)),
        experiment(2, "discard", "no-gain", metrics=two, effect=exact(-0.2)),
        experiment(3, "discard", "guard", metrics=three),
        metrics=[ACCURACY],
    )
    assert [point.value for point in found.points] == list(scores)
    assert found.axis.kind == "value"
    assert (found.axis.label, found.axis.unit, found.axis.better) == ("accuracy", "%", "higher")
    assert found.notes == ()


def test_times_are_shown_when_asked_for_and_told_to_be_of_their_hour() -> None:
    """With the relative interval of the effect around each, turned round: less is better."""
    found = panel(BASELINE, experiment(1, effect=Effect(0.5, 0.4, 0.7)), metric="time")
    assert [point.value for point in found.points] == [0.004, 0.002]
    assert found.points[1].low == pytest.approx(0.002 * math.exp(-0.2))
    assert found.points[1].high == pytest.approx(0.002 * math.exp(0.1))
    assert found.axis.better == "lower"
    assert any("as measured at the time" in note for note in found.notes)


def test_values_of_one_of_several_metrics_have_no_interval() -> None:
    """The effect may be that of another one."""
    found = panel(
        BASELINE, experiment(1, effect=gained(0.5)), metrics=[ACCURACY, TIME], metric="time"
    )
    assert [(point.low, point.high) for point in found.points] == [(None, None)] * 2
    assert panel(BASELINE, metrics=[ACCURACY, TIME]).axis.label == "gain over the baseline"


def test_each_target_has_a_panel() -> None:
    """Their gains have nothing to do with each other; a metric shows those that it scores."""
    header = header_of(a=[TIME], b=[ACCURACY])
    experiments = [
        replace(BASELINE, target="a"),
        experiment(1, target="a", effect=gained(0.5)),
        experiment(2, "baseline", target="b"),
    ]
    chart = chart_of("t", experiments, header, audits={"a": gained(0.4)})
    assert [one.target for one in chart.panels] == ["a", "b"]
    assert chart.panels[0].audit is not None
    assert chart.panels[0].audit.value == pytest.approx(math.exp(0.4))
    assert chart.panels[1].audit is None
    assert [one.target for one in chart_of("t", experiments, header, metric="accuracy").panels] == [
        "b"
    ]
    with pytest.raises(UsageError, match=r"no metric 'speed'; there is: time, accuracy"):
        chart_of("t", experiments, header, metric="speed")


def test_a_record_without_a_header_is_shown_all_the_same() -> None:
    """Nobody knows then which way is better."""
    one = experiment(1, metrics={"size": 3.0}, effect=exact(0.1))
    (found,) = chart_of("t", [replace(BASELINE, metrics={"size": 4.0}), one], {}).panels
    assert (found.axis.label, found.axis.better) == ("size", "")


def test_a_chart_is_strict_json() -> None:
    """Whatever the effect is, a page has to be able to read it."""
    chart = chart_of("t", [BASELINE, experiment(1, effect=gained(9999.0))], {})
    written = json.dumps(document(chart), allow_nan=False)
    assert json.loads(written)["panels"][0]["points"][1]["status"] == "keep"
