"""Runs a function in a forked child, and ends that child with everything it has started."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.containment.descendants import end_descendants
from pytest_autoloop.evaluation.containment.kernel import adopt_orphans
from pytest_autoloop.evaluation.process import end_with_parent, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

#: What a child ends with when it raised: sysexits.h, EX_SOFTWARE.
_FAILED = 70
_NOTE = "ended"
#: Seconds that helpers have to end when their child has: it may be their end of a pipe.
_GRACE = 0.25


@dataclass(frozen=True, slots=True)
class Ended:
    """How a child ended."""

    #: As `os.waitstatus_to_exitcode` has it.
    status: int
    timed_out: bool
    #: Processes that it left running; they have been ended.
    leftovers: int
    #: Seconds that it took without those in which it waited for a processor; where the kernel does
    #: not count those, seconds of processor time.
    busy: float = 0.0

    def write(self, directory: Path) -> None:
        """Leave a note, once nothing is alive that could write another one."""
        file = directory / _NOTE
        # Whatever stands there, the child has put it there.
        if file.is_dir() and not file.is_symlink():
            shutil.rmtree(file)
        file.unlink(missing_ok=True)
        file.write_text(json.dumps(asdict(self)), encoding="utf-8")

    @classmethod
    def read(cls, directory: Path) -> Ended | None:
        """Return what was noted; None when a supervisor did not live to do so."""
        try:
            return cls(**json.loads((directory / _NOTE).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None


def can_supervise() -> bool:
    """Tell whether this system has what a supervisor needs."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open")


def become_supervisor() -> None:
    """Prepare the calling process: it will be the parent of all orphans below it.

    SIGTERM then ends it as `sys.exit` does, so that what it started is ended too.
    """
    signal.signal(signal.SIGTERM, _leave)
    adopt_orphans()


def supervise(run: Callable[[], None], seconds: float) -> Ended:
    """Run a function in a forked child for at most so many seconds of wall time.

    The child leads a session of its own and ends without the exit handlers of its parent.
    """
    process = os.fork()
    if not process:
        with leaving():
            begin_child()
            run()
    return watch(process, seconds)


def watch(process: int, seconds: float, hangup: int | None = None) -> Ended:
    """Wait until a forked child ends, for at most so many seconds, and end all that it started.

    Its time is up, too, when nobody holds the other end of the descriptor `hangup` any more.
    """
    finished, started = False, time.monotonic()
    try:
        finished = wait_for(process, seconds, hangup)
    finally:
        # Not reaped before, so the number cannot have been given to another process.
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                kill(process, signal.SIGKILL)
        taken, waited = time.monotonic() - started, _waited(process)
        _, status, used = os.wait4(process, 0)
        leftovers = end_descendants(grace=_GRACE) if _has_children() else 0
    busy = used.ru_utime + used.ru_stime if waited is None else taken - waited
    return Ended(os.waitstatus_to_exitcode(status), not finished, leftovers, busy)


def _waited(process: int) -> float | None:
    """Return the seconds in which a process waited for a processor; None where nobody counts.

    Of a process that has ended and is not reaped: second field of /proc/PID/schedstat, nanoseconds
    (Documentation/scheduler/sched-stats.rst).
    """
    with contextlib.suppress(OSError, ValueError):
        ran, waited, _ = Path(f"/proc/{process}/schedstat").read_text(encoding="ascii").split()
        if int(ran):
            return int(waited) / 1e9
    return None


def _has_children() -> bool:
    """Tell whether a child of this process is left, of whatever it has adopted too.

    One that is further down has a parent that is. Asking is much cheaper than to look at all
    processes of the machine.
    """
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def begin_child() -> None:
    """Make the calling process, a fork just now, one that is ended with its group."""
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    os.setsid()
    end_with_parent()


@contextlib.contextmanager
def leaving() -> Iterator[None]:
    """End the process with this block: with 0, or with another status when it raises."""
    status = _FAILED
    try:
        yield
        status = 0
    # The end of this process: its output is where somebody looks for the reason.
    except BaseException:  # noqa: BLE001
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not sys.exit: the exit handlers belong to the parent.
        os._exit(status)


def _leave(*_: object) -> None:
    raise SystemExit(0)
