"""What the progress chart shows, as plain data: from experiments to points, steps and an axis.

Times that were measured in different hours are not comparable, so the axis is not the time. Every
effect is a ratio of two versions that ran side by side: the product of those of the keeps is how
far the best has come from the baseline, and an experiment stands at the best of its time multiplied
by its own effect. Scores without noise are the same in every hour, and are shown as they are.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.records import decode_record
from pytest_autoloop.model import TIME, Metric
from pytest_autoloop.reporting.chart.heights import NOWHERE, bound, factor, heights

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.model import Effect, Experiment, Json, Status
    from pytest_autoloop.reporting.chart.heights import Interval

#: `gain`: factor over the baseline, the baseline is 1. `value`: what a metric gave, in its unit.
Kind: TypeAlias = Literal["gain", "value"]

#: How many times the worst the best of a run has to be for a logarithmic axis.
_WIDE = 10
_MIXED = (
    "some gains are those of first calls, others of warm ones: their product is only roughly right"
)
_HOURS = "as measured at the time: in another hour the machine may have been faster or slower"
_BASELINES = "each baseline begins anew: gains over different baselines are not multiplied"


@dataclass(frozen=True, slots=True)
class Axis:
    """What the height of a point means."""

    kind: Kind
    #: What the values are called, and their unit; empty for factors.
    label: str
    unit: str = ""
    #: Where better lies; empty where the record does not tell.
    better: Literal["higher", "lower", ""] = "higher"
    #: Whether equal ratios are to have equal heights.
    logarithmic: bool = True


@dataclass(frozen=True, slots=True)
class Point:
    """One experiment; its texts are a candidate's and have to be escaped."""

    number: int
    status: Status
    reason: str
    description: str
    #: On the panel's axis; None where it was not measured.
    value: float | None = None
    #: Interval of `value`; None where there is none, as with scores that have no noise.
    low: float | None = None
    high: float | None = None
    #: Log gain over the best of its time; for choosing which keeps to name.
    log_gain: float | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """The best, from one experiment on."""

    number: int
    value: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """The experiments with one target."""

    #: Name of the target: a path, and a symbol of it behind two colons.
    target: str
    axis: Axis
    points: tuple[Point, ...]
    #: The best as steps, one list of them for each baseline; never joined with each other.
    runs: tuple[tuple[Step, ...], ...]
    #: How many experiments have each status.
    counts: dict[Status, int] = field(default_factory=dict)
    #: The gain of the best over the baseline on fresh pairs, as a factor; None where not audited.
    audit: Step | None = None
    #: Sentences without which the picture would mislead.
    notes: tuple[str, ...] = ()

    @property
    def best(self) -> Step | None:
        """Where the best stands; None where nothing is known of any."""
        return self.runs[-1][-1] if self.runs else None


@dataclass(frozen=True, slots=True)
class Chart:
    """One campaign: a panel for each target, over the same numbers of experiments."""

    tag: str
    panels: tuple[Panel, ...]


def chart_of(
    tag: str,
    experiments: Sequence[Experiment],
    header: Mapping[str, Json],
    *,
    metric: str | None = None,
    audits: Mapping[str, Effect] | None = None,
) -> Chart:
    """Return what is drawn of a campaign.

    Without a `metric` a panel shows the gain over the baseline, or the values of a score that has
    no noise; with one it shows that metric's values, for those targets that are scored by it.

    Args:
        tag: name of the campaign.
        experiments: in the order of the journal; lean ones will do.
        header: of the journal, for the metrics and the name of the target.
        metric: name of the metric whose values are shown.
        audits: the audited effect of each target that has one, by name.

    Raises:
        UsageError: no target is scored by that metric; the message names those that there are.
        JournalError: the header tells of a metric what cannot be.

    """
    only = str(header.get("target") or "")
    grouped: dict[str, list[Experiment]] = {}
    for experiment in experiments:
        grouped.setdefault(experiment.target or only, []).append(experiment)
    metrics = {target: _metrics(target, header, own) for target, own in grouped.items()}
    if metric is not None:
        known = dict.fromkeys(one.name for group in metrics.values() for one in group)
        if metric not in known:
            raise UsageError(
                f"campaign {tag} has no metric {metric!r}; there is: {', '.join(known) or 'none'}"
            )
    panels = tuple(
        _panel(target, own, header, metric, (audits or {}).get(target))
        for target, own in grouped.items()
        if metric is None or metric in {one.name for one in metrics[target]}
    )
    return Chart(tag, panels)


def document(chart: Chart) -> dict[str, Json]:
    """Return a chart as objects, lists, strings and finite numbers."""
    return cast("dict[str, Json]", asdict(chart))


def _panel(
    target: str,
    experiments: Sequence[Experiment],
    header: Mapping[str, Json],
    name: str | None,
    audit: Effect | None,
) -> Panel:
    metrics = _metrics(target, header, experiments)
    counts = dict(Counter(experiment.status for experiment in experiments))
    shown = next((one for one in metrics if one.name == name), metrics[0] if metrics else None)
    exact = _exact(experiments)
    as_value = shown is not None and (name is not None or exact)
    if as_value:
        assert shown is not None
        points = _values(experiments, shown, alone=len(metrics) == 1)
        better = shown.direction if _told(target, header) else ""
        axis = Axis("value", shown.name, shown.unit, better, _wide(points))
        notes = [] if exact else [_HOURS]
    else:
        points = _gains(experiments)
        # With several metrics an effect is that in the one which decided; nobody knows which.
        within = f" in {metrics[0].name}" if len(metrics) == 1 else ""
        axis = Axis("gain", f"gain{within} over the baseline")
        notes = [_MIXED] if _mixed(experiments) else []
    baselines = sum(experiment.status == "baseline" for experiment in experiments)
    if baselines > 1 and not as_value:
        notes.append(_BASELINES)
    found = None
    if audit is not None:
        number = experiments[-1].number
        found = Step(number, factor(audit.log_gain), bound(audit.low), bound(audit.high))
    return Panel(target, axis, points, _runs(points), counts, found, tuple(notes))


def _gains(experiments: Sequence[Experiment]) -> tuple[Point, ...]:
    return tuple(
        _point(one, None)
        if height is None
        else _point(one, factor(height.log_gain), height.interval)
        for one, height in zip(experiments, heights(experiments), strict=True)
    )


def _mixed(experiments: Sequence[Experiment]) -> bool:
    """Tell whether keeps were chosen by first calls and by warm ones: those do not multiply."""
    kept = {e.effect.basis for e in experiments if e.status == "keep" and e.effect is not None}
    return len(kept) > 1


def _values(experiments: Sequence[Experiment], metric: Metric, *, alone: bool) -> tuple[Point, ...]:
    """Return the experiments at what they measured; `alone` where effects speak of that metric."""
    points = []
    for one in experiments:
        value, around = one.metrics.get(metric.name), NOWHERE
        if alone and one.effect is not None and value is not None:
            around = _around(value, one.effect, metric)
        points.append(_point(one, value, around))
    return tuple(points)


def _wide(points: Sequence[Point]) -> bool:
    """Tell whether the best has come so far that only ratios can be seen."""
    values = [p.value for p in points if p.value is not None and p.status in {"baseline", "keep"}]
    return bool(values) and min(values) > 0 and max(values) > _WIDE * min(values)


def _around(value: float, effect: Effect, metric: Metric) -> Interval:
    """Return a value with the relative interval of its effect; none for first calls.

    The values of benchmarks are those of warm calls.
    """
    if value <= 0 or effect.low == effect.high or effect.basis == "first":
        return NOWHERE
    below, above = effect.log_gain - effect.low, effect.high - effect.log_gain
    if metric.direction == "lower":
        below, above = above, below
    return bound(math.log(value) - below), bound(math.log(value) + above)


def _exact(experiments: Sequence[Experiment]) -> bool:
    """Tell whether every effect is that of a score without noise."""
    effects = [one.effect for one in experiments if one.effect is not None]
    return bool(effects) and all(
        effect.basis == "metric" and effect.low == effect.high for effect in effects
    )


def _point(experiment: Experiment, value: float | None, around: Interval = NOWHERE) -> Point:
    effect = experiment.effect
    return Point(
        experiment.number,
        experiment.status,
        experiment.reason,
        experiment.description,
        value,
        *around,
        None if effect is None else effect.log_gain,
    )


def _runs(points: Sequence[Point]) -> tuple[tuple[Step, ...], ...]:
    runs: list[list[Step]] = []
    for point in points:
        if point.status not in {"baseline", "keep"} or point.value is None:
            continue
        if point.status == "baseline" or not runs:
            runs.append([])
        runs[-1].append(Step(point.number, point.value, point.low, point.high))
    return tuple(map(tuple, runs))


def _metrics(
    target: str, header: Mapping[str, Json], experiments: Sequence[Experiment]
) -> tuple[Metric, ...]:
    """Return what scores a target, the metric to improve first at the front.

    A record whose header does not tell has the names alone; then nobody knows which way is better.
    """
    told = _told(target, header)
    if told:
        return tuple(
            decode_record(Metric, record, f"a metric of {target} in campaign.json")
            for record in told
        )
    names = dict.fromkeys(name for experiment in experiments for name in experiment.metrics)
    return tuple(TIME if name == TIME.name else Metric(name, "higher") for name in names)


def _told(target: str, header: Mapping[str, Json]) -> list[Json]:
    """Return the metrics that a header tells of a target."""
    manifests = header.get("manifests")
    manifest = manifests.get(target) if isinstance(manifests, dict) else None
    told = manifest.get("metrics") if isinstance(manifest, dict) else None
    return told if isinstance(told, list) else []
