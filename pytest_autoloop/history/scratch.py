"""Directories for a moment, which the next session knows for ours when this one is killed."""

from __future__ import annotations

import os
import shutil
import weakref
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp

PREFIX = "pytest-autoloop-"


def scratch_directory(purpose: str, *, ignore_errors: bool = False) -> TemporaryDirectory[str]:
    """Return a temporary directory whose name tells its purpose, a word, and its process.

    With `ignore_errors` it may stay when something in it cannot be removed.

    Raises:
        OSError: it cannot be made, or not be removed at the end.
    """
    prefix = f"{PREFIX}{purpose}-{os.getpid()}-"
    return TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=ignore_errors)


def lasting_directory(purpose: str, user: object) -> Path:
    """Return a temporary directory that is there for as long as its user, at most, is.

    Raises:
        OSError: it cannot be made.
    """
    owner = os.getpid()
    path = Path(mkdtemp(prefix=f"{PREFIX}{purpose}-{owner}-"))
    weakref.finalize(user, _remove, path, owner)
    return path


def _remove(path: Path, owner: int) -> None:
    if os.getpid() == owner:  # a forked child leaves what is its parent's
        shutil.rmtree(path, ignore_errors=True)
