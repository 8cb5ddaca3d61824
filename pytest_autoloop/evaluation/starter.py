"""Starts processes from a thread that lasts."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable

_Starts: TypeAlias = "queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[Any]]]"
_starting = threading.Lock()
_starters: list[_Starts] = []


def lasting(start: Callable[[], subprocess.Popen[bytes]]) -> subprocess.Popen[bytes]:
    """Start a process from a thread that ends with this process.

    Linux ends a process "with its parent" when the *thread* ends that started it (prctl(2),
    PR_SET_PDEATHSIG), and the threads that guard come and go.
    """
    if threading.current_thread() is threading.main_thread():
        return start()
    with _starting:
        if not _starters:
            _starters.append(queue.SimpleQueue())
            name = "pytest-autoloop-starter"
            threading.Thread(target=_serve, args=_starters, name=name, daemon=True).start()
    future: Future[subprocess.Popen[bytes]] = Future()
    _starters[0].put((start, future))
    return future.result()


def _serve(waiting: _Starts) -> None:
    while True:
        start, future = waiting.get()
        try:
            future.set_result(start())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            future.set_exception(error)
