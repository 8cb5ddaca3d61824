"""What was answered or paid but is not recorded yet: it outlives the session that asked.

An answer costs money, so it is on the disk before its candidate is committed. A session that is
killed while it judges one leaves it here; the next session judges it again under its number.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError
from pytest_autoloop.history.files import replace_file, sync_directory
from pytest_autoloop.history.journal import record_failure
from pytest_autoloop.history.records import decode_record, encode_record
from pytest_autoloop.model import Proposal  # noqa: TC001 - decoding looks it up
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

_NAME = re.compile(r"(\d+)\.json")
#: What `replace_file` leaves when it is killed.
_TEMPORARY = ".autoloop-*.tmp"
_UNBILLED = "unbilled.json"


@dataclass(frozen=True, slots=True)
class Answer:
    """A proposal that has its number but no experiment yet."""

    number: int
    #: Commit that it changes.
    parent: str
    #: Name of the target that it changes.
    target: str
    #: How the search came to the parent, and what of a candidate that is not the best stays.
    search: str
    stays: str
    proposal: Proposal
    #: How often its judging was begun.
    times: int = 1
    #: Seconds that the answer took.
    proposing: float = 0.0
    #: The bill that its usage holds, too; see `Unbilled`.
    bill: str = ""


@dataclass(frozen=True, slots=True)
class _Bill:
    """What is still to be charged, under a name that no other sum has."""

    usage: Usage
    name: str


class Answers:
    """The answers of one campaign, a file each; the directory is made with the first."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._tag = directory.parent.name

    def put(self, answer: Answer) -> None:
        """Write an answer, in place of an earlier one of its number; returns when the disk has it.

        Raises:
            JournalError: its usage holds a number that is none, or the file cannot be written.
        """
        path = self._path(answer.number)
        record = encode_record(answer, f"the answer of experiment {answer.number}")
        try:
            if not self.directory.is_dir():
                self.directory.mkdir()
                sync_directory(self.directory.parent)
            replace_file(path, json.dumps(record, allow_nan=False).encode("ascii") + b"\n")
        except OSError as error:
            raise record_failure("written", path, error, self._tag) from error

    def get(self, number: int) -> Answer | None:
        """Return the answer of a number, None when there is none.

        Raises:
            JournalError: its file is damaged.
        """
        path = self._path(number)
        return self._read(path) if path.exists() else None

    def drop(self, number: int) -> None:
        """Remove an answer whose experiment is recorded; none there is no fault.

        Raises:
            JournalError: the file cannot be removed.
        """
        path = self._path(number)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise record_failure("removed", path, error, self._tag) from error

    def pending(self) -> list[Answer]:
        """Return the answers in the order of their numbers, and sweep away what a kill left.

        Raises:
            JournalError: a file is damaged or none of ours; the message names it.
        """
        if not self.directory.is_dir():
            return []
        try:
            for leftover in self.directory.glob(_TEMPORARY):
                leftover.unlink()
            files = [file for file in self.directory.iterdir() if not file.name.startswith(".")]
            return sorted(map(self._read, files), key=lambda answer: answer.number)
        except OSError as error:
            raise record_failure("read", self.directory, error, self._tag) from error

    def _path(self, number: int) -> Path:
        return self.directory / f"{number:03}.json"

    def _read(self, file: Path) -> Answer:
        fault = "it is none of the answers that are kept there"
        if _NAME.fullmatch(file.name) and file.is_file() and not file.is_symlink():
            try:
                answer = decode_record(Answer, json.loads(file.read_bytes()), "it")
            except OSError as error:
                raise record_failure("read", file, error, self._tag) from error
            except (ValueError, RecursionError, JournalError) as error:
                fault = str(error)
            else:
                if file == self._path(answer.number):
                    return answer
                fault = f"it holds the answer of experiment {answer.number}"
        raise JournalError(
            f"{file} cannot be judged: {fault}. Move it away (what it cost is then not counted); "
            f"then the same command with --autoloop-tag={self._tag} goes on."
        )


class Unbilled:
    """What was spent without coming to an experiment, in a file of the campaign.

    The next answer is charged with it. It names the bill, so that a kill before the file is cleared
    does not charge it twice.
    """

    def __init__(self, directory: Path) -> None:
        self.path = directory / _UNBILLED
        self._tag = directory.name

    def read(self) -> Usage:
        """Return what is still to be charged; nothing when there is no file.

        Raises:
            JournalError: the file cannot be read or is damaged.
        """
        return self._read().usage

    def name(self) -> str:
        """Return the name of the bill that is open, empty when there is none.

        Raises:
            JournalError: as `read`.
        """
        return self._read().name

    def _read(self) -> _Bill:
        try:
            return decode_record(_Bill, json.loads(self.path.read_bytes()), "it")
        except FileNotFoundError:
            return _Bill(Usage(), "")
        except OSError as error:
            raise record_failure("read", self.path, error, self._tag) from error
        except (ValueError, RecursionError, JournalError) as error:
            raise JournalError(
                f"{self.path} is damaged: {error}. Remove it (what it says was spent is then not "
                f"counted); then the same command with --autoloop-tag={self._tag} goes on."
            ) from error

    def write(self, usage: Usage) -> None:
        """Remember a sum in place of the one before; nothing at all clears it.

        Raises:
            JournalError: the cost is no number, or the file cannot be written.
        """
        if usage == Usage():
            self.clear()
            return
        record = encode_record(_Bill(usage, secrets.token_hex(8)), "what was spent")
        try:
            replace_file(self.path, json.dumps(record, allow_nan=False).encode("ascii") + b"\n")
        except OSError as error:
            raise record_failure("written", self.path, error, self._tag) from error

    def clear(self) -> None:
        """Forget the sum, when an answer that is written carries it.

        Raises:
            JournalError: the file cannot be removed.
        """
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            raise record_failure("removed", self.path, error, self._tag) from error
