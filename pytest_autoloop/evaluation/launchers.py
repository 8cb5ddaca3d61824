"""How a child process comes to be: forked from a warm parent, or started from nothing."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop.errors import EvaluationError, UsageError
from pytest_autoloop.evaluation.process import GRACE, Exit, Running, interpreter, run_limited
from pytest_autoloop.evaluation.supervise import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.evaluation.protocol import ChildSpec
    from pytest_autoloop.model import LauncherName


@dataclass(frozen=True, slots=True)
class Launch:
    """One child session to be run."""

    #: File that holds the `ChildSpec`, and what of it is the same for many runs.
    specification: Path
    standing: ChildSpec
    cwd: Path
    environment: Mapping[str, str]
    #: File that receives what the child prints.
    output: Path
    #: Limit of wall time.
    seconds: float
    #: Decides the order of sets and dicts of strings, and with it a part of the memory layout.
    hash_seed: int


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process that forks children holds, in MB."""

    #: Its share of all memory (PSS), and what no other process has.
    pss: float
    private: float


class Launcher(Protocol):
    """Runs child sessions."""

    @property
    def description(self) -> str:
        """What the campaign's header in the record says of it, with the reason for what is slow."""

    @property
    def ahead(self) -> bool:
        """Whether children begin with more than a process that has imported pytest."""

    def run(self, launch: Launch) -> Exit:
        """Run one child session to its end, or to its limit."""

    def prestart(self, *hash_seeds: int) -> None:
        """Begin what children with these seeds will need, without waiting for it."""

    def learn(self, imported: Sequence[str], early: Sequence[str]) -> None:
        """Take what a trusted session showed, as `Verdict` has it, to be ahead of later ones."""

    def fall_back(self, reason: str) -> bool:
        """Be less ahead of children, since one came to another result; False if that is not."""

    def memory(self) -> list[Memory]:
        """Return what the processes hold that are kept for children, as far as it is known."""

    def twin(self) -> Launcher:
        """Return one of the same kind for another thread: a launcher runs one child at a time."""

    def close(self) -> None:
        """End every process it keeps, and the child that runs; no other is started."""


class SpawnLauncher:
    """Starts a new interpreter for each child: slow, and works everywhere."""

    def __init__(self, why: str = "", prefix: Sequence[str] = ()) -> None:
        self.description = f"spawn ({why})" if why else "spawn"
        self.ahead = False
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
        return replace(ended, returncode=told.status, leftovers=told.leftovers, busy=told.busy)

    def prestart(self, *hash_seeds: int) -> None:
        """Begin nothing."""

    def learn(self, imported: Sequence[str], early: Sequence[str]) -> None:
        """Learn nothing: each child begins with nothing."""

    def fall_back(self, reason: str) -> bool:  # noqa: ARG002 - there is nothing to leave out
        """Leave nothing out."""
        return False

    def memory(self) -> list[Memory]:
        """Return nothing: no process is kept."""
        return []

    def twin(self) -> SpawnLauncher:
        """Return another one."""
        return SpawnLauncher(self._why, self._prefix)

    def close(self) -> None:
        """End the child that another thread waits for."""
        self._running.end(GRACE)


def choose_launcher(
    wanted: LauncherName,
    environment: Mapping[str, str],
    directory: Path,
    prefix: Sequence[str] = (),
    *,
    projects: Sequence[Path] = (),
    ours: bool = False,
) -> Launcher:
    """Return the launcher that was asked for; `auto` forks where that is safe.

    `prefix` stands before each command that is started: it puts the process into a box. Nothing of
    the `projects` may be in a process that is forked; this package may, unless it is `ours` to
    change.

    Raises:
        UsageError: a fork server was asked for where there can be none.
    """
    if wanted == "spawn":
        return SpawnLauncher(prefix=prefix)
    why = _unable()
    if not why:
        # POSIX alone has what they need.
        from pytest_autoloop.evaluation.forkserver import ForkLauncher  # noqa: PLC0415
        from pytest_autoloop.evaluation.nursery import Nursery  # noqa: PLC0415

        nursery = Nursery(environment, directory, prefix, projects=projects, ours=ours)
        launcher = ForkLauncher(nursery, spawns=wanted == "auto")
        try:
            nursery.parent(0)
        except EvaluationError as error:
            launcher.close()
            why = str(error)
        else:
            return launcher
    if wanted == "forkserver":
        raise UsageError(f"--autoloop-launcher=forkserver: {why}; write auto or spawn")
    return SpawnLauncher(why, prefix)


def _unable() -> str:
    """Say why this system has no fork server; empty when it has."""
    if sys.platform == "darwin":
        return "frameworks of macOS do not survive a fork"
    if not hasattr(os, "pidfd_open"):
        return "this system cannot wait for a process that is not its child"
    return ""
