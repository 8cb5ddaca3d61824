"""What a campaign has learned: a file that people edit and the loop appends to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError
from pytest_autoloop.history.files import replace_file

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_NAME = "notes.md"
_TITLE = "# Lessons\n\nTold to the proposer. Edit this file as you like; the loop appends to it.\n"


class Notes:
    """The file ``notes.md`` of one campaign."""

    def __init__(self, directory: Path) -> None:
        self.path = directory / _NAME

    def read(self) -> str:
        """Return what stands there now, without the title; empty when there is no such file."""
        return _text(self.path).replace(_TITLE, "").strip()

    def append(self, lessons: Sequence[str], number: int) -> None:
        """Add the lessons that were drawn before an experiment.

        Raises:
            JournalError: the file cannot be written.
        """
        section = [f"\n## Before experiment {number:03}\n\n", *(f"- {one}\n" for one in lessons)]
        _replace(self.path, (_text(self.path) or _TITLE) + "".join(section))


def append_to_section(path: Path, heading: str, line: str) -> None:
    """Add a line at the end of a section of a Markdown file, which is made if it is not there.

    Line ends stay as they are, and a link is followed: the file belongs to somebody.

    Raises:
        JournalError: the file cannot be written.
    """
    text = _text(path)
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines()
    found = _section(lines, heading)
    if found is None:
        while lines and not lines[-1].strip():
            lines.pop()
        lines += [*([""] if lines else []), heading, "", line]
    else:
        start, stop = found
        last = stop
        while last > start + 1 and not lines[last - 1].strip():
            last -= 1
        lines[last:last] = ["", line] if last == start + 1 else [line]
    _replace(path.resolve(), end.join(lines) + end)


def without_section(text: str, heading: str) -> str:
    """Return a Markdown text without the section of that heading."""
    lines = text.splitlines(keepends=True)
    found = _section(lines, heading)
    if found is None:
        return text
    return "".join([*lines[: found[0]], *lines[found[1] :]])


def _section(lines: Sequence[str], heading: str) -> tuple[int, int] | None:
    """Return where a section begins and ends: before the next heading that is no deeper."""
    start = next((i for i, text in enumerate(lines) if text.strip() == heading), None)
    if start is None:
        return None
    level = len(heading) - len(heading.lstrip("#"))
    for stop, text in enumerate(lines[start + 1 :], start + 1):
        marks = len(text) - len(text.lstrip("#"))
        if 0 < marks <= level and text[marks:].startswith(" "):
            return start, stop
    return start, len(lines)


def _text(path: Path) -> str:
    try:
        return path.read_bytes().decode("utf-8", "surrogateescape")
    except FileNotFoundError:
        return ""
    except OSError as error:
        raise _failure("read", path, error) from error


def _replace(path: Path, text: str) -> None:
    try:
        mode = path.stat().st_mode & 0o777 if path.exists() else None
        replace_file(path, text.encode("utf-8", "surrogateescape"), mode=mode)
    except OSError as error:
        raise _failure("written", path, error) from error


def _failure(verb: str, path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path} cannot be {verb}: {error.strerror or error}. Make it an ordinary file in a "
        "directory you may write to, then start again."
    )
