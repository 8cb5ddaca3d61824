"""What the page holds, gathered one experiment at a time, so that a long campaign costs no more.

A row of each experiment is what chart and table show; the browser unpacks all of them at once. What
is told of an experiment when it is opened is packed in blocks, and unpacked when it is.
"""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.history.records import decode_record
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import TIME, Metric
from pytest_autoloop.reporting.html.details import details, prompt_tokens, rounded, shown
from pytest_autoloop.reporting.html.packing import Packer, dumps
from pytest_autoloop.shortening import standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.model import Effect, Experiment, Json

#: The last experiments, which an open page is told of; one that lags further loads itself anew.
RECENT = 32
#: Characters of a description in the table.
_DESCRIPTION = 200
_SHORT = 12


class Collected:
    """The experiments of one campaign, ready to be put into a page."""

    def __init__(self) -> None:
        #: JSON of each row, in the order in which they were recorded.
        self.rows: list[str] = []
        #: The last few, each with its row and what is told of it.
        self.recent: deque[str] = deque(maxlen=RECENT)
        self._packer = Packer()
        self._numbers: dict[str, int] = {}
        #: The baseline and the keeps of each target, which say how far it has come.
        self._kept: dict[str, list[Row]] = {}
        self._levels: dict[str, float] = {}

    def add(self, experiment: Experiment, metrics: Sequence[Metric]) -> None:
        """Take an experiment in, with the metrics of its target."""
        row, told = dumps(self._row(experiment, metrics)), details(experiment, metrics)
        self.rows.append(row)
        self.recent.append(f'{{"row":{row},"detail":{dumps(told)}}}')
        self._packer.add(told)

    def blocks(self) -> list[str]:
        """Return what is told of each experiment, packed."""
        return self._packer.blocks()

    def _row(self, experiment: Experiment, metrics: Sequence[Metric]) -> list[Json]:
        """Return what chart and table show; `rows.js` names the places."""
        effect, guard = experiment.effect, experiment.guard
        primary = metrics[0]
        self._numbers[experiment.commit] = experiment.number
        failed = guard.test if guard is not None and experiment.reason == "guard" else ""
        return [
            experiment.number,
            experiment.status,
            shown(experiment.reason, _DESCRIPTION),
            shown(experiment.description, _DESCRIPTION),
            shown(experiment.target, _DESCRIPTION),
            [rounded(experiment.metrics.get(one.name)) for one in metrics],
            _value(experiment, primary),
            None if effect is None else _effect(effect, primary),
            "" if effect is None else text.effect(effect, primary.direction),
            self._level(experiment),
            rounded(experiment.seconds),
            experiment.tokens_used,
            rounded(experiment.cost_usd),
            shown(experiment.proposer, _DESCRIPTION),
            shown(failed, _DESCRIPTION),
            experiment.commit[:_SHORT],
            self._numbers.get(experiment.parent),
            rounded(experiment.elapsed),
            [shown(flag, _DESCRIPTION) for flag in experiment.flags],
            prompt_tokens(experiment),
        ]

    def _level(self, experiment: Experiment) -> float | None:
        """Return its log gain over the target's baseline; None when it was not measured.

        Stored values drift with the machine; what was measured side by side adds up.
        """
        target, row = experiment.target, Row.of(experiment)
        if row.status == "baseline":
            self._kept[target], self._levels[target] = [row], 0.0
        elif row.status == "keep" and target in self._kept:
            self._kept[target].append(row)
            self._levels[target] = standing(self._kept[target]).claimed
        elif row.log_gain is None or target not in self._levels:
            return None
        else:
            return rounded(self._levels[target] + row.log_gain)
        return rounded(self._levels.get(target))


def metrics_of(header: Mapping[str, Json], target: str, names: Iterable[str]) -> tuple[Metric, ...]:
    """Return a target's metrics, the one to improve first; `names` where the header has none.

    Raises:
        JournalError: the header holds what is no metric.
    """
    manifests = header.get("manifests")
    known = manifests if isinstance(manifests, dict) else {}
    # Before there could be several targets, an experiment did not name its own.
    manifest = known.get(target) or next(iter(known.values()), None)
    listed = manifest.get("metrics") if isinstance(manifest, dict) else None
    if isinstance(listed, list) and listed:
        return tuple(decode_record(Metric, one, "a metric of the header") for one in listed)
    return tuple(Metric(name, "lower") for name in names) or (Metric("score", "lower"),)


def facts(header: Mapping[str, Json], tag: str) -> dict[str, Json]:
    """Return what holds for the whole campaign: what is improved, by whom, judged by what, where.

    Raises:
        JournalError: the header holds what is no metric.
    """
    manifests = header.get("manifests")
    known = manifests if isinstance(manifests, dict) else {}
    listed = header.get("targets") or [header.get("target", "")]
    names = [str(name) for name in listed] if isinstance(listed, list) else [str(listed)]
    environment = header.get("environment")
    return {
        "tag": tag,
        "branch": f"autoexp/{tag}",
        "commit": _text(header.get("commit")),
        "proposer": _text(header.get("proposer")),
        "launcher": _text(header.get("launcher")),
        "sandbox": _text(header.get("sandbox")),
        "assurance": _text(header.get("assurance")),
        "not_isolated": _text(header.get("not_isolated")),
        "environment": (
            [[_text(name), _text(value)] for name, value in environment.items()]
            if isinstance(environment, dict)
            else []
        ),
        "targets": [_target(header, name, known.get(name)) for name in names],
    }


def _target(header: Mapping[str, Json], name: str, manifest: Json) -> dict[str, Json]:
    found = manifest if isinstance(manifest, dict) else {}
    columns = header.get("columns")
    fallback = [str(column) for column in columns] if isinstance(columns, list) else []
    counted = {key: _list(found.get(key)) for key in _HARNESS}
    return {
        "name": _text(name),
        "metrics": [
            {
                "name": _text(metric.name),
                "direction": metric.direction,
                "unit": _text(metric.unit),
                "at_least": metric.at_least,
                "at_most": metric.at_most,
                "description": _text(metric.description),
            }
            for metric in metrics_of(header, name, fallback)
        ],
        **{key: len(listed) for key, listed in counted.items()},
        "listed": [
            _text(node) for key in ("guards", "benchmarks") for node in counted[key][:_LISTED]
        ],
    }


#: What a manifest lists, and how many names of each kind a page holds.
_HARNESS = ("guards", "hidden_guards", "benchmarks", "hidden_benchmarks", "files")
_LISTED = 100


def _list(value: Json) -> list[Json]:
    return list(value) if isinstance(value, (list, dict)) else []


def _text(value: Json) -> str:
    return "" if value is None else shown(str(value), _DESCRIPTION * 2)


def _value(experiment: Experiment, primary: Metric) -> str:
    number = experiment.metrics.get(primary.name)
    return "" if number is None else text.value(number, primary.unit)


def _effect(effect: Effect, primary: Metric) -> list[Json]:
    """Return its gain, its bounds, and whether it speaks of the metric to improve first."""
    timed = effect.basis != "metric"
    bounds: list[Json] = [rounded(effect.low), rounded(effect.high)]
    return [rounded(effect.log_gain), *bounds, timed == (primary.name == TIME.name)]
