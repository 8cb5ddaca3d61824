"""`pytest-autoloop history`: lists the experiments of a campaign."""

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
        "history",
        _run,
        summary="list the experiments of a campaign",
        example="pytest-autoloop history nov20",
    )
    add_tag(command)


def _run(options: argparse.Namespace) -> None:
    commands.history(commands.choose(Path.cwd(), options.tag), as_json=options.json)
