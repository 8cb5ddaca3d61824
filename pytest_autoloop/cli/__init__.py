"""The `pytest-autoloop` command: looks at campaigns, from their journals alone."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.cli import commands
from pytest_autoloop.errors import AutoloopError

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE_ERROR = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, or 2 after one sentence on what is wrong."""
    options = _parser().parse_args(arguments)
    try:
        tag = commands.choose(Path.cwd(), options.tag)
        options.run(tag, as_json=options.json)
    except AutoloopError as error:
        print(f"pytest-autoloop: {error}", file=sys.stderr)
        return _USAGE_ERROR
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="pytest-autoloop",
        description="Look at what `pytest --autoloop` found.",
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
        command.set_defaults(run=run)
    return parser
