"""An executor of processes on this machine, of which each may die without harm to the others."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")
#: Seconds that a worker has for cleaning up when the campaign's process is gone.
_CLEANING = 20.0
#: Seconds after which it ends once what it was interrupted in has cleaned up.
_MOMENT = 0.05


class LocalExecutor(Executor):
    """Runs calls in `count` processes that are started when they are needed.

    A `ProcessPoolExecutor` whose process is killed fails all its calls and is of no further use. So
    this one holds a pool of one process for each call at a time: only the call whose process ended
    fails, with BrokenProcessPool, and the next one gets a new process. The processes end with the
    one that made them, in whatever way that ends.
    """

    def __init__(self, count: int) -> None:
        self._threads = ThreadPoolExecutor(count, thread_name_prefix="pytest-autoloop-local")
        self._lock = threading.Lock()
        self._idle: list[_Process] = []
        self._all: set[_Process] = set()
        self._closed = False

    def submit(
        self,
        fn: Callable[..., Result],
        /,
        *args: Any,  # noqa: ANN401 - as Executor has it
        **kwargs: Any,  # noqa: ANN401 - as above
    ) -> Future[Result]:
        """Run a call in the first process that is free."""
        return self._threads.submit(self._run, fn, *args, **kwargs)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Let what runs end if one is to `wait`, else end it; then end every process."""
        if not wait:
            self._end_all()
        self._threads.shutdown(wait=wait, cancel_futures=cancel_futures or not wait)
        self._end_all()

    def _run(self, fn: Callable[..., Result], /, *args: object, **kwargs: object) -> Result:
        with self._lock:
            if self._closed:
                raise BrokenProcessPool("the executor is shut down")
            process = self._idle.pop() if self._idle else _Process()
            self._all.add(process)
        try:
            result = process.pool.submit(_call, fn, *args, **kwargs).result()
        except BrokenProcessPool:
            with self._lock:
                self._all.discard(process)
            process.pool.shutdown(wait=False)
            raise
        except BaseException:
            self._give_back(process)
            raise
        self._give_back(process)
        return result

    def _give_back(self, process: _Process) -> None:
        with self._lock:
            self._idle.append(process)

    def _end_all(self) -> None:
        with self._lock:
            self._closed = True
            processes = list(self._all)
            self._all.clear()
            self._idle.clear()
        for process in processes:
            process.end()


class _Process:
    """A pool of one process, and that process."""

    def __init__(self) -> None:
        # A new interpreter: the campaign's own has threads, and what a fork of it would hold.
        context = multiprocessing.get_context("spawn")
        self.pool = ProcessPoolExecutor(1, mp_context=context, initializer=_begin)
        self._identity = self.pool.submit(os.getpid)

    def end(self) -> None:
        """Ask the process to end, with what it has started, and do not wait for it."""
        with suppress(Exception):  # it could not be started, or ended before it could say
            os.kill(self._identity.result(), signal.SIGTERM)
        self.pool.shutdown(wait=False, cancel_futures=True)


#: In a worker: it was asked to end.
_ASKED = threading.Event()


def _call(fn: Callable[..., Result], /, *args: object, **kwargs: object) -> Result:
    """Call what was submitted; a worker that is asked to end meanwhile ends after that.

    The pool would take its SystemExit for the call's own error, and wait for the next call.
    """
    try:
        return fn(*args, **kwargs)
    finally:
        if _ASKED.is_set():
            signal.signal(signal.SIGALRM, lambda *_: sys.exit(1))
            signal.setitimer(signal.ITIMER_REAL, _MOMENT)


def _end(*_: object) -> None:
    """Interrupt what runs, once: what cleans up is left to it."""
    if not _ASKED.is_set():
        _ASKED.set()
        sys.exit(1)


def _begin() -> None:
    """Make a worker end when it is asked to, and when who made it has ended."""
    # Ctrl-C is for the campaign, which ends its workers itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, _end)
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def follow() -> None:
        parent.join()
        # What runs now is interrupted and cleans up.
        os.kill(os.getpid(), signal.SIGTERM)
        threading.Event().wait(_CLEANING)
        os._exit(1)

    threading.Thread(target=follow, name="pytest-autoloop-follow", daemon=True).start()
