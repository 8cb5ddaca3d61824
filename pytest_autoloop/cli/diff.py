"""`pytest-autoloop diff`: what one experiment changed, or what lies between two."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.cli import commands, versions
from pytest_autoloop.cli.arguments import add_color, add_command
from pytest_autoloop.cli.style import Style

if TYPE_CHECKING:
    import argparse

    from pytest_autoloop.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "diff",
        _run,
        summary="show what an experiment changed, or the difference between two versions",
        more="With one number it is the difference to the version that the experiment started "
        "from.",
        example="pytest-autoloop diff 12\npytest-autoloop diff first best --tag nov20",
    )
    command.add_argument("a", metavar="A", help="number of an experiment, best or first")
    command.add_argument("b", metavar="B", nargs="?", help="another one, to compare A with")
    versions.add_campaign(command)
    add_color(command)


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    a = versions.committed(record, versions.find(record, options.a))
    if options.b is None:
        old, new, name = a.parent, a.commit, "its parent"
        diff = record.experiment(a.number).diff
    else:
        b = versions.committed(record, versions.find(record, options.b))
        old, new, name = a.commit, b.commit, f"{b.number:03}"
        repository = record.repository()
        for commit in (old, new):
            record.check_commit(repository, commit)
        diff = "".join(repository.diff(old, new, path) for path in record.paths)
    if options.json:
        commands.print_json({"tag": record.tag, "old": old or None, "new": new, "diff": diff})
        return
    for line in versions.colored(diff, Style.of(options.color)):
        print(line)
    if not diff:
        print(f"campaign {record.tag}: {a.number:03} and {name} do not differ")
