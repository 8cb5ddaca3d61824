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

    Raises:
        JournalError: the file cannot be written.
    """
    lines = _text(path).rstrip().splitlines()
    if heading not in lines:
        lines += ([""] if lines else []) + [heading, ""]
    start = lines.index(heading) + 1
    later = (i for i, text in enumerate(lines[start:], start) if text.startswith("#"))
    end = next(later, len(lines))
    while end > start + 1 and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, line)
    _replace(path, "\n".join(lines) + "\n")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
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
