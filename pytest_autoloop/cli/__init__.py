"""The `pytest-autoloop` command: looks at campaigns and applies them, from their journals."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.cli import commands
from pytest_autoloop.cli.apply import apply
from pytest_autoloop.cli.export import export
from pytest_autoloop.errors import AutoloopError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

_USAGE_ERROR = 2
_APPLY = (
    "Bring what was kept into the branch that is checked out, with your own git configuration and "
    "hooks: fast-forward when possible, else a merge. Refused, with nothing changed, when the "
    "files concerned have changes that are not committed, or conflict."
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 after one sentence on what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        options.run(options)
    except AutoloopError as error:
        print(f"pytest-autoloop: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-autoloop",
        description="Look at what `pytest --autoloop` found, and take it.",
        epilog="A campaign is started by pytest itself: pytest --autoloop N",
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, run, text in (
        ("history", commands.history, "list the experiments of a campaign"),
        ("best", commands.best, "show the best version and how to get it"),
    ):
        command = subparsers.add_parser(name, help=text, description=text.capitalize() + ".")
        command.add_argument("tag", nargs="?", help="the campaign (default: the newest)")
        command.add_argument("--json", action="store_true", help="print JSON")
        command.set_defaults(run=partial(_look, run))
    text = "bring what was kept into the branch that is checked out"
    command = subparsers.add_parser("apply", help=text, description=_APPLY)
    command.add_argument("tag", nargs="?", help="the campaign (default: the newest)")
    command.add_argument("--squash", action="store_true", help="as one commit of your own")
    command.add_argument(
        "--minimal",
        action="store_true",
        help="only the changes that --autoloop-ablate found needed",
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=_apply)
    text = "write a protocol by which a coding agent improves the target with --autoloop-try"
    command = subparsers.add_parser("export", help=text, description=text.capitalize() + ".")
    command.add_argument("--output", metavar="FILE", help="default: program.md; - prints it")
    command.add_argument("--force", action="store_true", help="replace a file that exists")
    command.set_defaults(run=_export)
    return parser


def _look(run: Callable[..., None], options: argparse.Namespace) -> None:
    run(commands.choose(Path.cwd(), options.tag), as_json=options.json)


def _apply(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    apply(record, as_json=options.json, squash=options.squash, minimal=options.minimal)


def _export(options: argparse.Namespace) -> None:
    export(Path.cwd(), options.output, overwrite=options.force)
