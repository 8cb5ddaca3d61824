"""Shows files that `init` writes, and asks where one is there already."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

from pytest_autoloop import text

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Json
    from pytest_autoloop.onboarding.files import Planned

_WORDS = {"new": "wrote", "add": "added to", "replace": "recorded", "keep": "kept yours"}


def show_changes(
    options: argparse.Namespace, root: Path, files: Sequence[Planned], notes: Sequence[str]
) -> None:
    """Print what would be written as a diff, or as JSON."""
    changes = [one for one in files if one.action != "keep"]
    if options.json:
        told = [{**one.document(root), "diff": one.diff(root)} for one in changes]
        print(json.dumps({"dry_run": True, "files": told, "notes": list(notes)}, indent=2))
        return
    for one in changes:
        print(visible_lines(one.diff(root)), end="")
    for note in notes:
        print(f"note: {visible_lines(note)}", end="")


def not_agreed(options: argparse.Namespace, root: Path, files: Sequence[Planned]) -> list[Planned]:
    """Ask about each file that lines are added to; return those that stay as they are."""
    added = [one for one in files if one.action == "add"]
    if options.yes:
        return []
    return [one for one in added if not (can_ask(options) and _agreed(one, root))]


def show_written(
    options: argparse.Namespace, root: Path, written: Sequence[Planned], left_out: Sequence[Planned]
) -> None:
    """Print what became of each file, and the lines that are left to somebody to add."""
    from pytest_autoloop.onboarding.files import shown  # noqa: PLC0415 - only here

    names = [text.visible(shown(one.path, root)) for one in written]
    widest = max(map(len, names), default=0)
    print()
    for one, name in zip(written, names, strict=True):
        print(f"{_WORDS[one.action]:10} {name:{widest}}  {one.what}")
    for one in left_out:
        name = text.visible(shown(one.path, root))
        asked = can_ask(options)
        lines = "the lines shown above" if asked else "these lines"
        end = "" if asked else f":\n\n{visible_lines(one.added).strip()}"
        print(f"\n{name} is as it was: add {lines} by hand, or with --yes{end}")


def documents(
    root: Path, written: Sequence[Planned], left_out: Sequence[Planned]
) -> dict[str, Json]:
    """Return what became of each file as plain data."""
    return {
        "files": [one.document(root) for one in written],
        "to_be_added": [one.document(root) for one in left_out],
    }


def can_ask(options: argparse.Namespace) -> bool:
    """Tell whether there is somebody to be asked."""
    return sys.stdin.isatty() and sys.stdout.isatty() and not (options.yes or options.json)


def ask(question: str) -> str:
    """Return a line of standard input.

    Raises:
        EOFError: there is none left.
    """
    # Not on standard output, which may be read by a program.
    if sys.stdin.isatty():
        print(question, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise EOFError
    return line.strip()


def say(options: argparse.Namespace, line: str) -> None:
    """Print a line on standard output, which is left to the document where one is asked for."""
    print(line, file=sys.stderr if options.json else sys.stdout, flush=True)


def visible_lines(lines: str) -> str:
    """Return lines with what a terminal would act on made visible."""
    return "".join(f"{text.visible(line)}\n" for line in lines.splitlines())


def _agreed(one: Planned, root: Path) -> bool:
    from pytest_autoloop.onboarding.files import shown  # noqa: PLC0415 - only here

    print(f"\n{shown(one.path, root)} is there already. To be added:\n\n{one.added}\n")
    return ask("add it? [y/N] ").lower() in {"y", "yes"}
