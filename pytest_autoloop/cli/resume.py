"""`pytest-autoloop resume`: runs the command of a campaign again, so that it goes on."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.calling import is_masked
from pytest_autoloop.cli import commands
from pytest_autoloop.cli.arguments import add_command, add_tag
from pytest_autoloop.errors import UsageError
from pytest_autoloop.option_types import count_or_infinite
from pytest_autoloop.reporting.going_on import going_on

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record

_COUNT, _TRY = "--autoloop", "--autoloop-try"


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "resume",
        _run,
        summary="go on with a campaign, by the command that it was begun with",
        more="Where all experiments that were asked for are done, it makes as many again. The exit "
        "code is pytest's.",
        example="pytest-autoloop resume nov20\npytest-autoloop resume nov20 --print",
    )
    add_tag(command)
    command.add_argument("--print", action="store_true", help="print the command, and do no more")


def _run(options: argparse.Namespace) -> int:
    record = commands.choose(Path.cwd(), options.tag)
    arguments, directory = command_of(record)
    words = shlex.split(_line(record, arguments))
    if options.json:
        commands.print_json({"tag": record.tag, "command": [*words], "directory": str(directory)})
    elif options.print:
        print(f"cd {shlex.quote(str(directory))} && {shlex.join(words)}")
    if options.json or options.print:
        return 0
    print(f"{shlex.join(words)}", flush=True)
    # The same interpreter, whichever pytest is on PATH. It gets Ctrl-C as this process does, and
    # ends the campaign in good order; so this one has to wait for it.
    with subprocess.Popen([sys.executable, "-m", *words], cwd=directory) as process:
        while True:
            try:
                return process.wait()
            except KeyboardInterrupt:  # noqa: PERF203 - it is waited for once more
                continue


def command_of(record: Record) -> tuple[list[str], Path]:
    """Return what pytest was given when a campaign was begun, and where.

    Raises:
        UsageError: the record does not tell.
    """
    arguments, place = record.header.get("arguments"), record.header.get("directory")
    if not isinstance(arguments, list) or not isinstance(place, str):
        raise UsageError(
            f"the record of campaign {record.tag} does not tell how pytest was called: go on with "
            f"pytest --autoloop N --autoloop-tag {record.tag} and the options that it was begun "
            "with"
        )
    if any(str(word).partition("=")[0] == _TRY for word in arguments):
        raise UsageError(
            f"campaign {record.tag} is made of edits by hand: go on with pytest {_TRY} DESCRIPTION "
            f"--autoloop-tag {record.tag}"
        )
    if any(is_masked(str(word)) for word in arguments):
        raise UsageError(
            f"the address of the proposer of campaign {record.tag} held a key, which is not "
            f"recorded: go on with pytest --autoloop N --autoloop-tag {record.tag} and that address"
        )
    directory = (record.root / place).resolve()
    if not directory.is_dir():
        raise UsageError(f"campaign {record.tag} was begun in {directory}, which is gone: make it")
    return list(map(str, arguments)), directory


def _line(record: Record, arguments: Sequence[str]) -> str:
    done = sum(e.status != "baseline" for e in record.experiments)
    return going_on(arguments, record.tag, asked=_asked(arguments), done=done)


def _asked(arguments: Sequence[str]) -> float:
    """Return how many experiments were asked for; 0 where that cannot be read."""
    words = iter(arguments)
    for word in words:
        name, equals, value = word.partition("=")
        if name == _COUNT:
            return count_or_infinite(value if equals else next(words, "0"))
    return 0.0
