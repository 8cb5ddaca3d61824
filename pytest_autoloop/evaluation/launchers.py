"""How a child process comes to be: forked from a warm parent, or started from nothing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pytest_autoloop.errors import EvaluationError, UsageError
from pytest_autoloop.evaluation.process import LONGEST_POLL, Exit, interpreter, run_limited

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from pytest_autoloop.model import LauncherName

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

    def close(self) -> None:
        """End every process it keeps."""


class SpawnLauncher:
    """Starts a new interpreter for each child: slow, and works everywhere."""

    def __init__(self, why: str = "") -> None:
        self.description = f"spawn ({why})" if why else "spawn"

    def run(self, launch: Launch) -> Exit:
        """Run one child session."""
        return run_limited(
            [*interpreter("pytest_autoloop.evaluation.child"), str(launch.specification)],
            cwd=launch.cwd,
            environment={**launch.environment, "PYTHONHASHSEED": str(launch.hash_seed)},
            seconds=launch.seconds,
            output=launch.output,
        )

    def close(self) -> None:
        """Keep nothing."""


class ForkLauncher:
    """Forks each child from a warm parent, of which there is one for the last hash seed."""

    description = "forkserver"

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._environment = environment
        self._directory = directory
        self._parents: dict[int, WarmParent] = {}

    def run(self, launch: Launch) -> Exit:
        """Run one child session; one that ends its warm parent is lost, the parent is replaced."""
        started = time.monotonic()
        parent = self.parent(launch.hash_seed)
        try:
            return parent.run(launch)
        except EvaluationError:
            self._parents.pop(launch.hash_seed).close()
            return Exit(
                -signal.SIGKILL, timed_out=False, seconds=time.monotonic() - started, lost=True
            )

    def parent(self, hash_seed: int) -> WarmParent:
        """Return the warm parent for a seed; only that of seed 0, the guards', is kept longer."""
        if hash_seed not in self._parents:
            for seed in [seed for seed in self._parents if seed]:
                self._parents.pop(seed).close()
            environment = {**self._environment, "PYTHONHASHSEED": str(hash_seed)}
            self._parents[hash_seed] = WarmParent(environment, self._directory)
        return self._parents[hash_seed]

    def close(self) -> None:
        """End the warm parents."""
        while self._parents:
            self._parents.popitem()[1].close()


class WarmParent:
    """A process of `evaluation.warm`, spoken to in lines of JSON.

    Raises:
        EvaluationError: it cannot be started, or forking it is not safe.
    """

    def __init__(self, environment: Mapping[str, str], directory: Path) -> None:
        self._process = subprocess.Popen(
            interpreter("pytest_autoloop.evaluation.warm"),
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            self._unsafe = str(self._ask(prepare=True).get("unsafe", ""))
        except BaseException:
            self.close()
            raise
        if self._unsafe:
            self.close()
            message = f"a warm parent cannot be forked: {self._unsafe}"
            raise EvaluationError(message)

    def run(self, launch: Launch) -> Exit:
        """Fork one child, wait for it, and end its process group."""
        started = time.monotonic()
        request = {key: value for key, value in asdict(launch).items() if key != "seconds"}
        request |= {key: str(request[key]) for key in ("specification", "cwd", "output")}
        # It cannot reseed the fork, and tells processes that the project starts.
        seed = {"PYTHONHASHSEED": str(launch.hash_seed)}
        request["environment"] = {**launch.environment, **seed}
        process = int(self._ask(run=request)["pid"])
        finished = False
        try:
            # Not reaped before `reap`, so the number cannot have been given to another process.
            finished = _wait(process, launch.seconds)
        finally:
            for kill in (_kill_group, _kill):
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    kill(process)
            status = int(self._ask(reap=True)["status"])
        return Exit(status, not finished, time.monotonic() - started)

    def close(self) -> None:
        """End the process."""
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._process.kill()
        self._process.wait()

    def _ask(self, **request: object) -> dict[str, Any]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        try:
            stdin.write(json.dumps(request).encode() + b"\n")
            stdin.flush()
            line = stdout.readline()
            answer: dict[str, Any] = json.loads(line)
        except (OSError, ValueError) as error:
            message = f"the warm parent process ended unexpectedly: {error}"
            raise EvaluationError(message) from error
        return answer


def choose_launcher(
    wanted: LauncherName, environment: Mapping[str, str], directory: Path
) -> Launcher:
    """Return the launcher that was asked for; `auto` forks where that is safe.

    Raises:
        UsageError: a fork server was asked for where there can be none.
    """
    if wanted == "spawn":
        return SpawnLauncher()
    launcher = ForkLauncher(environment, directory)
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
    return SpawnLauncher(why)


def _wait(process: int, seconds: float) -> bool:
    try:
        descriptor = os.pidfd_open(process)
    except ProcessLookupError:
        # Its warm parent was killed, and the child with it.
        return True
    try:
        poll = select.poll()
        poll.register(descriptor, select.POLLIN)
        return bool(poll.poll(min(seconds * 1000, LONGEST_POLL)))
    finally:
        os.close(descriptor)


def _kill_group(process: int) -> None:
    os.killpg(process, signal.SIGKILL)


def _kill(process: int) -> None:
    os.kill(process, signal.SIGKILL)
