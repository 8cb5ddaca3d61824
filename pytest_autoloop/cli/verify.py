"""`pytest-autoloop verify`: measures a campaign's keeps again, and says which hold here."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.archiving import import_archive, is_archive
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_color, add_command, whole_number
from pytest_autoloop.cli.sessions import arguments_of, check_idle
from pytest_autoloop.cli.style import Style, padded
from pytest_autoloop.errors import UsageError
from pytest_autoloop.verifying import verify, wanted

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.model import Json, Metric
    from pytest_autoloop.remeasuring import Opener
    from pytest_autoloop.verifying import Checked, Verified, Wanted

_COLORS = {"holds": "green", "not shown": "yellow", "fails": "red"}
_DOES_NOT_HOLD = 1


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "verify",
        _run,
        summary="measure a campaign's keeps again, and say which hold on this machine",
        more="Each is judged against the one before by the guards and benchmarks that the campaign "
        "began with, and the best against the first version. It takes a campaign of this clone, or "
        "an archive by `export --archive`, which is imported first. What follows -- is given to "
        "pytest. The exit code is 1 when a keep fails or the whole gain is not certain.",
        example="pytest-autoloop verify nov20\npytest-autoloop verify nov20.autoloop.tar.gz",
    )
    command.add_argument(
        "tag", nargs="?", metavar="TAG|ARCHIVE", help="the campaign (default: the newest)"
    )
    command.add_argument(
        "--only",
        type=whole_number,
        nargs="+",
        default=(),
        metavar="N",
        help="only these experiments",
    )
    add_color(command)
    command.set_defaults(calls_pytest=True)


def _run(options: argparse.Namespace) -> int:
    here = Path.cwd()
    given = options.tag
    if given is not None and is_archive(here / given):
        imported = import_archive(here / given, here)
        print(f"imported campaign {imported.tag} from {given}", file=sys.stderr)
        record = commands.read(imported.root, imported.tag)
    else:
        record = commands.choose(here, given)
    found = _verified(
        record, options.only, Style.of(options.color), options.rest, quiet=options.json
    )
    holds = all(one.holds for one in found)
    if options.json:
        targets: list[Json] = [_document(one) for one in found]
        commands.print_json({"tag": record.tag, "holds": holds, "targets": targets})
    else:
        for one in found:
            for line in _told(one):
                print(line)
    return 0 if holds else _DOES_NOT_HOLD


def _verified(
    record: Record, only: Sequence[int], style: Style, rest: Sequence[str], *, quiet: bool
) -> list[Verified]:
    """Measure, and tell of each keep when it is known.

    Raises:
        UsageError: nothing was kept, or it cannot be measured here.
    """
    from pytest_autoloop.remeasuring import (  # noqa: PLC0415 - brings pytest
        remeasure,
        standard_error,
    )

    repository = record.repository()
    check_idle(record)
    parts = list(wanted(record.targets, record.experiments))
    _check(record, parts, only)
    for part in parts:
        for commit in (part.baseline.commit, *(keep.commit for keep in part.keeps)):
            record.check_commit(repository, commit)
    arguments, directory = arguments_of(record, rest)
    manifests = record.header.get("manifests")
    found: list[Verified] = []
    with standard_error() as stream:

        def tell(line: str) -> None:
            stream.write(f"{text.visible(line)}\n")
            stream.flush()

        def say(checked: Checked, metric: Metric) -> None:
            if not quiet:
                stream.write(f"{_line(checked, metric, style)}\n")
                stream.flush()

        def work(open_bench: Opener) -> None:
            found.extend(
                verify(repository, part, open_bench, only=only, begun=tell, say=say)
                for part in parts
            )

        remeasure(
            arguments,
            directory,
            work,
            first=parts[0].baseline.commit,
            manifests=manifests if isinstance(manifests, dict) else {},
        )
    return found


def _check(record: Record, parts: Sequence[Wanted], only: Sequence[int]) -> None:
    if not parts:
        raise UsageError(f"campaign {record.tag}: nothing was kept, so there is nothing to verify")
    kept = [keep.number for part in parts for keep in part.keeps]
    wrong = [number for number in only if number not in kept]
    if wrong:
        listed = ", ".join(map(str, kept))
        raise UsageError(
            f"--only {wrong[0]}: campaign {record.tag} did not keep that; it kept {listed}"
        )


def _line(checked: Checked, metric: Metric, style: Style) -> str:
    kept, finding = checked.kept, checked.finding
    here = checked.outcome.effect
    parts = [
        f"here {text.effect(here, metric.direction)}" if here else "",
        f"claimed {text.effect(checked.claimed, metric.direction)}" if checked.claimed else "",
        "" if checked.outcome.holds else _why(checked),
        text.visible(kept.description),
    ]
    told = " · ".join(part for part in parts if part)
    return f"{kept.number:03}  {style.paint(padded(finding, 9), _COLORS[finding])}  {told}"


def _why(checked: Checked) -> str:
    lines = checked.outcome.detail.splitlines() or [""]
    reason = checked.outcome.reason or checked.outcome.status
    return text.visible(": ".join(part for part in (reason, lines[0]) if part))


def _told(one: Verified) -> Iterator[str]:
    """Yield what a target has come to, after the lines of its keeps."""
    for difference in one.differences:
        yield f"note: the harness differs from the campaign's: {text.visible(difference)}"
    counts = [
        f"{sum(checked.finding == finding for checked in one.checked)} {finding}"
        for finding in _COLORS
        if any(checked.finding == finding for checked in one.checked)
    ]
    audit = ""
    if one.audit is not None:
        audit = f" · {one.metric.name}: gain over the first version {text.gain(one.audit.effect)}"
    verdict = "holds" if one.holds else "does not hold"
    total = text.count(len(one.checked), "keep")
    yield f"{text.visible(one.target)}: {verdict} here; of {total}: {', '.join(counts)}{audit}"


def _document(one: Verified) -> dict[str, Json]:
    """Return what became of one target as plain data."""
    keeps: list[Json] = [
        {
            "number": checked.kept.number,
            "commit": checked.kept.commit,
            "description": checked.kept.description,
            "finding": checked.finding,
            "reason": checked.outcome.reason,
            "detail": checked.outcome.detail,
            "claimed": commands.effect_document(checked.claimed),
            "effect": commands.effect_document(checked.outcome.effect),
            "pairs": checked.outcome.pairs,
        }
        for checked in one.checked
    ]
    return {
        "target": one.target,
        "metric": one.metric.name,
        "holds": one.holds,
        "guards": one.guards,
        "differences": list(one.differences),
        "keeps": keeps,
        "gain": commands.effect_document(one.audit.effect if one.audit else None),
    }
