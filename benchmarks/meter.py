"""CPU time and memory of this process's descendants, dead or alive."""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import resource
import struct
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_PR_SET_CHILD_SUBREAPER = 36
#: Number of perf_event_open in Linux's table of system calls.
_SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
#: struct perf_event_attr: PERF_TYPE_SOFTWARE, its first size, PERF_COUNT_SW_TASK_CLOCK, `inherit`.
_SOFTWARE, _SIZE, _TASK_CLOCK, _INHERIT = 1, 64, 1, 1 << 1


class Meter:
    """Counts the CPU time of all processes that this one starts from now on.

    The kernel counts by perf_event_open(2), which misses nobody. Where that is forbidden, it is the
    sum over processes that were waited for and those that live; it misses those that ended with
    the first process of a sandbox, as the kernel drops their accounts.
    """

    def __init__(self) -> None:
        self._descriptor = _counter()
        self._start = time.process_time()
        self._others = children(os.getpid())
        if self._descriptor is None:
            adopt_orphans(wanted=True)

    @property
    def source(self) -> str:
        """What the figures are from, in words."""
        if self._descriptor is None:
            return "waited-for and living processes; misses what ends inside a sandbox"
        return "the kernel's task clock of all descendants"

    def seconds(self) -> float:
        """Return the CPU time so far."""
        if self._descriptor is not None:
            (count,) = struct.unpack("=Q", os.read(self._descriptor, 8))
            # This process is in it.
            return float(count) * 1e-9 - (time.process_time() - self._start)
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime + _living(tree(os.getpid(), self._others))

    def close(self) -> None:
        """Stop counting."""
        if self._descriptor is not None:
            os.close(self._descriptor)
        else:
            reap(self._others)
            adopt_orphans(wanted=False)


def _counter() -> int | None:
    number = _SYSTEM_CALL.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return None
    attributes = struct.pack("=IIQQQQQ", _SOFTWARE, _SIZE, _TASK_CLOCK, 0, 0, 0, _INHERIT)
    attributes = attributes.ljust(_SIZE, b"\0")
    descriptor = ctypes.CDLL(None).syscall(number, attributes, 0, -1, -1, 0)
    if descriptor < 0:
        return None
    os.set_inheritable(descriptor, False)
    return int(descriptor)


def adopt_orphans(*, wanted: bool) -> None:
    """Become the parent of descendants whose own parent ends, or no longer; on Linux only."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(wanted), 0, 0, 0)


def reap(others: set[int]) -> None:
    """Wait for adopted children that are no others; they are about to end, or have ended."""
    for pid in children(os.getpid()) - others:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def children(pid: int) -> set[int]:
    """Return the children of all threads of a process."""
    found: set[int] = set()
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(map(int, thread.read_text().split()))
    return found


def tree(pid: int, others: Iterable[int] = ()) -> list[int]:
    """Return all descendants of a process, but those that descend from its children `others`."""
    found: list[int] = []
    waiting = children(pid) - set(others)
    while waiting:
        one = waiting.pop()
        found.append(one)
        waiting |= children(one)
    return found


def _living(processes: Iterable[int]) -> float:
    ticks = 0
    for pid in processes:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            # utime, stime, cutime and cstime of proc(5).
            ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Memory:
    """MB of a set of processes."""

    processes: int
    #: Pages that no other process maps.
    private: float
    #: Each page divided among those that map it.
    proportional: float


def memory(processes: Iterable[int]) -> Memory:
    """Return what processes hold, from /proc/*/smaps_rollup; those that have ended hold nothing."""
    count, private, proportional = 0, 0, 0
    for pid in processes:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
            kilobytes = {name: int(rest.split()[0]) for name, rest in map(_parted, lines)}
            count += 1
            private += kilobytes["Private_Clean"] + kilobytes["Private_Dirty"]
            proportional += kilobytes["Pss"]
    return Memory(count, private / 1024, proportional / 1024)


def _parted(line: str) -> tuple[str, str]:
    name, _, rest = line.partition(":")
    return name, rest
