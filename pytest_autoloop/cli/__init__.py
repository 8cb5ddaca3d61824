"""The `pytest-autoloop` command: looks at campaigns and takes what they found."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, NoReturn

from pytest_autoloop import text
from pytest_autoloop.errors import AutoloopError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

_USAGE_ERROR = 2
#: As a shell reports a process that SIGINT ended.
_INTERRUPTED = 130
#: In the order of the help. Each module `pytest_autoloop.cli.NAME` offers `add(subparsers)`, which
#: adds its parser and sets `run`: a function of the parsed options that returns None or an exit
#: code. Its heavy imports are inside of that. One that sets `calls_pytest` finds what follows two
#: dashes in `options.rest`.
_MODULES = (
    *("init", "doctor"),
    *("history", "best", "show", "diff", "compare", "plot", "report"),
    *("apply", "rollback", "finalize", "verify", "resume", "export", "clean"),
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Returns 0, what the command itself returns, or 2 after one sentence on what is wrong.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    end = words.index("--") if "--" in words else len(words)
    options = parser().parse_args(words[:end])
    try:
        options.rest = words[end + 1 :]
        if options.rest and not getattr(options, "calls_pytest", False):
            raise UsageError(f"{options.rest[0]!r} follows --, which this command has no use for")
        code: int | None = options.run(options)
        sys.stdout.flush()
    except AutoloopError as error:
        said = " ".join(text.visible(line) for line in str(error).splitlines())
        print(f"pytest-autoloop: {said}", file=sys.stderr)
        return _USAGE_ERROR
    except KeyboardInterrupt:
        print("pytest-autoloop: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        # Whoever read has seen enough; the interpreter must not try to flush once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code or 0


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, as all that follows it does."""

    def error(self, message: str) -> NoReturn:
        """End with what is wrong, and where the arguments are listed."""
        said = f"pytest-autoloop: {text.visible(message)}; see {self.prog} --help\n"
        self.exit(_USAGE_ERROR, said)


def parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    whole = _Parser(
        prog="pytest-autoloop",
        description="Look at what `pytest --autoloop` found, and take it.",
        epilog="A campaign is started by pytest itself: pytest --autoloop N",
    )
    subparsers = whole.add_subparsers(required=True, metavar="COMMAND")
    for name in _MODULES:
        if find_spec(f"{__name__}.{name}") is not None:
            import_module(f"{__name__}.{name}").add(subparsers)
    return whole
