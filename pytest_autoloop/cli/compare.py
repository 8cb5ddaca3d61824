"""`pytest-autoloop compare`: puts campaigns side by side."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command
from pytest_autoloop.cli.style import padded, width
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.rows import Row
from pytest_autoloop.reporting.ending import duration, not_kept
from pytest_autoloop.usage import Spending, Usage

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Json

_HOUR = 3600
#: What makes two campaigns comparable: heading, and where the header tells it.
_SAME = {"target": "targets", "first commit": "commit", "machine": "environment"}


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "compare",
        _run,
        summary="put two or more campaigns side by side",
        more="Their gains were measured each against its own baseline: to see which best is "
        "better, begin one with the other's (pytest --autoloop N --autoloop-from TAG).",
        example="pytest-autoloop compare nov19 nov20",
    )
    command.add_argument("tags", metavar="TAG", nargs="+", help="the campaigns, two or more")


def _run(options: argparse.Namespace) -> None:
    tags = list(dict.fromkeys(options.tags))
    if len(tags) == 1:
        raise UsageError(f"there is only {tags[0]} to compare: name a second campaign")
    records = [commands.choose(Path.cwd(), tag) for tag in tags]
    differ = [what for what, key in _SAME.items() if _differ(records, key)]
    if options.json:
        documents: list[Json] = [_document(record) for record in records]
        commands.print_json({"campaigns": documents, "differ": [*differ]})
        return
    for line in _table([_told(record) for record in records], tags):
        print(line)
    for what in differ:
        print(f"note: they do not have the same {what}")


def _differ(records: Sequence[Record], key: str) -> bool:
    return any(record.header.get(key) != records[0].header.get(key) for record in records)


def _document(record: Record) -> dict[str, Json]:
    """Return the figures of one campaign."""
    statuses = Counter(e.status for e in record.experiments)
    spent = _spent(record)
    return {
        "tag": record.tag,
        "targets": list(record.targets),
        "first": record.first,
        "best": record.best.number,
        "proposer": record.header.get("proposer"),
        "environment": record.header.get("environment"),
        "experiments": _count(record),
        "statuses": dict(sorted(statuses.items())),
        "reasons": dict(sorted(not_kept(map(Row.of, record.experiments)).items())),
        "gains": commands.gains_document(record),
        "metrics": dict(record.best.metrics),
        "tokens_used": spent.tokens,
        "cost_usd": None if spent.unpriced else spent.cost_usd,
        "seconds": record.experiments[-1].elapsed,
    }


def _told(record: Record) -> dict[str, str]:
    """Return what people read of one campaign, by the heading of its line."""
    count, seconds, spent = _count(record), record.experiments[-1].elapsed, _spent(record)
    reasons = not_kept(map(Row.of, record.experiments)).most_common()
    told = {
        "target": ", ".join(record.targets),
        "proposer": str(record.header.get("proposer") or ""),
        "experiments": f"{count:,}",
        "kept": f"{len(record.keeps):,}",
        "not kept": ", ".join(f"{number} {reason}" for reason, number in reasons),
    }
    for target in record.targets:
        told[f"gain of {target}" if len(record.targets) > 1 else "gain"] = _gain(record, target)
    values = (_values(record, target) for target in record.targets)
    return {
        **told,
        "scores": "; ".join(value for value in values if value),
        "tokens": "" if spent.tokens is None else f"{spent.tokens:,}",
        "cost": "" if spent.cost_usd is None else f"${spent.cost_usd:.2f}",
        "time": duration(seconds) if seconds else "",
        "pace": f"{count / seconds * _HOUR:,.0f} per hour" if seconds else "",
    }


def _count(record: Record) -> int:
    return sum(e.status != "baseline" for e in record.experiments)


def _spent(record: Record) -> Spending:
    return Spending.of(Usage.of(e.tokens_used, e.cost_usd) for e in record.experiments)


def _gain(record: Record, target: str) -> str:
    audited, claimed = record.audited(target), record.claimed(target)
    if audited is not None:
        return f"{text.gain(audited)} audited"
    return "none" if claimed is None else f"{text.factor(claimed)} claimed"


def _values(record: Record, target: str) -> str:
    """Return how far the metric of a target has come."""
    own = [e for e in record.experiments if e.target in {target, ""}]
    stages = [e for e in own if e.status in {"baseline", "keep"}]
    if not stages:
        return ""
    began = max(n for n, e in enumerate(stages) if e.status == "baseline")
    primary = record.primary(stages[-1])
    before, after = (
        text.value(one.metrics.get(primary.name), primary.unit)
        for one in (stages[began], stages[-1])
    )
    return f"{primary.name} {before} → {after}"


def _table(campaigns: Sequence[dict[str, str]], tags: Sequence[str]) -> Iterator[str]:
    """Yield a line for each figure, a column for each campaign."""
    headings = list(dict.fromkeys(name for told in campaigns for name in told))
    rows = [["", *tags]]
    for name in headings:
        cells = [text.visible(told.get(name, "")) for told in campaigns]
        if any(cells):
            rows.append([text.visible(name), *cells])
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [padded(cell, columns) for cell, columns in zip(row, widths, strict=True)]
        yield "  ".join(cells).rstrip()
