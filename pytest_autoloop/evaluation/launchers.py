"""How a child process comes to be: forked from a warm parent, or started from nothing."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import select
import signal
import subprocess
import threading
import time
from concurrent.futures import Future
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from pytest_autoloop.errors import EvaluationError, UsageError
from pytest_autoloop.evaluation.process import (
    GRACE,
    LONGEST_POLL,
    Exit,
    Running,
    interpreter,
    run_limited,
)
from pytest_autoloop.evaluation.supervise import Ended

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.model import LauncherName

#: Seconds that a warm parent may take to import what it keeps.
_PREPARATION = 300.0

_Starts: TypeAlias = "queue.SimpleQueue[tuple[Callable[[], subprocess.Popen[bytes]], Future[Any]]]"
_starting = threading.Lock()
_starters: list[_Starts] = []


@dataclass(frozen=True, slots=True)
class Launch:
    """One child session to be run."""

    #: File that holds the `ChildSpec`.
    specification: Path
    cwd: Path
    environment: Mapping[str, str]
    #: File that receives what the child prints.
    output: Path
    #: Limit of wall time.
    seconds: float
    #: Decides the order of sets and dicts of strings, and with it a part of the memory layout.
    hash_seed: int


class Launcher(Protocol):
    """Runs child sessions."""

    #: What the campaign's header in the record says of it.
    description: str

    def run(self, launch: Launch) -> Exit:
        """Run one child session to its end, or to its limit."""

    def twin(self) -> Launcher:
        """Return one of the same kind for another thread: a launcher runs one child at a time."""

    def close(self) -> None:
        """End every process it keeps, and the child that runs; no other is started."""


class SpawnLauncher:
    """Starts a new interpreter for each child: slow, and works everywhere."""

    def __init__(self, why: str = "", prefix: Sequence[str] = ()) -> None:
        self.description = f"spawn ({why})" if why else "spawn"
        self._why = why
        self._prefix = prefix
        self._running = Running()

    def run(self, launch: Launch) -> Exit:
        """Run one child session."""
        program = interpreter("pytest_autoloop.evaluation.child")
        with self._running.watch() as started:
            ended = run_limited(
                [*self._prefix, *program, str(launch.specification)],
                cwd=launch.cwd,
                environment={**launch.environment, "PYTHONHASHSEED": str(launch.hash_seed)},
                seconds=launch.seconds,
                output=launch.output,
                supervisor=True,
                boxed=bool(self._prefix),
                started=started,
            )
        told = Ended.read(launch.specification.parent)
        if told is None:
            return ended
        return replace(ended, returncode=told.status, leftovers=told.leftovers)

    def twin(self) -> SpawnLauncher:
        """Return another one."""
        return SpawnLauncher(self._why, self._prefix)

    def close(self) -> None:
        """End the child that another thread waits for."""
        self._running.end(GRACE)


class ForkLauncher:
    """Forks each child from a warm parent, of which there is one for the last hash seed."""

    description = "forkserver"

    def __init__(
        self, environment: Mapping[str, str], directory: Path, prefix: Sequence[str] = ()
    ) -> None:
        self._environment = environment
        self._directory = directory
        self._prefix = prefix
        self._parents: dict[int, WarmParent] = {}
        self._lock = threading.Lock()
        self._closed = False

    def run(self, launch: Launch) -> Exit:
        """Run one child session; one that ends its warm parent is lost, the parent is replaced."""
        started = time.monotonic()
        parent = self.parent(launch.hash_seed)
        try:
            return parent.run(launch)
        except BaseException as error:
            # Interrupted or not, what it would answer now belongs to no question.
            with self._lock:
                self._parents.pop(launch.hash_seed, None)
            parent.close()
            if not isinstance(error, EvaluationError):
                raise
            return Exit(
                -signal.SIGKILL, timed_out=False, seconds=time.monotonic() - started, lost=True
            )

    def parent(self, hash_seed: int) -> WarmParent:
        """Return the warm parent for a seed; only that of seed 0, the guards', is kept longer.

        Raises:
            EvaluationError: it cannot be started, or the launcher is closed.
        """
        with self._lock:
            if self._closed:
                raise EvaluationError("no process is started any more: the campaign ends")
            if hash_seed not in self._parents:
                for seed in [seed for seed in self._parents if seed]:
                    self._parents.pop(seed).close()
                environment = {**self._environment, "PYTHONHASHSEED": str(hash_seed)}
                self._parents[hash_seed] = WarmParent(environment, self._directory, self._prefix)
            return self._parents[hash_seed]

    def twin(self) -> ForkLauncher:
        """Return one with warm parents of its own: each speaks to one thread at a time."""
        return ForkLauncher(self._environment, self._directory, self._prefix)

    def close(self) -> None:
        """End the warm parents, and with them the child that another thread waits for."""
        with self._lock:
            self._closed = True
            while self._parents:
                self._parents.popitem()[1].close()


class WarmParent:
    """A process of `evaluation.warm`, spoken to in lines of JSON.

    Raises:
        EvaluationError: it cannot be started, or forking it is not safe.
    """

    def __init__(
        self, environment: Mapping[str, str], directory: Path, prefix: Sequence[str] = ()
    ) -> None:
        self._process = lasting(
            lambda: subprocess.Popen(
                [*prefix, *interpreter("pytest_autoloop.evaluation.warm")],
                cwd=directory,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        )
        try:
            self._unsafe = str(self._ask(_PREPARATION, prepare=True).get("unsafe", ""))
        except BaseException:
            self.close()
            raise
        if self._unsafe:
            self.close()
            message = f"a warm parent cannot be forked: {self._unsafe}"
            raise EvaluationError(message)

    def run(self, launch: Launch) -> Exit:
        """Fork one child, and wait until it and all it started have ended."""
        started = time.monotonic()
        request = asdict(launch)
        request |= {key: str(request[key]) for key in ("specification", "cwd", "output")}
        # It cannot reseed the fork, and tells processes that the project starts.
        seed = {"PYTHONHASHSEED": str(launch.hash_seed)}
        request["environment"] = {**launch.environment, **seed}
        ended = self._ask(launch.seconds + GRACE, run=request)
        try:
            told = Ended(int(ended["status"]), bool(ended["timed_out"]), int(ended["leftovers"]))
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(f"the warm parent answered {ended!r}") from error
        seconds = time.monotonic() - started
        return Exit(told.status, told.timed_out, seconds, leftovers=told.leftovers)

    def close(self) -> None:
        """End the process, and with it the child that it runs."""
        # It ends its child first; without an answer there is none worth waiting for.
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        # Only now: another thread may be waiting for an answer, and hears that there is none.
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _ask(self, seconds: float, **request: object) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            if not _readable(stdout.fileno(), seconds):
                raise TimeoutError(f"no answer within {seconds:.0f} s")
            line = stdout.readline()
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError) as error:
            message = f"the warm parent process ended unexpectedly: {error}"
            raise EvaluationError(message) from error
        return answer


def choose_launcher(
    wanted: LauncherName,
    environment: Mapping[str, str],
    directory: Path,
    prefix: Sequence[str] = (),
) -> Launcher:
    """Return the launcher that was asked for; `auto` forks where that is safe.

    `prefix` stands before each command that is started: it puts the process into a box.

    Raises:
        UsageError: a fork server was asked for where there can be none.
    """
    if wanted == "spawn":
        return SpawnLauncher(prefix=prefix)
    launcher = ForkLauncher(environment, directory, prefix)
    if hasattr(os, "pidfd_open"):
        try:
            launcher.parent(0)
        except EvaluationError as error:
            why = str(error)
        else:
            return launcher
    else:
        why = "this system cannot wait for a process that is not its child"
    if wanted == "forkserver":
        raise UsageError(f"--autoloop-launcher=forkserver: {why}; write auto or spawn")
    return SpawnLauncher(why, prefix)


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


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(min(seconds * 1000, LONGEST_POLL)))
