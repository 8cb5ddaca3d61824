"""Warm parents: processes that have imported what children need, one for each hash seed."""

from __future__ import annotations

import itertools
import socket
import subprocess
import threading
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.channel import Channel
from pytest_autoloop.evaluation.process import GRACE, interpreter
from pytest_autoloop.evaluation.protocol import KEPT_SEEDS, LEVELS
from pytest_autoloop.evaluation.starter import lasting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.evaluation.protocol import Level

#: Seconds that a warm parent may take to import what it keeps, and a session to begin.
PREPARATION = 300.0


#: Seconds in which a process ends that hears that it is to.
_MOMENT = 1.0


class WarmParent:
    """A process of `evaluation.warm`.

    It is started at once, and has imported everything when `ready` returns.
    """

    def __init__(
        self, environment: Mapping[str, str], directory: Path, prefix: Sequence[str] = ()
    ) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = lasting(
                lambda: subprocess.Popen(
                    [*prefix, *interpreter("pytest_autoloop.evaluation.warm")],
                    cwd=directory,
                    env=dict(environment),
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        self._channel = Channel(ours)
        self._ready = False
        self._opened = itertools.count(1)

    @property
    def alive(self) -> bool:
        """Whether the process has not ended."""
        return self.process.poll() is None

    def prepare(self, projects: Sequence[Path], modules: Sequence[str], *, ours: bool) -> None:
        """Ask for what is to be imported, without waiting for it."""
        self._ready = False
        with suppress(OSError):  # told by `ready`
            self._channel.send(
                {"projects": list(map(str, projects)), "ours": ours, "modules": list(modules)}
            )

    def ready(self) -> None:
        """Wait until everything is imported.

        Raises:
            EvaluationError: it cannot be started, or forking it is not safe.
        """
        if self._ready:
            return
        said = answer(self._channel, PREPARATION)
        if "unsafe" in said:
            raise EvaluationError(f"a warm parent cannot be forked: {said['unsafe']}")
        self._ready = True

    def open(self, request: Mapping[str, Any]) -> Channel:
        """Fork a standing session and return the line to it.

        Raises:
            EvaluationError: the process has ended.
        """
        ours, theirs = socket.socketpair()
        channel = Channel(ours)
        channel.number = next(self._opened)
        with theirs:
            try:
                message = {"open": request, "number": channel.number}
                self._channel.send(message, [theirs.fileno()])
            except OSError as error:
                ours.close()
                raise ended(error) from error
        return channel

    def end_session(self, number: int) -> None:
        """End a standing session that does not answer, and all that was below it.

        Raises:
            EvaluationError: the process has ended itself, or does not answer either.
        """
        self.ready()
        try:
            self._channel.send({"end": number})
        except OSError as error:
            raise ended(error) from error
        answer(self._channel, GRACE)

    def close(self) -> None:
        """End the process, and with it all that it has forked."""
        self.process.terminate()
        try:
            self.process.wait(_MOMENT)
        except subprocess.TimeoutExpired:
            # An import may have swallowed that: there is nothing more to be asked, either.
            self._channel.hang_up()
            self._end()
        # Only now: another thread may be waiting for an answer, and hears that there is none.
        self._channel.close()

    def _end(self) -> None:
        try:
            self.process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Nursery:
    """The warm parents of a campaign, one for each hash seed; several threads may use it.

    `projects` are directories of which nothing may be in a process that is forked; this package may
    be, unless it is `ours` to change.
    """

    def __init__(
        self,
        environment: Mapping[str, str],
        directory: Path,
        prefix: Sequence[str] = (),
        *,
        projects: Sequence[Path] = (),
        ours: bool = False,
    ) -> None:
        self._environment = environment
        self._directory = directory
        self.prefix = prefix
        self.projects = tuple(projects)
        self.ours = ours
        self._parents: OrderedDict[int, WarmParent] = OrderedDict()
        self._modules: list[str] = []
        self._lock = threading.RLock()
        self._closed = False
        #: How far sessions go ahead of their children, as evaluation.standing has it.
        self.level: Level = "imports"
        #: Why they do not go further.
        self.reasons: list[str] = []

    def prestart(self, *hash_seeds: int) -> None:
        """Start the warm parents for some seeds, without waiting for them."""
        with self._lock:
            for seed in hash_seeds:
                if seed not in self._parents and not self._closed:
                    self._start(seed)

    def parent(self, hash_seed: int) -> WarmParent:
        """Return the warm parent for a seed; those that were used last are kept.

        Raises:
            EvaluationError: it cannot be started, forking it is not safe, or the campaign ends.
        """
        with self._lock:
            if self._closed:
                raise EvaluationError("no process is started any more: the campaign ends")
            found = self._parents.get(hash_seed)
            if found is None or not found.alive:
                self._drop(hash_seed)
                found = self._start(hash_seed)
            self._parents.move_to_end(hash_seed)
            try:
                found.ready()
            except BaseException:
                self._drop(hash_seed)
                raise
            others = [seed for seed in self._parents if seed]
            for seed in others[: -(KEPT_SEEDS - 1)]:
                self._drop(seed)
            return found

    def end_session(self, parent: WarmParent, number: int) -> None:
        """End a standing session that is lost, with what a candidate has left below it.

        A warm parent that cannot do so ends with all that it has forked.
        """
        with self._lock:
            try:
                parent.end_session(number)
            except EvaluationError:
                for seed in [seed for seed, one in self._parents.items() if one is parent]:
                    self._drop(seed)

    def keep(self, modules: Sequence[str]) -> None:
        """Let warm parents import modules for all children, where they can be forked with them."""
        with self._lock:
            self._modules = list(modules)
            try:
                for parent in self._parents.values():
                    parent.ready()
                    parent.prepare(self.projects, self._modules, ours=self.ours)
                self.parent(0)
            except EvaluationError as error:
                self.reasons.append(f"libraries are not kept: {error}")
                self._modules = []
                for seed in list(self._parents):
                    self._drop(seed)
                self.parent(0)

    def lower(self, reason: str) -> bool:
        """Let sessions go less far ahead; False when they cannot."""
        with self._lock:
            left = LEVELS[LEVELS.index(self.level) + 1 :]
            if left:
                self.level = left[0]
                self.reasons = list(dict.fromkeys([*self.reasons, reason]))
            return bool(left)

    def close(self) -> None:
        """End all of them; no other is started."""
        with self._lock:
            self._closed = True
            for parent in self._parents.values():
                parent.process.terminate()  # they end side by side
            for seed in list(self._parents):
                self._drop(seed)

    def _start(self, hash_seed: int) -> WarmParent:
        environment = {**self._environment, "PYTHONHASHSEED": str(hash_seed)}
        parent = WarmParent(environment, self._directory, self.prefix)
        parent.prepare(self.projects, self._modules, ours=self.ours)
        self._parents[hash_seed] = parent
        return parent

    def _drop(self, hash_seed: int) -> None:
        parent = self._parents.pop(hash_seed, None)
        if parent is not None:
            parent.close()


def answer(channel: Channel, seconds: float) -> dict[str, Any]:
    """Return what a process answers.

    Raises:
        EvaluationError: it has ended, or takes longer.
    """
    try:
        said = channel.receive(seconds)
    except (OSError, ValueError) as error:
        raise ended(error) from error
    if said is None:
        raise ended("it closed its line")
    return said


def ended(why: object) -> EvaluationError:
    """Return the error that says that a process has ended which is still needed."""
    return EvaluationError(f"the warm parent process ended unexpectedly: {why}")
