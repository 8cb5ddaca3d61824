"""Settings of the interpreter that code can change for all that runs after it."""

from __future__ import annotations

import atexit
import gc
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

_SIGNALS = ("SIGTERM", "SIGINT", "SIGALRM")
_HOOKS = ("excepthook", "unraisablehook", "displayhook", "breakpointhook")
_callbacks: Callable[[], int] | None = getattr(atexit, "_ncallbacks", None)


class Settings:
    """Knows the settings as they were."""

    def __init__(self) -> None:
        self._values = _values()
        self._hooks = _hooks()
        self._streams = {id(sys.stdout), id(sys.stderr), id(sys.__stdout__), id(sys.__stderr__)}
        self._finders = {id(finder) for finder in (*sys.meta_path, *sys.path_hooks)}
        self._frozen = gc.get_freeze_count()
        self._callbacks = 0 if _callbacks is None else _callbacks()

    def timing(self) -> list[Finding]:
        """Return the settings that make all code faster or slower and are not as they were."""
        now = _values()
        found = [
            Finding(f"setting:{name}", f"{name} was {value!r} and is {now[name]!r}")
            for name, value in self._values.items()
            if now[name] != value
        ]
        if gc.get_freeze_count() > self._frozen:
            found.append(Finding("setting:gc.freeze", "objects were taken from the collector"))
        return found

    def findings(self, allowed: Callable[[object], bool]) -> list[Finding]:
        """Return all settings that are not as they were; `allowed` knows the harness's hooks."""
        found = self.timing()
        for name, value in _hooks().items():
            if value is not self._hooks.get(name) and not allowed(value):
                found.append(Finding(f"hook:{name}", f"{name} was replaced"))
        for name in ("stdout", "stderr"):
            stream = getattr(sys, name)
            if id(stream) not in self._streams and not _is_captured(stream):
                found.append(Finding(f"hook:sys.{name}", f"sys.{name} was replaced"))
        for finder in (*sys.meta_path, *sys.path_hooks):
            if id(finder) not in self._finders and not allowed(type(finder)):
                name = getattr(finder, "__qualname__", type(finder).__qualname__)
                found.append(Finding(f"finder:{name}", f"{name} was put into the import system"))
        if _callbacks is not None and (count := _callbacks() - self._callbacks) > 0:
            # pytest registers some itself, always as many.
            what = f"{count} functions were registered for the exit"
            found.append(Finding(f"atexit:{count}", what))
        return found


def _is_captured(stream: object) -> bool:
    # pytest puts its own streams there, and which one depends on the stage of a session.
    return type(stream).__module__ == "_pytest.capture"


def _values() -> dict[str, Any]:
    values: dict[str, Any] = {
        "gc.isenabled": gc.isenabled(),
        "gc.get_threshold": gc.get_threshold(),
        "sys.getswitchinterval": sys.getswitchinterval(),
        "sys.getrecursionlimit": sys.getrecursionlimit(),
        "sys.gettrace": _named(sys.gettrace()),
        "sys.getprofile": _named(sys.getprofile()),
    }
    if hasattr(os, "getpriority"):
        values["os.getpriority"] = os.getpriority(os.PRIO_PROCESS, 0)
    if hasattr(os, "sched_getaffinity"):
        values["os.sched_getaffinity"] = sorted(os.sched_getaffinity(0))
    monitoring = getattr(sys, "monitoring", None)
    if monitoring is not None:
        values["sys.monitoring"] = [monitoring.get_tool(number) for number in range(6)]
    return values


def _named(function: object) -> str:
    return "" if function is None else str(getattr(function, "__qualname__", type(function)))


def _hooks() -> dict[str, object]:
    hooks = {f"sys.{name}": getattr(sys, name) for name in _HOOKS}
    hooks["threading.excepthook"] = threading.excepthook
    for name in _SIGNALS:
        if hasattr(signal, name):
            hooks[name] = signal.getsignal(getattr(signal, name))
    return hooks
