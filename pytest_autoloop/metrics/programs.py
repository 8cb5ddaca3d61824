"""Runs the commands whose time, memory or output is a score."""

from __future__ import annotations

import contextlib
import errno
import math
import os
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, TypeAlias

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics.orphans import ended_orphans

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.metrics.measurement import Place

#: A list of words, or a line that is split as a shell would; a shell is not run.
Command: TypeAlias = "str | Sequence[str | os.PathLike[str]]"

#: Seconds after which a command is ended, unless told otherwise.
TIMEOUT = 60.0
#: Most bytes of standard output, of standard error, or of a result file that are read.
MOST_BYTES = 16 * 1024 * 1024
_WINDOWS = sys.platform == "win32"
#: What an error shows of the output.
_LAST_LINES, _LAST_CHARACTERS = 10, 1000
#: What it shows of the command.
_SHOWN = 120
#: Seconds between two looks at how much has been printed.
_LOOK = 0.5
#: Linux counts what a process held before it became a program, which is all that pytest holds, as
#: that program's own. This one is small, so what is started from it is measured from about 9 MB.
_LAUNCHER = """\
import os, sys
report = int(sys.argv[1])
os.set_inheritable(report, False)
try:
    process = os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ)
    _, status, usage = os.wait4(process, 0)
    told = f"{status} {usage.ru_maxrss}"
except OSError as error:
    told = f"{error.errno}"
os.write(report, told.encode())
"""


@dataclass(frozen=True, slots=True)
class Finished:
    """What a command that ended with exit code 0 leaves."""

    output: str
    errors: str
    #: Wall time from its start to its end, in seconds.
    seconds: float
    #: Most memory that it held, in KiB; None unless it was asked for.
    peak: float | None = None


@dataclass(frozen=True, slots=True)
class Program:
    """A command that can be run again and again; `program` makes it."""

    words: tuple[str, ...]
    #: A line for the system's shell; empty where `words` are run.
    line: str
    timeout: float

    #: What it is called in errors.
    shown: str

    def __str__(self) -> str:
        text = " ".join(self.shown.split())
        return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"

    def arguments(self, place: Place) -> list[str]:
        """Return what is run, with `{target}` and `{python}` filled in."""
        values = {"{python}": sys.executable}
        if any("{target}" in text for text in (*self.words, self.line)):
            values["{target}"] = str(place.required_target())
        if not self.line:
            return [_filled(word, values) for word in self.words]
        line = _filled(self.line, {name: shlex.quote(value) for name, value in values.items()})
        return [os.environ.get("COMSPEC", "cmd"), "/c", line] if _WINDOWS else ["sh", "-c", line]


def program(command: Command, *, timeout: float, shell: bool) -> Program:
    """Check a command.

    Args:
        command: a list of words, or a line, which is split into words unless `shell` is true.
        timeout: seconds after which it is ended.
        shell: whether the system's shell runs the line.

    Raises:
        ValueError: there is nothing to run, or an argument is of another kind.
    """
    if isinstance(timeout, bool) or not (
        isinstance(timeout, int | float) and 0 < timeout < math.inf
    ):
        raise ValueError(f"timeout={timeout!r}: write seconds, above 0")
    if shell:
        if not isinstance(command, str) or not command.strip():
            raise ValueError(f"{command!r}: with shell=True write one line for the shell")
        return Program((), command, float(timeout), command)
    if isinstance(command, str):
        try:
            words = tuple(shlex.split(command))
        except ValueError as error:
            raise ValueError(f"the command {command!r} cannot be split: {error}") from error
    elif isinstance(command, list | tuple) and all(
        isinstance(one, str | os.PathLike) for one in command
    ):
        words = tuple(str(os.fspath(one)) for one in command)
    else:
        raise ValueError(f"{command!r} is no command: write a list of words, or a line")
    if not words or not words[0]:
        raise ValueError(f"{command!r}: there is no program to run")
    shown = command if isinstance(command, str) else shlex.join(words)
    return Program(words, "", float(timeout), shown)


def run(what: Program, place: Place, *, peak: bool = False) -> Finished:
    """Run a command in the root directory, and end all that it started.

    What it leaves running is killed: on Linux wherever it went, elsewhere in its process group. It
    reads nothing from standard input.

    Args:
        what: the command.
        place: where it runs.
        peak: whether to ask for the most memory that it held.

    Raises:
        MeasurementError: it cannot be started, takes too long, prints too much, or ends with
            another exit code than 0.
    """
    if peak and not hasattr(os, "wait4"):
        raise MeasurementError(f"the memory of `{what}` cannot be measured on {sys.platform}")
    arguments = what.arguments(place)
    # Files, not pipes: a process that escapes and keeps a pipe open would block whoever reads it.
    with contextlib.ExitStack() as stack:
        files = [stack.enter_context(tempfile.TemporaryFile()) for _ in range(3)]
        output, errors, report = files
        with ended_orphans():
            began = time.perf_counter()
            try:
                process = _start(arguments, place.directory, files, peak=peak)
            except OSError as error:
                raise _not_started(what, arguments[0], place, error.errno) from error
            reason = _wait(process, what.timeout, (output, errors))
            seconds = time.perf_counter() - began
        printed, complained = _read(output), _read(errors)
        code, memory = process.returncode, None
        told = _read(report).split()
        if len(told) == 1 and not reason:
            raise _not_started(what, arguments[0], place, int(told[0]))
        if told and not reason:
            code = os.waitstatus_to_exitcode(int(told[0]))
            # In bytes on macOS, in KiB elsewhere: getrusage(2).
            memory = int(told[1]) / (1024 if sys.platform == "darwin" else 1)
        if code and not reason:
            reason = f"ended with exit code {code}" if code > 0 else f"was ended by {_name(-code)}"
        if reason or (peak and memory is None):
            reason = reason or "ended without a word about its memory"
            raise MeasurementError(f"`{what}` {reason}{_last_lines(complained or printed)}")
    return Finished(printed, complained, seconds, memory)


def _start(
    arguments: list[str], directory: Path, files: Sequence[IO[bytes]], *, peak: bool
) -> subprocess.Popen[bytes]:
    output, errors, report = files
    passed: tuple[int, ...] = ()
    if peak:
        passed = (report.fileno(),)
        arguments = [sys.executable, "-I", "-S", "-c", _LAUNCHER, str(passed[0]), *arguments]
    return subprocess.Popen(
        arguments,
        cwd=directory,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        # A group of its own, so that all of it can be ended.
        start_new_session=not _WINDOWS,
        pass_fds=passed,
    )


def _wait(process: subprocess.Popen[bytes], seconds: float, files: tuple[IO[bytes], ...]) -> str:
    """Wait for a command, end its group in any case, and return why it was ended; empty if not."""
    reasons: list[str] = []
    over = threading.Event()
    # A wait with a limit looks every so often, which would round the time that is measured: this
    # thread waits without one, and another keeps the limits.
    watcher = threading.Thread(
        target=_watch, args=(process, seconds, files, over, reasons), daemon=True
    )
    watcher.start()
    reaped = not hasattr(os, "waitid")
    try:
        if reaped:
            process.wait()
        else:
            # Not reaped yet, its number still names the group.
            os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    finally:
        over.set()
        watcher.join()
        _kill(process)
        process.wait()
    return reasons[0] if reasons else _too_much(files)


def _watch(
    process: subprocess.Popen[bytes],
    seconds: float,
    files: tuple[IO[bytes], ...],
    over: threading.Event,
    reasons: list[str],
) -> None:
    deadline = time.monotonic() + seconds
    while not over.wait(min(_LOOK, max(deadline - time.monotonic(), 0.0))):
        reason = _too_much(files)
        if time.monotonic() >= deadline:
            reason = f"was killed after {seconds:g} s, its limit (timeout=...)"
        if reason:
            reasons.append(reason)
            _kill(process)
            return


def _too_much(files: tuple[IO[bytes], ...]) -> str:
    largest = max(os.fstat(file.fileno()).st_size for file in files)
    if largest <= MOST_BYTES:
        return ""
    return f"printed more than {MOST_BYTES // 2**20} MiB; let it write less, or into a file"


def _kill(process: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if _WINDOWS:
            process.kill()
        else:
            os.killpg(process.pid, signal.SIGKILL)


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST_BYTES).decode("utf-8", errors="replace")


def _filled(text: str, values: Mapping[str, str]) -> str:
    for name, value in values.items():
        text = text.replace(name, value)
    return text


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _last_lines(text: str) -> str:
    lines = text.rstrip().splitlines()[-_LAST_LINES:]
    shown = "\n".join(lines)[-_LAST_CHARACTERS:]
    return f":\n{shown}" if shown else "; it printed nothing"


def _not_started(what: Program, first: str, place: Place, number: int | None) -> MeasurementError:
    if not place.directory.is_dir():
        why = f"there is no directory {place.directory}"
    elif number == errno.ENOENT:
        why = (
            f"{first!r} was not found: install it, or write its path, relative to pytest's root "
            "directory, and commit it"
        )
    elif number == errno.EACCES:
        why = f"{first!r} may not be executed: chmod +x, or name what runs it"
    else:
        why = f"{os.strerror(number or 0)}"
    return MeasurementError(f"`{what}` cannot be started: {why}")
