"""`pytest-autoloop show`: tells all of one experiment."""

from __future__ import annotations

import math
from itertools import chain
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands, versions
from pytest_autoloop.cli.arguments import add_color, add_command
from pytest_autoloop.cli.style import STATUS, Style
from pytest_autoloop.history.records import encode
from pytest_autoloop.reporting.document import experiment_document

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Experiment, GuardReport, Pair

#: Of the journal's own fields, those that `show --json` has beside the usual ones.
_FIELDS = (
    *("target", "timestamp", "elapsed", "search", "assurance", "fingerprint", "stages", "news"),
    *("guard", "verified", "pairs", "diff_lines", "diff"),
)
_OUTPUT = 40


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "show",
        _run,
        summary="tell all of one experiment: decision, guards, measurements, cost and diff",
        example="pytest-autoloop show 12\npytest-autoloop show best --tag nov20",
    )
    command.add_argument("number", metavar="N", help="number of the experiment, best or first")
    versions.add_campaign(command)
    add_color(command)


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    experiment = record.experiment(versions.find(record, options.number).number)
    if options.json:
        encoded = encode(experiment)
        told = {name: encoded[name] for name in _FIELDS}
        commands.print_json({"tag": record.tag, **experiment_document(experiment), **told})
        return
    style = Style.of(options.color)
    parts = (_head(record, experiment, style), _guard(experiment.guard), _pairs(record, experiment))
    for line in chain(*parts):
        print(line)
    if experiment.diff:
        print()
        for line in versions.colored(experiment.diff, style):
            print(line)


def _head(record: Record, experiment: Experiment, style: Style) -> Iterator[str]:
    """Yield what became of it, and where it is."""
    reason = f" ({experiment.reason})" if experiment.reason else ""
    status = style.paint(experiment.status + reason, STATUS[experiment.status], "bold")
    told = text.visible(experiment.description)
    yield f"{record.tag}/{experiment.number:03}  {status}  {told}"
    primary = record.primary(experiment)
    metrics = record.metrics.get(experiment.target or record.targets[0], ())
    units = {metric.name: metric.unit for metric in metrics}
    values = ", ".join(
        f"{text.visible(name)} {text.value(value, units.get(name, ''))}"
        for name, value in experiment.metrics.items()
        if value is not None
    )
    effect = experiment.effect
    about = {
        "target": experiment.target or record.targets[0],
        "metrics": values,
        "effect": "" if effect is None else text.effect(effect, primary.direction),
        "verified": "" if experiment.verified is None else text.gain(experiment.verified),
        "detail": "" if experiment.guard and not experiment.guard.passed else experiment.detail,
        "flags": ", ".join(experiment.flags),
        "news": "\n".join(experiment.news),
        "proposer": experiment.proposer,
        "search": f"{experiment.search}, from {_name(record, experiment.parent)}"
        if experiment.parent
        else "",
        "commit": experiment.commit or "none: it was refused before",
        "when": experiment.timestamp,
        "took": f"{experiment.seconds:.1f} s{_stages(experiment)}",
        "cost": _cost(experiment),
        "assurance": experiment.assurance,
    }
    for name, value in about.items():
        for number, line in enumerate(value.splitlines()):
            yield f"  {name if not number else '':10}{text.visible(line)}"


def _name(record: Record, commit: str) -> str:
    """Return what a commit is called in the campaign."""
    made = [e.number for e in record.experiments if e.commit == commit]
    return f"{made[0]:03}" if made else commit[:10]


def _stages(experiment: Experiment) -> str:
    spent = (f"{name} {seconds:.1f}" for name, seconds in experiment.stages.items() if seconds)
    told = ", ".join(spent)
    return f" ({told})" if told else ""


def _cost(experiment: Experiment) -> str:
    parts = []
    if experiment.tokens_used is not None:
        parts.append(f"{experiment.tokens_used:,} tokens")
    if experiment.cost_usd is not None:
        parts.append(f"${experiment.cost_usd:.4f}")
    return ", ".join(parts)


def _guard(guard: GuardReport | None) -> Iterator[str]:
    """Yield which guard refused it, and what it said."""
    if guard is None or guard.passed:
        return
    yield ""
    yield f"guard failed: {text.visible(guard.test)}" if guard.test else "the guards failed"
    said = (guard.output or guard.message).splitlines()
    if len(said) > _OUTPUT:
        yield f"  … {len(said) - _OUTPUT} lines before"
    for line in said[-_OUTPUT:]:
        yield f"  {text.visible(line)}".rstrip()


def _pairs(record: Record, experiment: Experiment) -> Iterator[str]:
    """Yield what each pair measured in the metric to improve, incumbent before candidate."""
    primary = record.primary(experiment)
    measured = [
        (pair.incumbent.metrics[primary.name], pair.candidate.metrics[primary.name])
        for pair in experiment.pairs
        if primary.name in pair.incumbent.metrics and primary.name in pair.candidate.metrics
    ]
    if not measured:
        factors = [
            text.factor(gain) for pair in experiment.pairs if (gain := _timed(pair)) is not None
        ]
        if factors:
            count = text.count(len(factors), "pair")
            yield f"  {'measured':10}{count}, times as fast: {' '.join(factors)}"
        return
    yield f"  {'measured':10}{text.count(len(measured), 'pair')}, incumbent → candidate:"
    for before, after in measured:
        told = (text.value(value, primary.unit) for value in (before, after))
        yield f"  {'':10}{' → '.join(told)}"


def _timed(pair: Pair) -> float | None:
    """Return the log gain of one pair, the mean over its benchmarks; None where none was timed."""
    before, after = pair.incumbent.warm, pair.candidate.warm
    both = [name for name in before if before[name] > 0 and after.get(name, 0.0) > 0]
    return fmean(math.log(before[name] / after[name]) for name in both) if both else None
