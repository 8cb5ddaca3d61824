"""Files as people write them: a path each, several with commas between them, or a glob."""

from __future__ import annotations

import fnmatch
import re
from typing import TYPE_CHECKING

from pytest_autoloop.commanded.sections import unquoted
from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

_SAID = re.compile(r"\s+[—–-]+\s+|:\s+")


def listed(values: Sequence[str]) -> list[str]:
    """Return the paths of some values: one each, or with commas between them.

    What is said about a path, behind a dash or a colon, is no part of it.
    """
    parts = [part.strip() for value in values for part in value.split(",")]
    return [unquoted(_SAID.split(part, maxsplit=1)[0]) for part in parts if part]


def _is_glob(text: str) -> bool:
    return any(letter in text for letter in "*?[")


def is_there(root: Path, text: str) -> bool:
    """Tell whether a line of prose is a path after all."""
    return (root / text).is_file() or (_is_glob(text) and any(root.glob(text)))


def targets(root: Path, written: list[str], excluded: list[str], place: str) -> Iterator[str]:
    """Yield the files that may change.

    Raises:
        UsageError: one is a directory or a description.
    """
    for text in written:
        path = root / text.partition("::")[0]
        if path.is_file():
            yield text
            continue
        found = [p.relative_to(root) for p in sorted(root.glob(text))] if _is_glob(text) else []
        names = [p.as_posix() for p in found if (root / p).is_file()]
        kept = [name for name in names if not any(_matches(name, no) for no in excluded)]
        if not kept:
            what = "is a directory" if path.is_dir() else "is no file here"
            raise UsageError(
                f"{place}: {text!r} {what}: write the path of the file that may change, relative "
                f"to {root}, or name it with --autoloop-target"
            )
        yield from kept


def _matches(name: str, pattern: str) -> bool:
    return name.startswith(f"{pattern.rstrip('/')}/") or fnmatch.fnmatch(name, pattern)
