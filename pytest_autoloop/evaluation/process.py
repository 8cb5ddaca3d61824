"""One child process: its own session, output to a file, and nothing of it left behind."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import EvaluationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_WINDOWS = sys.platform == "win32"
_PARENT = "PYTEST_AUTOLOOP_PARENT"
#: Seconds in which a process ends what it started.
GRACE = 15.0
#: The longest time that `poll` can be told, in milliseconds.
LONGEST_POLL = 2**31 - 1
#: Windows only: lets a whole group of processes be ended at once.
_NEW_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)


#: Takes the working directory off the path, where a file of the project could hide a module,
#: before anything is imported.
_PROGRAM = """\
import sys
if not sys.path[0]:
    del sys.path[0]
from {module} import main
main()
"""


@dataclass(frozen=True, slots=True)
class Exit:
    """How a child ended."""

    returncode: int
    timed_out: bool
    seconds: float
    #: The child's warm parent did not live to tell of it: nothing the child left is believed.
    lost: bool = False
    #: Processes that the child left running; they have been ended.
    leftovers: int = 0
    #: As `supervise.Ended` has it; None when nobody has told.
    busy: float | None = None


class Running:
    """Processes that threads wait for in `run_limited`, to be ended by another thread."""

    def __init__(self) -> None:
        self._processes: set[subprocess.Popen[bytes]] = set()
        self._changed = threading.Condition()
        self._waiting = 0
        self._ended = False

    @contextlib.contextmanager
    def watch(self) -> Iterator[Callable[[subprocess.Popen[bytes]], None]]:
        """Yield what is to be told of a process that has been started; it ends in the block.

        Raises:
            EvaluationError: no more are to be started.
        """
        mine: list[subprocess.Popen[bytes]] = []

        def started(process: subprocess.Popen[bytes]) -> None:
            with self._changed:
                mine.append(process)
                self._processes.add(process)
                if self._ended:
                    _ask_to_end(process)

        with self._changed:
            if self._ended:
                raise EvaluationError("no process is started any more: the campaign ends")
            self._waiting += 1
        try:
            yield started
        finally:
            with self._changed:
                self._processes.difference_update(mine)
                self._waiting -= 1
                self._changed.notify_all()

    def end(self, seconds: float) -> bool:
        """Ask all to end, start no more, and wait until every block has been left.

        False when that takes longer.
        """
        with self._changed:
            self._ended = True
            for process in self._processes:
                _ask_to_end(process)
            return self._changed.wait_for(lambda: not self._waiting, seconds)


def _ask_to_end(process: subprocess.Popen[bytes]) -> None:
    if _WINDOWS:
        process.terminate()
    elif process.returncode is None:
        # `terminate` would reap it, and its group could no longer be named by who waits for it.
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGTERM)


def interpreter(module: str) -> list[str]:
    """Return the command that runs a module's `main` with this interpreter's own flags."""
    flags = [f"-W{option}" for option in sys.warnoptions]
    flags += [f"-X{n}" if v is True else f"-X{n}={v}" for n, v in sys._xoptions.items()]
    if sys.flags.optimize:
        flags.append("-" + "O" * sys.flags.optimize)
    return [sys.executable, *flags, "-c", _PROGRAM.format(module=module)]


def run_limited(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environment: Mapping[str, str],
    seconds: float,
    output: Path,
    supervisor: bool = False,
    boxed: bool = False,
    started: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Exit:
    """Run a program for at most `seconds`, then end it and everything in its session.

    Output goes to a file: a background process that keeps a pipe open would block the parent.
    The program is told who its parent is, for `end_with_parent`. A `supervisor` is asked to end,
    and given time to end what it started, before it is killed. In a box processes have other
    numbers, and the box ends with its parent. Whoever waits in another thread may end the process
    before: `started` is called with it.

    Raises:
        EvaluationError: the program cannot be started.
    """
    began = time.monotonic()
    parent = {} if boxed else {_PARENT: str(os.getpid())}
    with output.open("wb") as sink:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=cwd,
                env={**environment, **parent},
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=not _WINDOWS,
                creationflags=_NEW_GROUP,
            )
        except OSError as error:
            message = f"cannot start {arguments[0]} in {cwd}: {error}"
            raise EvaluationError(message) from error
        timed_out = True
        try:
            if started is not None:
                started(process)
            timed_out = not _wait(process, seconds)
        finally:
            # Also when the user interrupts: the child does not get the terminal's signal.
            if supervisor and process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(GRACE)
            _end(process)
    return Exit(process.returncode, timed_out, time.monotonic() - began)


def wait_for(process: int, seconds: float, hangup: int | None = None) -> bool:
    """Wait for a process to end, without reaping it; False when time is up.

    It is, too, when nobody holds the other end of the descriptor `hangup` any more.

    Raises:
        OSError: this system cannot wait for a process by its number.
    """
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        if hangup is not None:
            poll.register(hangup, 0)
        events = poll.poll(min(seconds * 1000, LONGEST_POLL))
        return any(found == descriptor for found, _ in events)
    finally:
        os.close(descriptor)


def _wait(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait without reaping where that is possible, so that the group can still be named."""
    if hasattr(os, "pidfd_open"):
        # A sandbox's kernel may not know the call.
        with contextlib.suppress(OSError):
            return wait_for(process.pid, seconds)
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def _end(process: subprocess.Popen[bytes]) -> None:
    if _WINDOWS:
        with contextlib.suppress(OSError):
            subprocess.run(
                ["taskkill", "/T", "/F", "/PID", str(process.pid)],
                capture_output=True,
                check=False,
            )
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def end_with_parent() -> None:
    """Ask the kernel to end this process when its parent ends (Linux; elsewhere a no-op)."""
    if sys.platform != "linux":
        return
    import ctypes  # noqa: PLC0415 - only a child needs it

    parent_death_signal = 1  # PR_SET_PDEATHSIG, linux/prctl.h
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(parent_death_signal, signal.SIGKILL, 0, 0, 0)
    # A parent that died while this process was starting sends no signal any more.
    parent = os.environ.pop(_PARENT, None)
    if parent is not None and os.getppid() != int(parent):
        os._exit(1)
