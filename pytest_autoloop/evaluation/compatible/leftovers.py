"""Threads and processes that outlive the session that started them."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import threading
import time
from pathlib import Path

from pytest_autoloop.evaluation.compatible.finding import Finding

_current_frames, _enumerate, _wall = sys._current_frames, threading.enumerate, time.monotonic
#: Seconds that threads which are about to end are given.
_GRACE = 0.05


class Leftovers:
    """Knows what ran at the beginning."""

    def __init__(self) -> None:
        self._threads = set(_current_frames())
        self._processes = set(_children())

    def findings(self) -> list[Finding]:
        """Return what runs now and did not then.

        Only threads that execute Python count: numerical libraries keep native ones for good.
        """
        until = _wall() + _GRACE
        for thread in _enumerate():
            # A daemon is meant to stay.
            if thread.ident not in self._threads and not thread.daemon:
                thread.join(max(0.0, until - _wall()))
        names = {thread.ident: thread.name for thread in _enumerate()}
        threads = [_plain(names.get(i, "unnamed")) for i in set(_current_frames()) - self._threads]
        children = _children()
        processes = [_plain(children[number]) for number in set(children) - self._processes]
        return [*_told("thread", threads), *_told("process", processes)]


def _told(kind: str, names: list[str]) -> list[Finding]:
    found = []
    plural = {"thread": "threads", "process": "processes"}[kind]
    for name in sorted(set(names)):
        count = names.count(name)
        number = f"1 {kind} was" if count == 1 else f"{count} {plural} were"
        found.append(Finding(f"{kind}:{name}", f"{number} still running: {name}"))
    return found


def _plain(name: str) -> str:
    """Strip what differs from run to run."""
    return re.sub(r"\W*\d+", "", name)[:40]


def _children() -> dict[int, str]:
    """Return the living child processes of this one, with their names; empty where unknown."""
    found: dict[int, str] = {}
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/self/task"):  # noqa: PTH208 - names, not paths
            for number in Path("/proc/self/task", task, "children").read_text().split():
                with contextlib.suppress(OSError, IndexError):
                    status = Path("/proc", number, "stat").read_text()
                    name, _, rest = status.partition("(")[2].rpartition(")")
                    # A process that has ended and only waits to be reaped does nothing more.
                    if rest.split()[0] not in "ZX":
                        found[int(number)] = name
    return found
