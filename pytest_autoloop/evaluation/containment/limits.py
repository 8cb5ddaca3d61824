"""Limits of a process: its resources and its capabilities."""

from __future__ import annotations

import ctypes
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment import kernel
from pytest_autoloop.evaluation.containment.policy import ContainmentError

if sys.platform != "win32":
    import resource

if TYPE_CHECKING:
    from pytest_autoloop.evaluation.containment.policy import Policy, Profile

_OPEN_FILES = {"worker": 128, "harness": 4096}
#: Processes and threads that a session may start beyond what its user runs already.
_MORE_TASKS = 512
#: linux/capability.h: _LINUX_CAPABILITY_VERSION_3.
_CAPABILITY_VERSION = 0x20080522
#: linux/capability.h: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH. Kept, or root could not enter a
#: project that belongs to another user, as in containers; Landlock bounds what they open.
_KEPT_CAPABILITIES = 1 << 1 | 1 << 2
#: Position of the number of threads in /proc/<pid>/stat, counted after the program's name.
_THREADS_FIELD = 17
#: Tasks of the user, and of all users at that moment, if they were counted before.
_counted: tuple[int, int] | None = None


class _CapabilityHeader(ctypes.Structure):
    """__user_cap_header_struct of linux/capability.h."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _CapabilityData(ctypes.Structure):
    """__user_cap_data_struct of linux/capability.h; two of them hold 64 bits of each set."""

    _fields_ = (
        ("effective", ctypes.c_uint32),
        ("permitted", ctypes.c_uint32),
        ("inheritable", ctypes.c_uint32),
    )


def limit_resources(policy: Policy, profile: Profile) -> None:
    """Bound memory, files, descriptors and, where the kernel counts them, processes.

    Raises:
        ContainmentError: a limit was refused.
    """
    if sys.platform == "win32":
        return
    wanted: list[tuple[int, int | None]] = [
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES[profile]),
        (resource.RLIMIT_FSIZE, policy.file_bytes),
        (resource.RLIMIT_CPU, policy.cpu_seconds),
    ]
    if sys.platform == "linux":
        # macOS counts shared system libraries and refuses any useful value.
        wanted.append((resource.RLIMIT_AS, policy.memory_bytes))
        # The kernel does not count for root. Who may not fork has only threads: memory bounds them.
        if policy.programs and os.getuid():
            wanted.append((resource.RLIMIT_NPROC, _tasks() + _MORE_TASKS))
    for kind, value in wanted:
        if value is not None:
            _lower(kind, value)


def _lower(kind: int, value: int) -> None:
    soft, hard = (
        value if limit == resource.RLIM_INFINITY else min(value, limit)
        for limit in resource.getrlimit(kind)
    )
    try:
        resource.setrlimit(kind, (soft, hard))
    except (OSError, ValueError) as error:
        message = f"resource limit {kind} cannot be set to {soft}: {error}"
        raise ContainmentError(message) from error


def prepare() -> None:
    """Count the user's tasks, so that a process that is forked afterwards need not do it again."""
    global _counted  # noqa: PLW0603 - what a parent has done for its children
    if sys.platform == "linux" and os.getuid():
        _counted = _tasks_of_user(), _tasks_of_all()


def _tasks() -> int:
    """Return how many tasks the user runs: the kernel's limit counts all of them.

    Counted for each process of the machine, which takes milliseconds; a count from before is
    brought up to date by what all users have started since.
    """
    if _counted is None:
        return _tasks_of_user()
    own, everyone = _counted
    return own + max(0, _tasks_of_all() - everyone)


def _tasks_of_all() -> int:
    # Running tasks and all of them, as 1/523: proc_loadavg(5).
    load = Path("/proc/loadavg").read_text(encoding="utf-8").split()
    return int(load[3].partition("/")[2])


def _tasks_of_user() -> int:
    user, count = os.getuid(), 0
    for entry in os.scandir("/proc"):
        if entry.name.isdigit():
            with suppress(OSError, IndexError, ValueError):
                if entry.stat().st_uid == user:
                    with open(f"{entry.path}/stat", "rb") as stream:  # noqa: PTH123 - hundreds
                        fields = stream.read().rpartition(b")")[2].split()
                    count += int(fields[_THREADS_FIELD])
    return count


def drop_capabilities() -> None:
    """Give up what root may do beyond an ordinary user, but for reaching files (Linux).

    A process with fewer capabilities than its parent cannot look into the parent's memory.

    Raises:
        ContainmentError: the kernel refused.
    """
    header = _CapabilityHeader(_CAPABILITY_VERSION, 0)
    sets = (_CapabilityData * 2)()
    library = kernel.library()
    done = library.capget(ctypes.byref(header), sets) == 0
    if done:
        for index, word in enumerate(sets):
            kept = word.permitted & (_KEPT_CAPABILITIES >> 32 * index)
            word.permitted = word.effective = kept
            word.inheritable = 0
        done = library.capset(ctypes.byref(header), sets) == 0
    if not done:
        reason = os.strerror(ctypes.get_errno())
        raise ContainmentError(f"capabilities cannot be dropped: {reason}")
