"""The journal: one JSON object per line and experiment, the source of truth of a campaign."""

from __future__ import annotations

import errno
import json
import os
import re
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.files import NO_FOLLOW, replace_file, sync_directory
from pytest_autoloop.history.records import decode, encode

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_autoloop.model import Experiment, Json

DIRECTORY = ".pytest_autoloop"
_EXPERIMENTS = "experiments.jsonl"
_HEADER = "campaign.json"
#: A tag is part of a path and of a ref's name, so it has to be good for both.
_TAG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$)){0,99}")
_FLAGS = os.O_RDWR | os.O_CREAT | NO_FOLLOW | getattr(os, "O_BINARY", 0)


class Journal:
    """The record of one campaign: its header and its experiments.

    Making one touches nothing; `create` prepares the directory.
    """

    def __init__(self, root: Path, tag: str) -> None:
        if not _TAG.fullmatch(tag):
            raise UsageError(
                f"{tag!r} cannot name a campaign. "
                "Use letters, digits, dots, dashes and underscores, such as nov20."
            )
        self.tag = tag
        self.directory = root / DIRECTORY / tag
        self.path = self.directory / _EXPERIMENTS
        self.header_path = self.directory / _HEADER

    @classmethod
    def create(cls, root: Path, tag: str) -> Journal:
        """Return the journal of a tag, its directory made if need be and ignored by git.

        Raises:
            UsageError: the tag cannot be part of a path and a ref.
            JournalError: the directory cannot be made.
        """
        journal = cls(root, tag)
        home = root / DIRECTORY
        ignore = home / ".gitignore"
        if home.is_symlink() or journal.directory.is_symlink():
            raise _failure("made", journal.directory, OSError(errno.ELOOP, "it is behind a link"))
        try:
            home.mkdir(exist_ok=True)
            journal.directory.mkdir(exist_ok=True)
            if not ignore.exists():
                replace_file(ignore, b"*\n")
            sync_directory(home)
        except OSError as error:
            raise _failure("made", journal.directory, error) from error
        return journal

    def append(self, record: Experiment) -> None:
        """Write one experiment and return when the disk has it.

        The part of a line that a crash left behind is removed first. When the write fails, the
        file is as it was before.

        Raises:
            JournalError: the experiment holds a number that is none, or the file cannot be written.
        """
        line = json.dumps(encode(record), allow_nan=False).encode("ascii") + b"\n"
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, _FLAGS, 0o666)
            try:
                _append_line(descriptor, line)
            finally:
                os.close(descriptor)
            if is_new:
                sync_directory(self.directory)
        except OSError as error:
            raise _failure("written", self.path, error) from error

    def read(self) -> list[Experiment]:
        """Return every experiment, oldest first; a last line without an end never happened.

        Raises:
            JournalError: the file cannot be read, or a line is damaged; it names file and line.
        """
        lines = _read(self.path).split(b"\n")
        return [self._parse(number, line) for number, line in enumerate(lines[:-1], start=1)]

    def write_header(self, header: Mapping[str, Json]) -> None:
        """Write what holds for the whole campaign, in place of what was there.

        Raises:
            JournalError: a value is not strict JSON, or the file cannot be written.
        """
        try:
            text = json.dumps(dict(header), allow_nan=False, indent=2)
        except (TypeError, ValueError) as error:
            raise JournalError(
                f"{self.header_path} cannot hold {dict(header)!r}: {error}. "
                "Use strings, finite numbers, lists and objects."
            ) from error
        try:
            replace_file(self.header_path, text.encode("ascii") + b"\n")
        except OSError as error:
            raise _failure("written", self.header_path, error) from error

    def read_header(self) -> dict[str, Json] | None:
        """Return the campaign's header, None when none was written.

        Raises:
            JournalError: the file cannot be read or is damaged.
        """
        content = _read(self.header_path)
        if not content:
            return None
        try:
            header = json.loads(content.decode("utf-8"))
        except ValueError as error:
            raise _damage(str(self.header_path), str(error)) from error
        if not isinstance(header, dict):
            raise _damage(str(self.header_path), "expected an object")
        return header

    def _parse(self, number: int, line: bytes) -> Experiment:
        try:
            return decode(json.loads(line.decode("utf-8"), parse_constant=_refuse_constant))
        except (ValueError, RecursionError, JournalError) as error:
            raise _damage(f"{self.path}, line {number}", str(error)) from error


def campaigns(root: Path) -> list[str]:
    """Return the tags that have a record under a project's root, in alphabetical order.

    Raises:
        JournalError: the directory cannot be read.
    """
    home = root / DIRECTORY
    try:
        return sorted(
            entry.name
            for entry in (home.iterdir() if home.is_dir() else ())
            if (entry / _EXPERIMENTS).is_file() or (entry / _HEADER).is_file()
        )
    except OSError as error:
        raise _failure("read", home, error) from error


def _append_line(descriptor: int, line: bytes) -> None:
    """Write a line behind the last complete one, or leave the file as it is."""
    end = _end_of_last_line(descriptor)
    os.ftruncate(descriptor, end)
    os.lseek(descriptor, end, os.SEEK_SET)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise


def _end_of_last_line(descriptor: int, block: int = 1 << 16) -> int:
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - block)
        os.lseek(descriptor, start, os.SEEK_SET)
        found = os.read(descriptor, end - start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise _failure("read", path, error) from error


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _failure(verb: str, path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path} cannot be {verb}: {error.strerror or error}. Make it an ordinary file in a "
        "directory you may write to, on a disk with room, then start a new campaign."
    )


def _damage(place: str, what: str) -> JournalError:
    return JournalError(
        f"{place} is damaged: {what}. "
        "Restore it from a copy, or remove the damaged line, then start again."
    )
