"""One session at a time in a campaign."""

from __future__ import annotations

import os
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.files import NO_FOLLOW

if TYPE_CHECKING:
    from pathlib import Path

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

_NAME = "lock"
#: On Windows a locked byte cannot be read by others: one far behind the process's number.
_LOCKED_BYTE = 1 << 20
_LONGEST_NUMBER = 20
#: How often, and after how many seconds, a lock is tried whose process is dead.
_TRIES = 100
_PAUSE = 0.02


class CampaignLock:
    """Holds a campaign until it is closed, or its process ends in whatever way.

    The system holds it, not the file: what a process leaves that was killed is not in the way. The
    file tells the number of the process.

    Raises:
        UsageError: another session holds it; the message names its process.
        JournalError: the file cannot be opened or written.
    """

    def __init__(self, directory: Path) -> None:
        self.path = path = directory / _NAME
        self._descriptor = self._open()
        try:
            self._take()
            while not self._is_there():  # it was abandoned since it was opened
                os.close(self._descriptor)
                self._descriptor = self._open()
                self._take()
        except OSError as error:
            owner = self._owner()
            os.close(self._descriptor)
            process = f" (process {owner})" if owner is not None else ""
            raise UsageError(
                f"the campaign {directory.name} is being run by another session{process}: wait "
                "until that has ended, or choose another tag with --autoloop-tag"
            ) from error
        try:
            os.ftruncate(self._descriptor, 0)
            os.write(self._descriptor, f"{os.getpid()}\n".encode("ascii"))
        except OSError as error:
            os.close(self._descriptor)
            raise _failure("written", path, error) from error

    def close(self) -> None:
        """Let others in; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1

    def abandon(self) -> None:
        """Let others in, and leave nothing of a campaign that has not begun."""
        directory, home = self.path.parent, self.path.parent.parent
        if os.name == "nt":  # where a file that is open stays
            self.close()
        with suppress(OSError):
            if [path.name for path in directory.iterdir()] == [_NAME]:
                self.path.unlink()
                directory.rmdir()
            if [path.name for path in home.iterdir()] == [".gitignore"]:
                (home / ".gitignore").unlink()
                home.rmdir()
        self.close()

    def _open(self) -> int:
        try:
            return os.open(self.path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o666)
        except OSError as error:
            raise _failure("opened", self.path, error) from error

    def _is_there(self) -> bool:
        """Tell whether the file that is held still has its name."""
        try:
            return os.path.samestat(os.fstat(self._descriptor), self.path.stat())
        except FileNotFoundError:
            return False

    def _owner(self) -> int | None:
        """Return the number of the process that holds the campaign, or did so last."""
        os.lseek(self._descriptor, 0, os.SEEK_SET)
        text = os.read(self._descriptor, _LONGEST_NUMBER).split(b"\n")[0]
        return int(text) if text.isdigit() else None

    def _take(self) -> None:
        """Take the lock; a process that was killed may need a moment until it has let go of it.

        What it was about to start still has the file open, until it runs.
        """
        for _ in range(_TRIES):
            try:
                return _hold(self._descriptor)
            except OSError:  # noqa: PERF203 - it is tried again after a pause
                owner = self._owner()
                if owner is None or _lives(owner):
                    raise
                time.sleep(_PAUSE)
        return _hold(self._descriptor)


def is_held(directory: Path) -> bool:
    """Tell whether a session holds the campaign of this directory, which need not exist."""
    if not os.path.lexists(directory / _NAME):
        return False
    try:
        CampaignLock(directory).close()
    except UsageError:
        return True
    return False


def _lives(process: int) -> bool:
    if sys.platform == "win32":  # where signal 0 would end it
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _hold(descriptor: int) -> None:
    """Take the lock, or raise OSError at once when somebody has it."""
    if sys.platform == "win32":
        os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        finally:
            os.lseek(descriptor, 0, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _failure(verb: str, path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path} cannot be {verb}: {error.strerror or error}. Make it an ordinary file in "
        "a directory you may write to, then start again."
    )
