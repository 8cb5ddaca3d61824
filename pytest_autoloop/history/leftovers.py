"""Checkouts whose session died before it could remove them."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.files import remove_tree

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.history.repository import Repository

#: What a session calls its directory, with the number of its process.
_OWNER = re.compile(r"pytest-autoloop-(\d+)-")


def remove_leftovers(repository: Repository, place: Path) -> None:
    """Remove the checkouts of this repository whose owner died before it could."""
    dead: set[Path] = set()
    for path in repository.worktrees():
        owner = _OWNER.match(path.parent.name)
        if owner is None or path.parent.parent != place or _is_alive(int(owner[1])):
            continue
        dead.add(path.parent)
        # Another session may be removing the same one, and the next session tries again.
        with suppress(RepositoryError):
            repository.remove_worktree(path)
    for directory in dead:
        with suppress(RepositoryError):
            remove_tree(directory)


def _is_alive(process: int) -> bool:
    if sys.platform == "win32":
        return _is_alive_on_windows(process)
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # it lives, and belongs to somebody else
        return True
    return True


def _is_alive_on_windows(process: int) -> bool:
    """Ask for the process itself, because there signal 0 is not a question but Ctrl-C."""
    if sys.platform != "win32":
        return False
    import ctypes  # noqa: PLC0415

    query, still_active = 0x1000, 259
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(query, False, process)
    if not handle:
        return False
    code = ctypes.c_ulong()
    kernel.GetExitCodeProcess(handle, ctypes.byref(code))
    kernel.CloseHandle(handle)
    return code.value == still_active
