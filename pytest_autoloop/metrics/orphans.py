"""Ends what commands leave behind in sessions of their own, which no signal to their group reaches.

It could go on while the next thing is measured, or answer questions in the place of a model.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: Seconds after which what forks faster than it can be ended is left to the session's supervisor.
_LONGEST = 5.0


class _Commands:
    """The commands that run in this process, of which several threads may run some."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running = 0
        self._was_parent = False
        self._spared: frozenset[int] = frozenset()

    def begin(self) -> None:
        """Become the parent of orphans; what is a child already is spared."""
        with self._lock:
            self._running += 1
            if self._running == 1:
                self._spared = frozenset(_children())
                self._was_parent = _adopt(True)

    def end(self) -> None:
        """End the orphans, when no other command runs that they could belong to."""
        with self._lock:
            self._running -= 1
            if not self._running:
                _end_orphans(self._spared)
                _adopt(self._was_parent)


_COMMANDS = _Commands()


@contextmanager
def ended_orphans() -> Iterator[None]:
    """Run a command, in a session of its own, in the block; end what it has left after it.

    Only on Linux: elsewhere no process can be the parent of orphans.
    """
    if sys.platform != "linux":
        yield
        return
    _COMMANDS.begin()
    try:
        yield
    finally:
        _COMMANDS.end()


def _adopt(orphans: bool) -> bool:
    """Say whether this process becomes the parent of orphans, and return whether it did before."""
    import ctypes  # noqa: PLC0415 - only who runs a command pays

    from pytest_autoloop.evaluation.containment.kernel import (  # noqa: PLC0415 - as above
        PR_SET_CHILD_SUBREAPER,
        library,
    )

    before = ctypes.c_int(0)
    # What reads the attribute has the next number (linux/prctl.h). A kernel that knows neither
    # leaves orphans to others, as it does elsewhere.
    library().prctl(PR_SET_CHILD_SUBREAPER + 1, ctypes.byref(before), 0, 0, 0)
    library().prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(orphans), 0, 0, 0)
    return bool(before.value)


def _end_orphans(spared: frozenset[int]) -> None:
    """Kill and reap the children that others have left to this process, and what these leave."""
    mine, deadline = os.getsid(0), time.monotonic() + _LONGEST
    while time.monotonic() < deadline:
        # What this process itself has started is in its own session, or in `spared`.
        found = [one for one in _children() if one not in spared and _session(one) not in {mine, 0}]
        if not found:
            return
        for number in found:
            with suppress(OSError):
                os.kill(number, signal.SIGKILL)
                os.waitpid(number, 0)


def _children() -> list[int]:
    """Return the children of this process; empty where the kernel does not list them."""
    found: list[int] = []
    with suppress(OSError):
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - names, not paths
            with suppress(OSError):
                told = Path("/proc/self/task", task, "children").read_text(encoding="ascii")
                found += map(int, told.split())
    return found


def _session(process: int) -> int:
    """Return the session that a process belongs to; 0 when it is gone."""
    try:
        return os.getsid(process)
    except OSError:
        return 0
