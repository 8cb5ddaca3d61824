"""Directories for a moment, which the next session knows for ours when this one is killed."""

from __future__ import annotations

import os
from tempfile import TemporaryDirectory

PREFIX = "pytest-autoloop-"


def scratch_directory(purpose: str, *, ignore_errors: bool = False) -> TemporaryDirectory[str]:
    """Return a temporary directory whose name tells its purpose, a word, and its process.

    With `ignore_errors` it may stay when something in it cannot be removed.

    Raises:
        OSError: it cannot be made, or not be removed at the end.
    """
    prefix = f"{PREFIX}{purpose}-{os.getpid()}-"
    return TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=ignore_errors)
