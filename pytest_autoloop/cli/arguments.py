"""What the parsers of the commands have in common."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    #: What `ArgumentParser.add_subparsers` returns.
    Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"
    Run: TypeAlias = Callable[[argparse.Namespace], int | None]


def add_command(
    subparsers: Subparsers,
    name: str,
    run: Run,
    *,
    summary: str,
    example: str,
    more: str = "",
) -> argparse.ArgumentParser:
    """Add a command that takes `--json`, and return its parser.

    Args:
        subparsers: those of the whole command line.
        name: of the command.
        run: what it does; returns None or an exit code.
        summary: what it does, in half a sentence without a capital.
        example: command lines, one each line, that its `--help` ends with.
        more: sentences that follow `summary` in its `--help`.

    """
    description = f"{summary[0].upper()}{summary[1:]}."
    command = subparsers.add_parser(
        name,
        help=summary,
        description=f"{description} {more}".strip(),
        epilog="example:\n" + "".join(f"  {line}\n" for line in example.splitlines()),
        formatter_class=_Formatter,
        allow_abbrev=False,
    )
    command.add_argument("--json", action="store_true", help="print JSON")
    command.set_defaults(run=run)
    return command


def add_tag(command: argparse.ArgumentParser) -> None:
    """Let a command take a campaign's tag; `options.tag` is None where none is given."""
    command.add_argument("tag", nargs="?", help="the campaign (default: the newest)")


def whole_number(text: str) -> int:
    """Return what an option was given, as `type=` of an argument.

    Raises:
        argparse.ArgumentTypeError: it is no whole number from 0 on.
    """
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def add_color(command: argparse.ArgumentParser) -> None:
    """Let a command take `--color`; see `style.Style.of`."""
    command.add_argument(
        "--color",
        choices=("auto", "yes", "no"),
        default="auto",
        help="auto (default): in a terminal, unless NO_COLOR is set",
    )


class _Formatter(argparse.HelpFormatter):
    """Wraps the description, and leaves the example as it is."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        if text.startswith("example:\n"):
            return "".join(f"{indent}{line}\n" for line in text.splitlines())
        return super()._fill_text(text, width, indent)
