"""What the page tells of one experiment once it is opened, as plain data.

Everything a candidate or a model said is made visible here, line by line, and cut to what a page
can hold; the page itself only ever sets it as text.
"""

from __future__ import annotations

import math
import statistics
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.decision import gains
from pytest_autoloop.model import TIME

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.decision.gains import Basis
    from pytest_autoloop.model import Effect, Experiment, Json, Metric, Pair, Sample

#: Characters that are shown of a diff, from its begin, and of what a session printed, from its end.
LONGEST_DIFF = 8_000
LONGEST_OUTPUT = 2_000
LONGEST_MESSAGE = 2_000
#: Benchmarks that are shown one by one: those that changed most.
_BENCHMARKS = 20
_DIGITS = 5
#: Zero has no logarithm, and below a nanosecond a clock reads noise.
_CLOCK = 1e-9
#: In how many steps the largest of a series of changes is told.
_STEPS = 999


def details(experiment: Experiment, metrics: Sequence[Metric]) -> dict[str, Json]:
    """Return what is told of an experiment beside its row; what is empty or unknown is left out.

    Args:
        experiment: all of it, with diff and pairs.
        metrics: of its target, the one to improve first.

    """
    guard = experiment.guard
    found: dict[str, Json] = {
        "number": experiment.number,
        "description": shown(experiment.description, LONGEST_MESSAGE),
        "outcome": shown(text.outcome(experiment, metrics[0]), LONGEST_MESSAGE),
        "detail": shown(experiment.detail, LONGEST_MESSAGE),
        "diff": shown(experiment.diff, LONGEST_DIFF),
        "diff_lines": experiment.diff_lines,
        "diff_cut": max(0, len(experiment.diff) - LONGEST_DIFF),
        "timestamp": experiment.timestamp,
        "search": experiment.search,
        "assurance": experiment.assurance,
        "flags": [shown(flag, LONGEST_MESSAGE) for flag in experiment.flags],
        "news": [shown(line, LONGEST_MESSAGE) for line in experiment.news],
        "stages": {name: rounded(seconds) for name, seconds in experiment.stages.items()},
        "metrics": [
            [shown(one.name, LONGEST_MESSAGE), text.value(experiment.metrics[one.name], one.unit)]
            for one in metrics
            if experiment.metrics.get(one.name) is not None
        ],
        "effect": _effect(experiment.effect),
        "verified": "" if experiment.verified is None else text.gain(experiment.verified),
        "series": _series(experiment, metrics),
        "benchmarks": _benchmarks(experiment),
    }
    if guard is not None:
        found["guard"] = {
            "passed": guard.passed,
            "test": shown(guard.test, LONGEST_MESSAGE),
            "message": shown(guard.message, LONGEST_MESSAGE),
            "seconds": rounded(guard.seconds),
            "output": shown(guard.output[-LONGEST_OUTPUT:], LONGEST_OUTPUT),
            "output_cut": max(0, len(guard.output) - LONGEST_OUTPUT),
        }
    return {name: value for name, value in found.items() if value not in ("", None, [], {})}


def prompt_tokens(experiment: Experiment) -> int | None:
    """Return the size of the prompt that it was asked with; None where nobody recorded it."""
    found = getattr(experiment, "prompt_tokens", None)
    return found if isinstance(found, int) else None


def shown(told: str, longest: int) -> str:
    """Return the beginning of a text with what would be obeyed, hidden or reordered escaped."""
    told = told[:longest]
    # Most lines need nothing, and looking at each character of a long diff takes its time.
    return "\n".join(
        line if line.replace("\t", "").isprintable() else text.visible(line)
        for line in told.split("\n")
    )


def rounded(number: float | None) -> float | None:
    """Return a number with five digits, which are more than any picture shows; None if it is none.

    JSON knows neither infinities nor NaN.
    """
    if number is None or not math.isfinite(number):
        return None
    return float(f"{number:.{_DIGITS}g}")


def _effect(effect: Effect | None) -> dict[str, Json]:
    if effect is None:
        return {}
    return {
        "level": effect.level,
        "pairs": effect.pairs,
        "basis": effect.basis,
    }


def _series(experiment: Experiment, metrics: Sequence[Metric]) -> list[Json]:
    """Return both sides of each pair, and its log gain, for every metric that was measured."""
    pairs, effect = experiment.pairs, experiment.effect
    if not pairs or experiment.status == "baseline":
        return []
    found: list[Json] = []
    for metric in metrics:
        if metric.name != TIME.name:
            known = [p for p in pairs if all(metric.name in s.metrics for s in _sides(p))]
            if known:
                found.append({**_named(metric, ""), **_values(known, metric)})
            continue
        bases: list[Basis] = ["warm", "first"] if effect and effect.basis == "first" else ["warm"]
        for basis in bases:
            known = [pair for pair in pairs if _shared(pair, basis)]
            if known:
                times = [_mean(pair.incumbent, _shared(pair, basis), basis) for pair in known]
                gained = _few([gains.time_gain(pair, basis) for pair in known])
                found.append({**_named(metric, basis), **_close(times), "gains": gained})
    return found


def _values(pairs: Sequence[Pair], metric: Metric) -> dict[str, Json]:
    """Return both sides of each pair, and its gain, of a metric that a fixture returned."""
    return {
        "incumbent": [rounded(pair.incumbent.metrics[metric.name]) for pair in pairs],
        "candidate": [rounded(pair.candidate.metrics[metric.name]) for pair in pairs],
        "gains": [rounded(gains.metric_gain(pair, metric)) for pair in pairs],
    }


def _named(metric: Metric, basis: str) -> dict[str, Json]:
    return {
        "name": shown(metric.name, LONGEST_MESSAGE),
        "what": "first calls" if basis == "first" else "",
        "unit": metric.unit,
    }


def _close(times: Sequence[float]) -> dict[str, Json]:
    """Return the incumbent's times as their mean and small steps from it.

    The candidate's are what the gains make of them.
    """
    mean = statistics.fmean(times)
    return {"mean": rounded(mean), "incumbent": _few([time / mean - 1 for time in times])}


def _few(numbers: Sequence[float]) -> list[Json]:
    """Return numbers as one step, and each as a count of it: a thousandth of the largest.

    A picture shows no more, and a page with a thousand experiments would hold little else.
    """
    step = rounded(max(map(abs, numbers)) / _STEPS) or 1.0
    return [step, *(round(number / step) for number in numbers)]


def _sides(pair: Pair) -> tuple[Sample, Sample]:
    return pair.incumbent, pair.candidate


def _shared(pair: Pair, basis: Basis) -> list[str]:
    before, after = (s.first if basis == "first" else s.warm for s in _sides(pair))
    return sorted(before.keys() & after.keys())


def _mean(sample: Sample, names: Sequence[str], basis: Basis) -> float:
    """Return the geometric mean of the times of some benchmarks."""
    times = sample.first if basis == "first" else sample.warm
    return math.exp(statistics.fmean(math.log(max(times[name], _CLOCK)) for name in names))


def _benchmarks(experiment: Experiment) -> list[Json]:
    """Return the mean log gain of each benchmark, the largest change first; nothing for one."""
    pairs = [pair for pair in experiment.pairs if _shared(pair, "warm")]
    if not pairs or experiment.status == "baseline":
        return []
    names = set.intersection(*(set(_shared(pair, "warm")) for pair in pairs))
    if len(names) < 2:  # noqa: PLR2004 - one alone is what the series shows
        return []
    each = gains.time_gains_by_benchmark(pairs, "warm")
    means = [(statistics.fmean(each[name]), name) for name in sorted(names)]
    means.sort(key=lambda mean: -abs(mean[0]))
    return [[shown(name, LONGEST_MESSAGE), rounded(mean)] for mean, name in means[:_BENCHMARKS]]
