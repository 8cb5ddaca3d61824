"""Runs an agent below a supervisor: nothing that it has started outlives its run.

The supervisor is a process between this one and the agent. It adopts what the agent's processes
leave behind (Linux), ends all of them when the agent ends, prints too much or takes too long, and
does so too when the process above it is gone: an agent that nobody waits for would go on to cost
money.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pytest_autoloop.errors import AgentError
from pytest_autoloop.evaluation.containment.descendants import descendants, end_descendants
from pytest_autoloop.evaluation.containment.kernel import control
from pytest_autoloop.evaluation.process import end_with_parent, interpreter, run_limited
from pytest_autoloop.evaluation.supervise import become_supervisor, can_supervise
from pytest_autoloop.proposers.agents.leftovers import end_group, end_marked, marked

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Bytes that an agent may print before it is ended.
OUTPUT_LIMIT = 64 * 2**20
#: Bytes of its output that are read, from the end.
_READ_LIMIT = 4 * 2**20
#: Seconds between two looks at how much has been printed, and at what is still alive.
_LOOK = 0.2
_BRIEF_LOOK = 0.02
#: Processes that are named.
_NAMED = 10
#: Seconds that the supervisor has to end what is left, beyond those of the agent.
_MARGIN = 30.0
_WINDOWS = sys.platform == "win32"
_ENDED = frozenset({"Z", "X"})
_PARENT_DEATH_SIGNAL = 1  # PR_SET_PDEATHSIG, linux/prctl.h
_TASK = "task.json"
_NOTE = "ended.json"
_GROUP = "group"
_LOG = "supervisor.log"
STDOUT = "stdout"
STDERR = "stderr"

#: Why an agent did not end by itself; empty when it did.
Cut = Literal["", "time", "output"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How an agent ended; its output is in the scratch directory."""

    #: As `subprocess` has it: negative for a signal.
    returncode: int
    cut: Cut = ""
    #: Why it could not be started.
    error: str = ""


@dataclass(frozen=True, slots=True)
class _Task:
    arguments: list[str]
    cwd: str
    #: File that is its standard input.
    stdin: str
    seconds: float
    grace: float
    limit: int


def run_agent(
    arguments: Sequence[str],
    *,
    cwd: Path,
    environ: Mapping[str, str],
    scratch: Path,
    stdin: Path | None,
    seconds: float,
    grace: float,
    limit: int = OUTPUT_LIMIT,
    started: Callable[[subprocess.Popen[bytes]], None] | None = None,
) -> Ran:
    """Run an agent for at most so many seconds of wall time, and end all that is left of it.

    It is asked to end by SIGTERM and killed `grace` seconds later. Its output is written to the
    files `STDOUT` and `STDERR` in `scratch`. An interrupt ends it in the same way, and so does
    SIGTERM to the supervisor, with which `started` is called.

    Raises:
        AgentError: it cannot be started, its supervisor did not live to tell of it, or something
            that it has started cannot be ended.
        EvaluationError: the supervisor cannot be started.
    """
    mark, environ = marked(environ)
    task = _Task(list(arguments), str(cwd), str(stdin or os.devnull), seconds, grace, limit)
    (scratch / _TASK).write_text(json.dumps(asdict(task)), encoding="ascii")
    lost = True
    try:
        ended = run_limited(
            [*interpreter(__name__), str(scratch)],
            cwd=scratch,
            environment=environ,
            seconds=seconds + grace + _MARGIN,
            output=scratch / _LOG,
            supervisor=not _WINDOWS,
            started=started,
        )
        lost = bool(ended.returncode)
    finally:
        # An agent may end even its supervisor, and live on.
        alive = _end_leftovers(mark, scratch, lost=lost)
    if alive:
        numbers = ", ".join(str(number) for number in alive[:_NAMED])
        message = (
            f"processes that {Path(arguments[0]).name} has started cannot be ended: {numbers}; "
            "end them by hand"
        )
        raise AgentError(message)
    if ended.timed_out:
        return Ran(ended.returncode, "time")
    try:
        # One that was killed has written no note: somebody else has.
        ran = Ran(**json.loads("" if lost else tail(scratch / _NOTE)))
    except (ValueError, TypeError):
        log = tail(scratch / _LOG).strip().splitlines() or ["it was killed"]
        message = f"the process that watches over {Path(arguments[0]).name} ended: {log[-1]}"
        raise AgentError(message) from None
    if ran.error:
        message = f"{Path(arguments[0]).name} cannot be started: {ran.error}"
        raise AgentError(message)
    return ran


def tail(file: Path) -> str:
    """Return the last four megabytes of a file as text.

    Empty when it cannot be read, or is no regular file: an agent may leave a link or a pipe there,
    which leads elsewhere or never ends.
    """
    # Neither is known on Windows, where there are no such pipes.
    flags = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(file, os.O_RDONLY | flags)
    except OSError:
        return ""
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return ""
        with open(descriptor, "rb", closefd=False) as stream:
            stream.seek(max(0, status.st_size - _READ_LIMIT))
            return stream.read(_READ_LIMIT).decode("utf-8", "replace")
    except OSError:
        return ""
    finally:
        os.close(descriptor)


def _end_leftovers(mark: str, scratch: Path, *, lost: bool) -> list[int]:
    """End what outlived its supervisor, and return what is alive all the same."""
    if not lost or can_supervise():
        return end_marked(mark)
    # Nothing else is known of it there.
    with contextlib.suppress(ValueError):
        end_group(int(tail(scratch / _GROUP)))
    return []


def main() -> None:
    """Be the supervisor of the agent whose task lies in the directory that is named."""
    scratch = Path(sys.argv[1])
    if can_supervise():
        become_supervisor()
        end_with_parent()
        # Not killed as other children are: it has something to end first.
        control(_PARENT_DEATH_SIGNAL, signal.SIGTERM, "being told that the parent has ended")
    elif not _WINDOWS:
        signal.signal(signal.SIGTERM, _leave)
    task = _Task(**json.loads((scratch / _TASK).read_text(encoding="ascii")))
    ran = _supervise(task, scratch)
    note = scratch / _NOTE
    # Whatever stands there, the agent has put it there.
    if note.is_dir() and not note.is_symlink():
        shutil.rmtree(note)
    note.unlink(missing_ok=True)
    note.write_text(json.dumps(asdict(ran)), encoding="utf-8")


def _supervise(task: _Task, scratch: Path) -> Ran:
    process = None
    outputs = [scratch / STDOUT, scratch / STDERR]
    try:
        with (
            Path(task.stdin).open("rb") as stdin,
            outputs[0].open("wb") as stdout,
            outputs[1].open("wb") as stderr,
        ):
            process = subprocess.Popen(
                task.arguments,
                cwd=task.cwd,
                stdin=stdin,
                stdout=stdout,
                stderr=stderr,
                start_new_session=not _WINDOWS,
            )
        _note_group(process.pid, scratch)
        cut = _watch(process, outputs, task)
    except (OSError, ValueError) as error:
        return Ran(-1, error=getattr(error, "strerror", None) or str(error))
    finally:
        _end(process, task.grace)
    return Ran(process.returncode, cut)


def _note_group(number: int, scratch: Path) -> None:
    """Leave the number of the agent's group, where marks cannot be read."""
    if not can_supervise():
        with contextlib.suppress(OSError):
            (scratch / _GROUP).write_text(str(number), encoding="ascii")


def _watch(process: subprocess.Popen[bytes], outputs: Sequence[Path], task: _Task) -> Cut:
    deadline = time.monotonic() + task.seconds
    while (left := deadline - time.monotonic()) > 0:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(min(left, _LOOK))
            return ""
        if sum(_size(file) for file in outputs) > task.limit:
            return "output"
    return "time"


def _size(file: Path) -> int:
    try:
        return file.stat().st_size
    except OSError:
        return 0


def _end(process: subprocess.Popen[bytes] | None, grace: float) -> None:
    """Ask the agent and all that it has started to end, and kill what does not."""
    if not _WINDOWS:
        # Asked to leave a second time, it would leave things behind.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    deadline = time.monotonic() + grace
    if can_supervise():
        _tell(_alive())
        while _alive() and time.monotonic() < deadline:
            time.sleep(_BRIEF_LOOK)
            if process is not None:
                process.poll()
        if process is not None and process.returncode is None:
            process.kill()
            process.wait()
        end_descendants()
    elif process is not None:
        _end_group(process, deadline)


def _alive() -> list[int]:
    found = descendants()
    return [number for number, process in found.items() if process.state not in _ENDED]


def _tell(numbers: Sequence[int]) -> None:
    for number in numbers:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(number, signal.SIGTERM)


def _end_group(process: subprocess.Popen[bytes], deadline: float) -> None:
    """End a group where processes that have left it cannot be found."""
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        with contextlib.suppress(OSError):
            subprocess.run(tree, capture_output=True, check=False)
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGTERM)
            while time.monotonic() < deadline:
                process.poll()
                os.killpg(process.pid, 0)
                time.sleep(_BRIEF_LOOK)
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _leave(*_: object) -> None:
    raise SystemExit(0)
