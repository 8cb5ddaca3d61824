"""Ends every process below this one, also those that left its session (Linux)."""

from __future__ import annotations

import os
import select
import signal
import sys
import time
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop.evaluation.containment.policy import ContainmentError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

#: States of /proc/<pid>/stat in which a process has ended and waits to be reaped.
_ENDED = frozenset({"Z", "X"})
#: Longest wait for ended processes before the table is read again, in milliseconds.
_PAUSE = 50
#: How many processes one pass waits for by descriptor.
_WATCHED = 64


class Process(NamedTuple):
    """One line of the process table."""

    state: str
    parent: int
    group: int


def end_descendants(
    *, spare: Collection[int] = (), seconds: float = 10.0, grace: float = 0.0
) -> int:
    """Kill and reap every descendant of this process, and return how many were running.

    What is about to end, since whoever it worked for has ended, has `grace` seconds to do so.
    One that is in `spare`, with all below it, is left alone: name there what is waited for
    elsewhere. Only after `kernel.adopt_orphans` do those whose parent has ended count.

    A process that begins a new session with every fork can be faster than any look at the table: it
    is told by the error, and only the end of its box or its own limits end it.

    Raises:
        ContainmentError: a descendant is still alive after `seconds`.
    """
    if sys.platform != "linux":
        return 0
    if grace:
        _let_end(spare, time.monotonic() + grace)
    deadline = time.monotonic() + seconds
    ended: set[int] = set()
    while found := _below(table := _table(), spare):
        alive = _running(found)
        ended.update(alive)
        with ExitStack() as stack:
            watched = _watch(alive[:_WATCHED], stack)
            _kill(alive, found, table)
            if watched is not None:
                watched.poll(_PAUSE)
        _reap(found)
        if time.monotonic() > deadline:
            numbers = ", ".join(str(number) for number in sorted(alive)[:10])
            message = f"processes that a candidate started cannot be ended: {numbers}; end them"
            raise ContainmentError(message)
    return len(ended)


def descendants(spare: Collection[int] = ()) -> dict[int, Process]:
    """Return every process below this one, but for `spare` and all below those."""
    return _below(_table(), spare)


def _let_end(spare: Collection[int], deadline: float) -> None:
    """Wait until every descendant has ended by itself, at most up to a time."""
    while (alive := _running(_below(_table(), spare))) and time.monotonic() < deadline:
        with ExitStack() as stack:
            watched = _watch(alive[:1], stack)
            if watched is not None:
                watched.poll(max(1, int(1000 * (deadline - time.monotonic()))))


def _running(found: dict[int, Process]) -> list[int]:
    return [number for number, process in found.items() if process.state not in _ENDED]


def _below(table: dict[int, Process], spare: Collection[int]) -> dict[int, Process]:
    children: dict[int, list[int]] = {}
    for number, process in table.items():
        children.setdefault(process.parent, []).append(number)
    found: dict[int, Process] = {}
    waiting = [os.getpid()]
    while waiting:
        for number in children.get(waiting.pop(), ()):
            if number not in spare and number not in found:
                found[number] = table[number]
                waiting.append(number)
    return found


def _table() -> dict[int, Process]:
    table = {}
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                with open(f"{entry.path}/stat", "rb") as stream:  # noqa: PTH123 - hundreds of them
                    # The program's name may hold anything, a closing parenthesis too.
                    fields = stream.read().rpartition(b")")[2].split()
                state, parent, group = fields[0].decode(), int(fields[1]), int(fields[2])
                table[int(entry.name)] = Process(state, parent, group)
    return table


def _kill(alive: Iterable[int], found: dict[int, Process], table: dict[int, Process]) -> None:
    # A group is killed at one stroke: one by one, a process that forks all the time would win. Only
    # groups with nobody else in them: a process may join another group of its session. The leader
    # may have ended long ago.
    others = {process.group for number, process in table.items() if number not in found}
    groups = {found[number].group for number in alive} - others - {os.getpgrp(), 0}
    for group in groups:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    for number in alive:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(number, signal.SIGKILL)


def _watch(numbers: Iterable[int], stack: ExitStack) -> select.poll | None:
    if sys.platform != "linux":
        return None
    poll = select.poll()
    for number in numbers:
        with suppress(OSError):
            descriptor = os.pidfd_open(number)
            stack.callback(os.close, descriptor)
            poll.register(descriptor, select.POLLIN)
    return poll


def _reap(found: dict[int, Process]) -> None:
    for number in found:
        with suppress(ChildProcessError):
            os.waitpid(number, os.WNOHANG)
