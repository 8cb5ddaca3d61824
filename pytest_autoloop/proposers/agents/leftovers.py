"""Finds and ends what is left of an agent whose supervisor did not live to do so.

Every process of an agent inherits a mark in its environment. Those that took it off are found by
their parent, their group or their session, as long as one of these is marked.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import sys
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

VARIABLE = "AUTOLOOP_AGENT"
_ENDED = frozenset({"Z", "X"})
#: Longest wait for killed processes before the table is read again, in milliseconds.
_PAUSE = 50
#: How many processes one pass waits for.
_WATCHED = 64


class _Process(NamedTuple):
    """One line of the process table."""

    parent: int
    group: int
    session: int


def marked(environ: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """Return a new mark, and the environment with it; the marks of agents around stay there."""
    mark = secrets.token_hex(16)
    return mark, {**environ, VARIABLE: f"{environ.get(VARIABLE, '')} {mark}".lstrip()}


def end_marked(mark: str, *, seconds: float = 10.0) -> list[int]:
    """Kill every process that carries a mark, and what belongs to it; Linux only.

    Returns:
        The numbers of those that are still alive after `seconds`.

    """
    if sys.platform != "linux":
        return []
    deadline = time.monotonic() + seconds
    while found := _belonging(mark.encode("ascii")):
        if time.monotonic() > deadline:
            return sorted(found)
        with ExitStack() as stack:
            poll = select.poll()
            for number in found[:_WATCHED]:
                with suppress(OSError):
                    descriptor = os.pidfd_open(number)
                    stack.callback(os.close, descriptor)
                    poll.register(descriptor, select.POLLIN)
            _kill(found)
            poll.poll(_PAUSE)
    return []


def end_group(number: int) -> None:
    """Kill a group of processes by its leader's number; where no mark can be read."""
    if sys.platform != "win32" and number > 1 and number != os.getpgrp():
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(number, signal.SIGKILL)


def _kill(numbers: Iterable[int]) -> None:
    # A group at one stroke: one by one, a process that forks all the time would win. An agent
    # leads a session of its own, so nobody else is in its groups.
    for number in numbers:
        with suppress(OSError):
            end_group(os.getpgid(number))
        with suppress(OSError):
            os.kill(number, signal.SIGKILL)


def _belonging(mark: bytes) -> list[int]:
    table = _table()
    found = {number for number in table if _carries(number, mark)}
    size = 0
    while size < len(found):
        size = len(found)
        groups = {table[number].group for number in found}
        sessions = {table[number].session for number in found}
        found |= {
            number
            for number, process in table.items()
            if process.parent in found or process.group in groups or process.session in sessions
        }
    return sorted(found)


def _carries(number: int, mark: bytes) -> bool:
    try:
        environment = Path(f"/proc/{number}/environ").read_bytes()
    except OSError:
        # Ended, or another user's.
        return False
    name = VARIABLE.encode("ascii") + b"="
    values = (one for one in environment.split(b"\0") if one.startswith(name))
    return any(mark in value for value in values)


def _table() -> dict[int, _Process]:
    """Return every other process that has not ended."""
    table: dict[int, _Process] = {}
    own, user = os.getpid(), os.getuid()
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit() or int(entry.name) == own:
            continue
        with suppress(OSError, IndexError, ValueError):
            if entry.stat().st_uid != user:
                continue
            # The program's name may hold anything, a closing parenthesis too.
            fields = Path(entry.path, "stat").read_bytes().rpartition(b")")[2].split()
            if fields[0].decode() not in _ENDED:
                parent, group, session = (int(field) for field in fields[1:4])
                table[int(entry.name)] = _Process(parent, group, session)
    return table
