"""`pytest-autoloop history`: lists the experiments of a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_color, add_command, add_tag
from pytest_autoloop.cli.style import STATUS, Style, padded, width
from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.document import experiment_document

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Experiment


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "history",
        _run,
        summary="list the experiments of a campaign",
        example="pytest-autoloop history nov20 --status keep",
    )
    add_tag(command)
    command.add_argument("--status", choices=sorted(STATUS), help="only those with this status")
    command.add_argument("--last", type=int, metavar="N", help="only the last N of them")
    add_color(command)


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    if options.last is not None and options.last < 1:
        raise UsageError(f"--last {options.last} lists nothing: give a number from 1 on")
    chosen = [e for e in record.experiments if options.status in {None, e.status}]
    chosen = chosen[-options.last :] if options.last else chosen
    if options.json:
        commands.print_json([experiment_document(one) for one in chosen])
        return
    style = Style.of(options.color)
    for line in _lines(record, chosen, style):
        print(line)
    if not chosen:
        print(f"campaign {record.tag} has no experiment with the status {options.status}")


def _lines(record: Record, experiments: list[Experiment], style: Style) -> list[str]:
    """Return a line for each experiment, in columns."""
    rows = [
        (f"{one.number:03}", one.commit[:10], _status(one), _values(one), _gain(record, one))
        for one in experiments
    ]
    widths = [max(map(width, column), default=0) for column in zip(*rows, strict=True)]
    lines = []
    for one, row in zip(experiments, rows, strict=True):
        cells = [padded(cell, columns) for cell, columns in zip(row, widths, strict=True)]
        taken = sum(widths) + 2 * len(widths)
        told = style.fitted(text.visible(one.description), taken)
        cells[2] = style.paint(cells[2], STATUS[one.status])
        lines.append("  ".join([*cells, told]).rstrip())
    return lines


def _status(experiment: Experiment) -> str:
    return experiment.status + (f" ({experiment.reason})" if experiment.reason else "")


def _values(experiment: Experiment) -> str:
    return " ".join(
        f"{text.visible(name)}={value:.4g}"
        for name, value in experiment.metrics.items()
        if value is not None
    )


def _gain(record: Record, experiment: Experiment) -> str:
    if experiment.effect is None:
        return ""
    return text.effect(experiment.effect, record.primary(experiment).direction).split(" [")[0]
