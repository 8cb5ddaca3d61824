"""Versions of the target: which one a number means, and how their differences look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.cli.style import Style
    from pytest_autoloop.model import Experiment

#: What a version may be called instead of its number.
BEST, FIRST = "best", "first"


def add_campaign(command: argparse.ArgumentParser) -> None:
    """Let a command that takes numbers take the campaign as an option."""
    command.add_argument("--tag", metavar="TAG", help="the campaign (default: the newest)")


def find(record: Record, name: str) -> Experiment:
    """Return the experiment of a number such as ``3`` or ``003``, of ``best`` or ``first``.

    It is without what `Record.experiment` reads from the journal.

    Raises:
        UsageError: it is none of them.
    """
    if name == BEST:
        return record.best
    if name == FIRST:
        return next(e for e in record.experiments if e.commit == record.first)
    # Other digits than these are numbers to Python, too.
    if not (name.isascii() and name.isdigit()):
        raise UsageError(
            f"{name!r} is no version of campaign {record.tag}: give the number of an experiment, "
            f"{BEST} or {FIRST}"
        )
    number = int(name)
    found = next((e for e in record.experiments if e.number == number), None)
    return found or record.experiment(number)


def committed(record: Record, experiment: Experiment) -> Experiment:
    """Return the experiment if there is a version of it.

    Raises:
        UsageError: it was refused before it was committed.
    """
    if experiment.commit:
        return experiment
    raise UsageError(
        f"experiment {experiment.number:03} of campaign {record.tag} never became a version "
        f"({experiment.reason or experiment.status}): pytest-autoloop show {experiment.number} "
        "tells why"
    )


def colored(diff: str, style: Style) -> Iterator[str]:
    """Yield the lines of a unified diff, harmless and in colours."""
    inside = False
    for line in diff.splitlines():
        inside = line.startswith("@@") or (inside and not line.startswith("diff --git "))
        shown = text.visible(line)
        if line.startswith("@@"):
            yield style.paint(shown, "cyan")
        elif not inside:
            yield style.paint(shown, "bold")
        else:
            colors = {"+": ("green",), "-": ("red",)}.get(line[:1], ())
            yield style.paint(shown, *colors)
