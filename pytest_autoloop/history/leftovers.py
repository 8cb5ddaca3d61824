"""Checkouts and files whose session died before it could remove them."""

from __future__ import annotations

import os
import re
import stat
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.files import remove_tree
from pytest_autoloop.history.scratch import PREFIX

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.history.repository import Repository

#: What a session calls its directories, with the number of its process; those for a moment have a
#: word before it.
_OWNER = re.compile(rf"{PREFIX}(?:[a-z]+-)?(\d+)-")
#: What `replace_file` calls a file before it has its name.
_TEMPORARY = re.compile(r"\.autoloop-(\d+)-\w+\.tmp")


def remove_temporaries(*directories: Path) -> None:
    """Remove the files that were to replace another one when their session died."""
    for directory in directories:
        for path in directory.glob(".autoloop-*.tmp"):
            owner = _TEMPORARY.fullmatch(path.name)
            if owner and (int(owner[1]) == os.getpid() or not is_alive(int(owner[1]))):
                # Whoever cannot remove it here will not be able to write here either.
                with suppress(OSError):
                    path.unlink()


def remove_leftovers(repository: Repository, place: Path) -> None:
    """Remove what lies in a directory for temporary files and whose owner died before it could.

    These are the checkouts of this repository, and directories without any checkout in them.
    """
    dead = set(_without_checkouts(place))
    for path in repository.worktrees():
        owner = _OWNER.match(path.parent.name)
        if owner is None or path.parent.parent != place or is_alive(int(owner[1])):
            continue
        dead.add(path.parent)
        # Another session may be removing the same one, and the next session tries again.
        with suppress(RepositoryError):
            repository.remove_worktree(path)
    for directory in dead:
        with suppress(RepositoryError):
            remove_tree(directory)


def _without_checkouts(place: Path) -> Iterator[Path]:
    """Yield the directories of dead processes of this user that hold no checkout.

    One that does is removed by a session of its own repository, which knows that it is one.
    """
    for path in place.glob(f"{PREFIX}*"):
        owner = _OWNER.match(path.name)
        try:
            found = path.lstat()
            ours = stat.S_ISDIR(found.st_mode) and (os.name == "nt" or found.st_uid == os.getuid())
            if owner and ours and not is_alive(int(owner[1])) and not any(path.glob("*/.git")):
                yield path
        except OSError:  # another session has removed it
            continue


def is_alive(process: int) -> bool:
    """Tell whether there is a process of that number, whoever's it is."""
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
