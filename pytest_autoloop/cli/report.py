"""`pytest-autoloop report`: writes a campaign as one self-contained HTML page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.files import replace_file
from pytest_autoloop.history.journal import Journal

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "report",
        _run,
        summary="write a campaign as one HTML page that works offline",
        more="A page that it wrote before is replaced, any other file is not.",
        example="pytest-autoloop report nov20 --output nov20.html",
    )
    add_tag(command)
    command.add_argument(
        "--output", metavar="FILE", help="default: autoloop-TAG.html; - prints the page"
    )


def _run(options: argparse.Namespace) -> None:
    """Write the page.

    Raises:
        UsageError: there is no such campaign, or the page cannot be written there.
        JournalError: the journal is damaged.
    """
    # Not at the head: every command loads this module.
    from pytest_autoloop.reporting.html.reading import Reader, check_place  # noqa: PLC0415

    record = commands.choose(Path.cwd(), options.tag)
    path = Path(options.output or f"autoloop-{record.tag}.html")
    if options.output == "-" and options.json:
        raise UsageError("--output - prints the page, and --json prints JSON: choose one of them")
    if options.output != "-":
        check_place(path, f"--output {path}" if options.output else "the report")
    reader = Reader(Journal(record.root, record.tag))
    reader.read()
    count = sum(one.status != "baseline" for one in record.experiments)
    content = reader.page(outcome=_audits(record))
    if options.output == "-":
        sys.stdout.buffer.write(content)
        return
    try:
        replace_file(path, content)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from error
    if options.json:
        found = {"tag": record.tag, "path": str(path), "bytes": len(content), "experiments": count}
        print(json.dumps(found, indent=2))
        return
    print(f"wrote {path}: {text.count(count, 'experiment')}, {len(content) / 1000:,.0f} kB")


def _audits(record: Record) -> list[str]:
    """Say what each target's gain is on fresh measurements, where it was audited."""
    found = {target: record.audited(target) for target in record.targets}
    return [
        f"{target}: audited gain {text.gain(effect)} over the baseline, on fresh measurements"
        for target, effect in found.items()
        if effect is not None
    ]
