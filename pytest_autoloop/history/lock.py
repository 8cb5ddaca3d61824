"""One session at a time in a campaign."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.files import NO_FOLLOW

if TYPE_CHECKING:
    from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows: two sessions of one campaign are then not told apart
    fcntl = None  # type: ignore[assignment]

_NAME = "lock"


class CampaignLock:
    """Holds a campaign until it is closed, or its process ends in whatever way.

    Raises:
        UsageError: another session holds it.
        JournalError: the file cannot be opened.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / _NAME
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | NO_FOLLOW, 0o666)
        except OSError as error:
            raise JournalError(
                f"{path} cannot be opened: {error.strerror or error}. Make it an ordinary file in "
                "a directory you may write to, then start again."
            ) from error
        if fcntl is None:
            return
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise UsageError(
                f"the campaign {directory.name} is being run by another session: wait until that "
                "has ended, or choose another tag with --autoloop-tag"
            ) from error

    def close(self) -> None:
        """Let others in."""
        os.close(self._descriptor)
