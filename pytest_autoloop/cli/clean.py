"""`pytest-autoloop clean`: removes campaigns, with their refs, branches and records."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cleaning import Removal, remove, survey
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, whole_number
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.repository import Repository

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.model import Json

_DAY = 86_400


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "clean",
        _run,
        summary="remove campaigns: their refs, branches and records",
        more="It says what it removes, and asks. What is in your own branches stays, and so does "
        "a branch of a campaign that holds commits of yours. The results table is left alone.",
        example="pytest-autoloop clean nov19 nov20 --dry-run\n"
        "pytest-autoloop clean --older 30 --yes",
    )
    command.add_argument("tags", metavar="TAG", nargs="*", help="the campaigns to remove")
    command.add_argument(
        "--older",
        type=whole_number,
        metavar="DAYS",
        help="those that nothing was added to for so long",
    )
    command.add_argument("--dry-run", action="store_true", help="say what would be removed")
    command.add_argument("--yes", action="store_true", help="do not ask")


def _run(options: argparse.Namespace) -> int:
    root = commands.home(Path.cwd())
    repository = Repository.open(root)
    removals = [survey(repository, root, tag) for tag in _chosen(options, root)]
    document: dict[str, Json] = {
        "dry_run": options.dry_run,
        "campaigns": [one.document() for one in removals],
    }
    if not options.json:
        for line in _told(removals):
            print(line)
    elif not (options.yes or options.dry_run):
        raise UsageError("with --json nobody is asked: add --yes, or --dry-run to look first")
    if not removals or options.dry_run or not (options.yes or _agreed()):
        document["removed"] = False
        if removals and not options.json:
            print("nothing was removed")
    else:
        for one in removals:
            remove(repository, one)
        document["removed"] = True
    if options.json:
        commands.print_json(document)
    return 0


def _chosen(options: argparse.Namespace, root: Path) -> list[str]:
    """Return the tags that are meant.

    Raises:
        UsageError: none is named, or there is no such campaign.
    """
    known = campaigns(root)
    for tag in options.tags:
        if tag not in known:
            commands.choose(root, tag)
    if options.older is None:
        if not options.tags:
            raise UsageError(
                "name the campaigns to remove, or give their age with --older DAYS; there are: "
                + ", ".join(known)
            )
        return list(dict.fromkeys(options.tags))
    before = time.time() - options.older * _DAY
    return [
        tag
        for tag in (options.tags or known)
        if max(
            file.stat().st_mtime
            for file in (Journal(root, tag).path, Journal(root, tag).header_path)
            if file.exists()
        )
        <= before
    ]


def _told(removals: list[Removal]) -> Iterator[str]:
    """Yield what will be removed, and what stays."""
    if not removals:
        yield "no campaign is that old"
    for one in removals:
        parts = [
            f"records of {text.count(one.experiments, 'experiment')} in {one.directory}",
            f"{text.count(len(one.refs), 'ref')} below refs/autoloop/{one.tag}",
            *(f"branch {name}" for name in one.branches),
        ]
        yield f"campaign {one.tag}: " + ", ".join(parts)
        if one.unmerged:
            yield (
                f"  note: {text.count(one.unmerged, 'kept change')} of it are in no branch of "
                f"yours; pytest-autoloop apply {one.tag} takes them, export --archive saves them"
            )
        for name, why in one.stays.items():
            yield f"  stays: branch {name}, {why}"


def _agreed() -> bool:
    """Ask whether to go on.

    Raises:
        UsageError: nobody can be asked.
    """
    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask in: add --yes, or --dry-run to look first")
    return input("Remove this? [y/N] ").strip().lower() in {"y", "yes"}
