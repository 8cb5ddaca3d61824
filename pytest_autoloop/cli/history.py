"""`pytest-autoloop history`: lists the experiments of a campaign."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_color, add_command, add_tag, whole_number
from pytest_autoloop.cli.style import STATUS, Style, padded, width
from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.document import experiment_document

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Experiment

#: Columns from which on a line has room for the commit.
_WIDE = 100


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
    command.add_argument("--last", type=whole_number, metavar="N", help="only the last N of them")
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
    for line in lines_of(record, chosen, style):
        print(line)
    if not chosen:
        print(f"campaign {record.tag} has no experiment with the status {options.status}")


def lines_of(record: Record, experiments: list[Experiment], style: Style) -> list[str]:
    """Return a line for each experiment, in columns."""
    # In a narrow terminal what was tried matters more than where it is.
    digits = 10 if style.columns >= _WIDE else 0
    rows = [
        (
            f"{one.number:03}",
            one.commit[:digits],
            _status(one),
            _value(record, one),
            _gain(record, one),
        )
        for one in experiments
    ]
    widths = [max(map(width, column), default=0) for column in zip(*rows, strict=True)]
    lines = []
    for one, row in zip(experiments, rows, strict=True):
        cells = [padded(cell, columns) for cell, columns in zip(row, widths, strict=True)]
        cells[2] = style.paint(cells[2], STATUS[one.status])
        shown = [cell for cell, columns in zip(cells, widths, strict=True) if columns]
        taken = sum(widths) + 2 * len(shown)
        told = style.fitted(text.visible(one.description), taken)
        lines.append("  ".join([*shown, told]).rstrip())
    return lines


def _status(experiment: Experiment) -> str:
    return experiment.status + (f" ({experiment.reason})" if experiment.reason else "")


def _value(record: Record, experiment: Experiment) -> str:
    """Return the score that was to be improved; a name and a bare number where no more is known."""
    primary = record.primary(experiment)
    value = experiment.metrics.get(primary.name)
    if value is None:
        return ""
    if primary.name in {metric.name for found in record.metrics.values() for metric in found}:
        return text.visible(text.value(value, primary.unit))
    return f"{text.visible(primary.name)}={value:.4g}"


def _gain(record: Record, experiment: Experiment) -> str:
    if experiment.effect is None:
        return ""
    return text.effect(experiment.effect, record.primary(experiment).direction).split(" [")[0]
