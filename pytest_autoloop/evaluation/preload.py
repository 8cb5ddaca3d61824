"""What a warm parent keeps for its children, and what must not be in a process that is forked."""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.collected import belongs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Packages that start threads, open devices or talk to a service in a way that does not survive a
#: fork, some of them only at their first use: each child imports them for itself.
DENIED = frozenset(
    {
        *("AppKit", "CoreFoundation", "Foundation", "PyObjCTools", "Quartz", "objc"),
        *("PyQt5", "PyQt6", "PySide2", "PySide6", "gi", "tkinter", "_tkinter", "wx"),
        *("cupy", "jax", "jaxlib", "numba_cuda", "pycuda", "tensorflow"),
        *("dask", "distributed", "gevent", "grpc", "mpi4py", "pyspark", "rclpy", "ray"),
        *("uvloop", "zmq"),
    }
)
#: Modules of these stand in the warm parent already, or are ours.
_OWN = ("_pytest", "pytest_autoloop")
#: Devices of graphics processors: an open one means a context, which belongs to one process.
_DEVICES = ("/dev/nvidia", "/dev/kfd", "/dev/dri/")


def preload(names: Sequence[str]) -> None:
    """Import modules by name, in this order; what cannot be imported is left to the children."""
    for name in names:
        package = name.partition(".")[0]
        if package in DENIED or package in _OWN or name in sys.modules:
            continue
        # What an import of the user's surroundings raises is nothing to do with us.
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(name)


def unsafe(projects: Iterable[Path] = (), *, ours: bool = False) -> str:
    """Say why the calling process must not be forked for runs; empty when it may be.

    It must hold nothing of the projects; this package counts as theirs when it is `ours` to change.
    A fork is made to find out: libraries of linear algebra end their threads when one is, and make
    them anew when they are used.
    """
    projects = tuple(projects)
    for name, module in list(sys.modules.items()):
        if not ours and name.partition(".")[0] == "pytest_autoloop":
            continue
        if name in DENIED:
            return f"{name} is imported by a plugin, and does not survive a fork"
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and belongs(file, projects):
            return f"a plugin imports the project's own {name}"
    device = _device()
    if device:
        return f"{device} is open: its context belongs to one process"
    if sys.platform == "darwin":
        return "frameworks of macOS do not survive a fork"
    tasks = _threads()
    if tasks > 1:
        process = os.fork()
        if not process:
            os._exit(0)
        os.waitpid(process, 0)
        tasks = _threads()
    return f"{tasks} threads are alive" if tasks > 1 else ""


def memory() -> dict[str, float]:
    """Return what this process holds, in MB: its share of all (PSS), and what nobody else has."""
    fields = {}
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/smaps_rollup").read_text(encoding="ascii").splitlines()[1:]:
            name, value = line.split(":")
            fields[name] = int(value.split()[0]) / 1024
    if not fields:
        return {}
    return {"pss": fields["Pss"], "private": fields["Private_Clean"] + fields["Private_Dirty"]}


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count, not paths
    return threading.active_count()


def _device() -> str:
    with contextlib.suppress(OSError):
        for entry in os.scandir("/proc/self/fd"):
            with contextlib.suppress(OSError):
                target = os.readlink(entry.path)  # noqa: PTH115 - as it is written there
                if target.startswith(_DEVICES):
                    return target
    return ""
