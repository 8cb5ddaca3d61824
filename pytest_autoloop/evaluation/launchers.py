"""How a child process comes to be: forked from a warm parent, or started from nothing."""

from __future__ import annotations

import contextlib
import json
import os
import select
import signal
import subprocess
import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from pytest_autoloop.errors import EvaluationError, UsageError
from pytest_autoloop.evaluation.process import GRACE, LONGEST_POLL, Exit, interpreter, run_limited
from pytest_autoloop.evaluation.supervise import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.model import LauncherName

#: Seconds that a warm parent may take to import what it keeps.
_PREPARATION = 300.0


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

    def __init__(self, why: str = "", prefix: Sequence[str] = ()) -> None:
        self.description = f"spawn ({why})" if why else "spawn"
        self._prefix = prefix

    def run(self, launch: Launch) -> Exit:
        """Run one child session."""
        ended = run_limited(
            [
                *self._prefix,
                *interpreter("pytest_autoloop.evaluation.child"),
                str(launch.specification),
            ],
            cwd=launch.cwd,
            environment={**launch.environment, "PYTHONHASHSEED": str(launch.hash_seed)},
            seconds=launch.seconds,
            output=launch.output,
            supervisor=True,
            boxed=bool(self._prefix),
        )
        told = Ended.read(launch.specification.parent)
        if told is None:
            return ended
        return replace(ended, returncode=told.status, leftovers=told.leftovers)

    def close(self) -> None:
        """Keep nothing."""


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

    def run(self, launch: Launch) -> Exit:
        """Run one child session; one that ends its warm parent is lost, the parent is replaced."""
        started = time.monotonic()
        parent = self.parent(launch.hash_seed)
        try:
            return parent.run(launch)
        except BaseException as error:
            # Interrupted or not, what it would answer now belongs to no question.
            self._parents.pop(launch.hash_seed).close()
            if not isinstance(error, EvaluationError):
                raise
            return Exit(
                -signal.SIGKILL, timed_out=False, seconds=time.monotonic() - started, lost=True
            )

    def parent(self, hash_seed: int) -> WarmParent:
        """Return the warm parent for a seed; only that of seed 0, the guards', is kept longer."""
        if hash_seed not in self._parents:
            for seed in [seed for seed in self._parents if seed]:
                self._parents.pop(seed).close()
            environment = {**self._environment, "PYTHONHASHSEED": str(hash_seed)}
            self._parents[hash_seed] = WarmParent(environment, self._directory, self._prefix)
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

    def __init__(
        self, environment: Mapping[str, str], directory: Path, prefix: Sequence[str] = ()
    ) -> None:
        self._process = subprocess.Popen(
            [*prefix, *interpreter("pytest_autoloop.evaluation.warm")],
            cwd=directory,
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
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
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        # It ends its child first; without an answer there is none worth waiting for.
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

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


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(min(seconds * 1000, LONGEST_POLL)))
