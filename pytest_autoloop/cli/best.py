"""`pytest-autoloop best`: shows the best version and how to get it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers


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
    commands.best(commands.choose(Path.cwd(), options.tag), as_json=options.json)
