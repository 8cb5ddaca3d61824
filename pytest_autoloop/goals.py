"""The value that a metric is to reach before a campaign ends, and the units it may be given in."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Metric
    from pytest_autoloop.option_types import Goal

#: What each unit is, in the first one of its family.
_FAMILIES: tuple[dict[str, float], ...] = (
    {
        "s": 1.0,
        "sec": 1.0,
        "second": 1.0,
        "seconds": 1.0,
        "ms": 1e-3,
        "us": 1e-6,
        "\u03bcs": 1e-6,
        "ns": 1e-9,
        "min": 60.0,
        "h": 3600.0,
    },
    {
        "B": 1.0,
        "byte": 1.0,
        "bytes": 1.0,
        "kB": 1e3,
        "KB": 1e3,
        "MB": 1e6,
        "GB": 1e9,
        "TB": 1e12,
        "KiB": 2.0**10,
        "MiB": 2.0**20,
        "GiB": 2.0**30,
        "TiB": 2.0**40,
    },
    {"share": 1.0, "ratio": 1.0, "fraction": 1.0, "%": 0.01},
)


@dataclass(frozen=True, slots=True)
class Until:
    """A value that a metric is to reach, in the metric's own unit."""

    metric: str
    value: float
    #: Whether the value is a lower bound, as for a score; else an upper one, as for a time.
    at_least: bool
    unit: str = ""
    #: As the user wrote it, for messages.
    written: str = ""

    @classmethod
    def of(cls, goal: Goal, metrics: Sequence[Metric]) -> Until:
        """Find the metric of a goal and turn the goal's value into the metric's unit.

        Raises:
            UsageError: no metric has that name, the units do not fit, or the goal lies against the
                metric's direction, so that anything would reach it.
        """
        option = "--autoloop-until"
        relation = ">=" if goal.at_least else "<="
        written = f"{goal.metric}{relation}{goal.value:.12g}{goal.unit}"
        metric = next((one for one in metrics if one.name == goal.metric), None)
        if metric is None:
            names = ", ".join(one.name for one in metrics)
            raise UsageError(
                f"{option} {written}: there is no metric {goal.metric!r}; name one of: {names}"
            )
        if goal.at_least != (metric.direction == "higher"):
            other = "<=" if goal.at_least else ">="
            raise UsageError(
                f"{option} {written}: {metric.name} is to become {metric.direction}, so this is no "
                f"goal but a bound that it leaves; write {metric.name}{other}VALUE"
            )
        factor = _factor(goal.unit, metric)
        if factor is None:
            own = f"the unit {metric.unit!r}" if metric.unit else "no unit"
            fitting = _fitting(metric)
            others = f", or write one of: {', '.join(fitting)}" if fitting else ""
            raise UsageError(
                f"{option} {written}: {metric.name} has {own}, to which {goal.unit!r} does not "
                f"fit; leave the unit out for the metric's own{others}"
            )
        return cls(metric.name, goal.value * factor, goal.at_least, metric.unit, written)

    def reached_by(self, value: float | None) -> bool:
        """Tell whether a value of the metric is as good as this; an unknown one is not."""
        if value is None or math.isnan(value):
            return False
        return value >= self.value if self.at_least else value <= self.value


def _factor(unit: str, metric: Metric) -> float | None:
    """Return what a value in one unit is multiplied by for a metric's own; None if it cannot be."""
    wanted, own = (unicodedata.normalize("NFKC", one.strip()) for one in (unit, metric.unit))
    if wanted in {"", own}:
        return 1.0
    family = _family(metric)
    if wanted not in family:
        return None
    return family[wanted] / family.get(own, 1.0)


def _family(metric: Metric) -> dict[str, float]:
    own = unicodedata.normalize("NFKC", metric.unit.strip())
    # A number without a unit is a share only where its bound says so: 95% of it may be 0.95 or 95.
    if not own and metric.at_most == 1:
        own = "share"
    return next((family for family in _FAMILIES if own in family), {})


def _fitting(metric: Metric) -> list[str]:
    """Return units that a goal for a metric may have, the long names left out."""
    own = [metric.unit] if metric.unit else []
    shown = [unit for unit in _family(metric) if len(unit) <= 3 and unit not in own]  # noqa: PLR2004
    return own + shown
