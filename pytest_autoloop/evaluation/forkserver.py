"""Children that are forked from standing sessions, one for each worktree and kind of run."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections import OrderedDict
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation import nursery
from pytest_autoloop.evaluation.launchers import Memory, SpawnLauncher
from pytest_autoloop.evaluation.process import GRACE, Exit
from pytest_autoloop.evaluation.supervise import Ended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.evaluation.channel import Channel
    from pytest_autoloop.evaluation.launchers import Launch
    from pytest_autoloop.evaluation.nursery import Nursery, WarmParent
    from pytest_autoloop.evaluation.protocol import Level

#: Standing sessions that a launcher keeps.
_MOST_SESSIONS = 8


class _Session:
    """A standing session, and the warm parent that it was forked from."""

    def __init__(self, parent: WarmParent, channel: Channel, level: Level) -> None:
        self.parent = parent
        self.channel = channel
        self.level = level
        #: Held while a request is under way.
        self.busy = threading.Lock()

    def run(self, launch: Launch) -> Ended:
        """Fork a child, and wait until it and all it has started have ended.

        Raises:
            EvaluationError: the standing session has not lived to tell.
        """
        paths = {"specification": str(launch.specification), "output": str(launch.output)}
        answer = self._ask(launch.seconds + GRACE, {"run": {**paths, "seconds": launch.seconds}})
        try:
            return Ended(
                int(answer["status"]),
                bool(answer["timed_out"]),
                int(answer["leftovers"]),
                float(answer["busy"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise EvaluationError(f"a standing session answered {answer!r}") from error

    def memory(self) -> Memory | None:
        """Return what the process holds; None when it cannot be told."""
        try:
            answer = self._ask(GRACE, {"memory": True})
            return Memory(float(answer["pss"]), float(answer["private"]))
        except (EvaluationError, KeyError):
            return None

    def _ask(self, seconds: float, request: Mapping[str, object]) -> dict[str, Any]:
        with self.busy:
            try:
                self.channel.send(request)
            except OSError as error:
                raise nursery.ended(error) from error
            return nursery.answer(self.channel, seconds)

    def close(self) -> None:
        """End the process, and with it the child that another thread waits for."""
        self.channel.hang_up()
        if self.busy.acquire(timeout=GRACE):
            self.channel.close()
            self.busy.release()


class ForkLauncher:
    """Forks each child from a standing session, of which there is one for each kind of run."""

    def __init__(self, nursery: Nursery, *, spawns: bool = True, shared: bool = False) -> None:
        """Use a nursery, which is closed with this launcher unless it is `shared`.

        Where even the simplest fork comes to another result, and it `spawns`, children are started
        from nothing.
        """
        self._nursery = nursery
        self._spawns = spawns
        self._shared = shared
        self._spawn: SpawnLauncher | None = None
        self._sessions: OrderedDict[str, _Session] = OrderedDict()
        self._lock = threading.Lock()
        self._closed = False

    @property
    def description(self) -> str:
        """How far ahead of its children it is, and why no further."""
        if self._spawn is not None:
            return self._spawn.description
        reasons = "; ".join(self._nursery.reasons)
        return f"forkserver ({self._nursery.level}{f': {reasons}' if reasons else ''})"

    @property
    def ahead(self) -> bool:
        """Whether sessions go ahead of their children."""
        return self._spawn is None and self._nursery.level != "imports"

    def run(self, launch: Launch) -> Exit:
        """Run one child session; one that ends its standing session is lost, that is replaced.

        Raises:
            EvaluationError: no process can be started.
        """
        if self._spawn is not None:
            return self._spawn.run(launch)
        started = time.monotonic()
        key, session = self._session(launch)
        try:
            ended = session.run(launch)
        except BaseException as error:
            # Interrupted or not, what it would answer now belongs to no question.
            self._drop(key)
            if not isinstance(error, EvaluationError):
                raise
            # Killed or stopped, by its child most likely, whose processes now nobody else ends.
            self._nursery.end_session(session.parent, session.channel.number)
            seconds = time.monotonic() - started
            return Exit(-signal.SIGKILL, timed_out=False, seconds=seconds, lost=True)
        seconds = time.monotonic() - started
        return Exit(
            ended.status, ended.timed_out, seconds, leftovers=ended.leftovers, busy=ended.busy
        )

    def prestart(self, *hash_seeds: int) -> None:
        """Start warm parents without waiting for them."""
        if self._spawn is None:
            self._nursery.prestart(*hash_seeds)

    def learn(self, imported: Sequence[str], early: Sequence[str]) -> None:
        """Keep what the project imports from elsewhere; go ahead as far as its conftests allow."""
        if self._spawn is not None:
            return
        self._drop(*self._sessions)
        self._nursery.keep(imported)
        self._nursery.level = "plugins" if early else "session"
        if early:
            self._nursery.reasons.append(f"{early[0]} acts before tests are collected")

    def fall_back(self, reason: str) -> bool:
        """Go less far ahead, at last not at all; False when there is nothing to be left out."""
        if self._spawn is not None:
            return False
        if self._nursery.lower(reason):
            return True
        if self._spawns:
            self._spawn = SpawnLauncher(reason, self._nursery.prefix)
            self._drop(*self._sessions)
        return self._spawns

    def memory(self) -> list[Memory]:
        """Return what each standing session holds."""
        found = [session.memory() for session in list(self._sessions.values())]
        return [memory for memory in found if memory is not None]

    def twin(self) -> ForkLauncher:
        """Return one with standing sessions of its own: each speaks to one thread at a time."""
        twin = ForkLauncher(self._nursery, spawns=self._spawns, shared=True)
        twin._spawn = None if self._spawn is None else self._spawn.twin()
        return twin

    def close(self) -> None:
        """End the standing sessions, and with them the child that another thread waits for."""
        with self._lock:
            self._closed = True
        while self._sessions:
            self._sessions.popitem()[1].close()
        if self._spawn is not None:
            self._spawn.close()
        if not self._shared:
            self._nursery.close()

    def _session(self, launch: Launch) -> tuple[str, _Session]:
        """Return the standing session for a run, and the name it is known by."""
        standing = {
            "cwd": str(launch.cwd),
            # Forking cannot reseed what is running; processes that the project starts are told.
            "environment": {**launch.environment, "PYTHONHASHSEED": str(launch.hash_seed)},
            "specification": asdict(launch.standing),
        }
        while True:
            parent = self._nursery.parent(launch.hash_seed)
            level = "imports" if launch.standing.phase == "verify" else self._nursery.level
            request = {**standing, "level": level, "ours": self._nursery.ours}
            request["projects"] = [*map(str, self._nursery.projects), launch.standing.worktree]
            key = json.dumps(request, sort_keys=True)
            known = self._sessions.get(key)
            if known is not None and known.parent is parent:
                self._sessions.move_to_end(key)
                return key, known
            self._drop(key)
            session = _Session(parent, parent.open(request), level)
            try:
                answer = nursery.answer(session.channel, nursery.PREPARATION)
            except BaseException:
                session.channel.close()
                raise
            if "unsafe" not in answer:
                break
            session.channel.close()
            if not self._nursery.lower(str(answer["unsafe"])):
                raise EvaluationError(f"a session cannot be forked: {answer['unsafe']}")
        with self._lock:
            if self._closed:
                session.channel.close()
                raise EvaluationError("no process is started any more: the campaign ends")
            self._sessions[key] = session
        while len(self._sessions) > _MOST_SESSIONS:
            self._drop(next(iter(self._sessions)))
        return key, session

    def _drop(self, *keys: str) -> None:
        for key in keys:
            session = self._sessions.pop(key, None)
            if session is not None:
                session.close()
