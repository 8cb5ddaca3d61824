"""The journal: one JSON object per line and experiment, the source of truth of a campaign.

A line is found again by its place, so that nobody has to hold or read the whole file.
"""

from __future__ import annotations

import errno
import json
import os
import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.files import NO_FOLLOW, replace_file, sync_directory
from pytest_autoloop.history.records import decode, decode_lean, encode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_autoloop.model import Experiment, Json

DIRECTORY = ".pytest_autoloop"
_EXPERIMENTS = "experiments.jsonl"
_HEADER = "campaign.json"
#: A tag is part of a path and of a ref's name, so it has to be good for both.
_TAG = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]|\.(?!\.|lock$|$)){0,99}")
_FLAGS = os.O_RDWR | NO_FOLLOW | getattr(os, "O_BINARY", 0)
_NUMBER = re.compile(rb'\{"number": (\d+),')


class Place(NamedTuple):
    """Where in the file a line is, in bytes; its length counts the line break."""

    offset: int
    length: int


class Line(NamedTuple):
    """One experiment of the journal and its place."""

    offset: int
    length: int
    experiment: Experiment


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
            raise record_failure(
                "made", journal.directory, OSError(errno.ELOOP, "it is behind a link")
            )
        try:
            home.mkdir(exist_ok=True)
            journal.directory.mkdir(exist_ok=True)
            if not ignore.exists():
                replace_file(ignore, b"*\n")
            sync_directory(home)
        except OSError as error:
            raise record_failure("made", journal.directory, error) from error
        return journal

    def append(self, record: Experiment) -> Place:
        """Write one experiment and return its place when the disk has it.

        The part of a line that a crash left behind is put aside first. When the write fails, the
        file is as it was before.

        Raises:
            JournalError: the experiment holds a number that is none, or the file cannot be written.
        """
        line = json.dumps(encode(record), allow_nan=False).encode("ascii") + b"\n"
        self.repair()
        try:
            is_new = not self.path.exists()
            descriptor = os.open(self.path, _FLAGS | os.O_CREAT, 0o666)
            try:
                offset = _append_line(descriptor, line)
            finally:
                os.close(descriptor)
            if is_new:
                sync_directory(self.directory)
        except OSError as error:
            raise self._failure("written", self.path, error) from error
        return Place(offset, len(line))

    def read(self) -> list[Experiment]:
        """Return every experiment, oldest first; a last line without an end never happened.

        Raises:
            JournalError: the file cannot be read, or a line is damaged; it names file and line.
        """
        return [line.experiment for line in self.scan()]

    def scan(self, offset: int = 0, *, lean: bool = False) -> Iterator[Line]:
        """Yield the lines from an offset on, one at a time; the offset is where a line begins.

        With `lean` an experiment comes without diff, pairs, stages and the output of its guards,
        at a fraction of the time.

        Raises:
            JournalError: as `read`.
        """
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                for line in stream:
                    if not line.endswith(b"\n"):
                        return
                    yield Line(offset, len(line), self._parse(line, offset, lean=lean))
                    offset += len(line)
        except FileNotFoundError:
            return
        except OSError as error:
            raise self._failure("read", self.path, error) from error

    def at(self, offset: int, length: int) -> Experiment:
        """Return the experiment of the line at a place.

        Raises:
            JournalError: the file cannot be read, or no line of that length is there.
        """
        return self._parse(self.line(offset, length), offset)

    def line(self, offset: int, length: int) -> bytes:
        """Return the bytes at a place, fewer where the file ends before.

        Raises:
            JournalError: the file cannot be read.
        """
        try:
            with self.path.open("rb") as stream:
                stream.seek(offset)
                return stream.read(length)
        except OSError as error:
            raise self._failure("read", self.path, error) from error

    def repair(self) -> str:
        """Put aside a last line without its end; return a sentence about it, empty if all is well.

        The campaign must be held by its lock. What is cut off stays in a file ``torn-<time>``.

        Raises:
            JournalError: the file cannot be written.
        """
        try:
            descriptor = os.open(self.path, _FLAGS)
        except FileNotFoundError:
            return ""
        except OSError as error:
            raise self._failure("written", self.path, error) from error
        try:
            end = _end_of_last_line(descriptor)
            size = os.fstat(descriptor).st_size
            if end == size:
                return ""
            os.lseek(descriptor, end, os.SEEK_SET)
            torn = b"".join(iter(lambda: os.read(descriptor, 1 << 20), b""))
            kept = _unused(self.directory, f"torn-{datetime.now(timezone.utc):%Y%m%dT%H%M%SZ}")
            replace_file(kept, torn)
            os.ftruncate(descriptor, end)
            os.fsync(descriptor)
        except OSError as error:
            raise self._failure("written", self.path, error) from error
        finally:
            os.close(descriptor)
        number = _NUMBER.match(torn)
        whose = f" of experiment {int(number[1])}" if number else ""
        return (
            f"{self.path} ended in {len(torn)} bytes of an unfinished line{whose}; they were cut "
            f"off and are kept in {kept.name}"
        )

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
            raise self._failure("written", self.header_path, error) from error

    def read_header(self) -> dict[str, Json] | None:
        """Return the campaign's header, None when none was written.

        Raises:
            JournalError: the file cannot be read or is damaged.
        """
        try:
            content = self.header_path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._failure("read", self.header_path, error) from error
        if not content:
            return None
        try:
            header = json.loads(content.decode("utf-8"))
        except ValueError as error:
            raise _damage(str(self.header_path), str(error)) from error
        if not isinstance(header, dict):
            raise _damage(str(self.header_path), "expected an object")
        return header

    def _parse(self, line: bytes, offset: int, *, lean: bool = False) -> Experiment:
        try:
            if not line.endswith(b"\n"):
                raise ValueError("the line that belongs there is gone")  # noqa: TRY301
            record = json.loads(line.decode("utf-8"), parse_constant=_refuse_constant)
            return decode_lean(record) if lean else decode(record)
        except (ValueError, RecursionError, JournalError) as error:
            number = 1 + self.line(0, offset).count(b"\n")
            raise _damage(f"{self.path}, line {number}", str(error)) from error

    def _failure(self, verb: str, path: Path, error: OSError) -> JournalError:
        return record_failure(verb, path, error, self.tag)


def record_failure(verb: str, path: Path, error: Exception, tag: str = "") -> JournalError:
    """Return the error for a file of a campaign that cannot be read or written.

    Whatever was finished before is kept, so the campaign of that tag can go on.
    """
    what = (error.strerror if isinstance(error, OSError) else None) or error
    then = (
        f"the same command with --autoloop-tag={tag} goes on from there" if tag else "start again"
    )
    return JournalError(
        f"{path} cannot be {verb}: {what}. Make it an ordinary file in a directory you may write "
        f"to, on a disk with room; then {then}."
    )


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
            if _TAG.fullmatch(entry.name)
            and ((entry / _EXPERIMENTS).is_file() or (entry / _HEADER).is_file())
        )
    except OSError as error:
        raise record_failure("read", home, error) from error


def _append_line(descriptor: int, line: bytes) -> int:
    """Write a line at the end and return where it begins, or leave the file as it is."""
    end = os.lseek(descriptor, 0, os.SEEK_END)
    try:
        rest = memoryview(line)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
    except OSError:
        os.ftruncate(descriptor, end)
        raise
    return end


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


def _unused(directory: Path, name: str) -> Path:
    """Return a path that does not exist yet."""
    path, number = directory / name, 1
    while os.path.lexists(path):
        number += 1
        path = directory / f"{name}-{number}"
    return path


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is no number")


def _damage(place: str, what: str) -> JournalError:
    return JournalError(
        f"{place} is damaged: {what}. "
        "Restore it from a copy, or remove the damaged line, then start again."
    )
