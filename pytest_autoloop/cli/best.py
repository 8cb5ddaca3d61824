"""`pytest-autoloop best`: shows the best version, what it gains, and how to get it."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.reporting.document import experiment_document

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Json


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "best",
        _run,
        summary="show the best version and how to get it",
        example="pytest-autoloop best nov20",
    )
    add_tag(command)


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    if options.json:
        commands.print_json(_document(record))
        return
    for line in _told(record):
        print(line)


def _document(record: Record) -> dict[str, Json]:
    """Return the best experiment, with the campaign's gain over the baseline by target."""
    kept = record.best.commit != record.first
    return {
        **experiment_document(record.best),
        "tag": record.tag,
        "kept": kept,
        "branch": record.branch,
        "first": record.first,
        "gains": commands.gains_document(record),
        "see": _see(record) if kept else None,
        "take": f"pytest-autoloop apply {record.tag}" if kept else None,
    }


def _told(record: Record) -> Iterator[str]:
    """Yield what people read."""
    best = record.best
    if best.commit == record.first:
        yield f"campaign {record.tag}: nothing was kept"
        return
    step = "" if best.effect is None else f", {text.gain(best.effect)} over the one before"
    if commands.is_simpler(best):
        step = ", which is simpler and as good"
    told = text.visible(best.description)
    yield f"campaign {record.tag}, experiment {best.number:03}: {told}{step}"
    for target in record.targets:
        yield from _gain(record, target)
    yield f"see it:  {_see(record)}"
    yield f"take it: pytest-autoloop apply {record.tag} (or git merge {record.branch})"
    yield f"try it:  pytest-autoloop rollback --tag {record.tag} (only the file, not committed)"


def _gain(record: Record, target: str) -> Iterator[str]:
    """Yield a line on how far a target has come, if anything was kept for it."""
    own = [e for e in record.experiments if e.target in {target, ""}]
    kept = [e for e in record.keeps if e.target in {target, ""}]
    claimed, audited = record.claimed(target), record.audited(target)
    if not kept or claimed is None:
        return
    first = [e for e in own if e.status == "baseline"][-1]
    primary = record.primary(kept[-1])
    before, after = (
        text.value(one.metrics.get(primary.name), primary.unit) for one in (first, kept[-1])
    )
    name = f"{text.visible(target)}: " if len(record.targets) > 1 else ""
    gain = f"gain over the baseline: claimed {text.factor(claimed)}, not audited"
    if audited is not None:
        gain = (
            f"audited gain over the baseline {text.gain(audited)}, claimed {text.factor(claimed)}"
        )
    yield f"{name}{text.visible(primary.name)} {before} → {after} · {gain}"


def _see(record: Record) -> str:
    paths = " ".join(shlex.quote(f":/{path}") for path in record.paths)
    return f"git diff {record.first[:10]} {record.branch} -- {paths}"
