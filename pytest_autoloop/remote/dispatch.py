"""Asks workers, and gets an answer whatever becomes of them."""

from __future__ import annotations

import threading
import time
import uuid
from collections import Counter
from concurrent.futures import FIRST_COMPLETED, Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import AutoloopError, BaselineRed, EvaluationError, UsageError
from pytest_autoloop.remote.contract import Supplies, Task

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_autoloop.remote.contract import Question, Reply, Site
    from pytest_autoloop.remote.engines import Engine
    from pytest_autoloop.remote.hosts import Host, Needs
    from pytest_autoloop.remote.learned import Learned

#: Workers that may end while they have one task; then it is taken to be the reason.
_DEATHS = 2
#: Refusals one after another that show that no worker may take part.
_REFUSALS = 20
#: A second worker gets a task that takes so many times longer than any has before, and at least
#: so many seconds.
_STRAGGLES, _LEAST_PATIENCE = 3.0, 30.0
#: Seconds for which an engine that is gone is waited for, and between two attempts to reach it.
_GONE, _PAUSE = 300.0, 2.0
#: Times that an engine may lose one task; then it loses every one.
_LOSSES = 20


class PoisonError(AutoloopError):
    """Whichever worker gets this task ends."""


@dataclass(slots=True)
class _Asked:
    """One question on its way."""

    question: Question
    resources: Mapping[str, float]
    began: float = field(default_factory=time.monotonic)
    #: What is under way, each with what is done when that is: `wait` is not told of a future that
    #: was cancelled while it stood in a queue.
    futures: dict[Future[Reply], Future[None]] = field(default_factory=dict)
    deaths: int = 0
    refusals: int = 0
    losses: int = 0
    copies: int = 0
    supplied: bool = False


class Dispatcher:
    """Has questions about one site answered; any thread may ask, and waits.

    Args:
        engine: who runs tasks.
        site: what they are about.
        needs: what a worker must have.
        note: is told, once each, of workers that may not take part and of what was lost.

    """

    def __init__(
        self, engine: Engine, site: Site, needs: Needs, note: Callable[[str], None]
    ) -> None:
        self.engine = engine
        self._site = site
        self.needs = needs
        self._note = note
        self._lock = threading.Lock()
        self._renewing = threading.Lock()
        self._learned: dict[str, Learned] = {}
        #: Seconds of the longest answer so far, by kind of question.
        self._longest: dict[type, float] = {}
        self._told: set[str] = set()
        self._closed = threading.Event()
        #: Done when nobody is to wait any more, whatever the engine says of what runs.
        self._end: Future[None] = Future()
        #: What went wrong and was made up for, by what it was: for a reader of the record.
        self.faults: Counter[str] = Counter()

    def ask(self, question: Question, resources: Mapping[str, float] | None = None) -> Any:  # noqa: ANN401 - as the question says
        """Return a worker's answer.

        Raises:
            PoisonError: two workers ended while they had the question.
            EvaluationError: no worker may take part, the engine is gone, or the campaign ends.
            AutoloopError: what a worker raised.
        """
        asked = _Asked(question, resources or {})
        try:
            while True:
                if not asked.futures:
                    self._submit(asked)
                reply = self._reply(asked)
                if reply is not None and (found := self._settled(asked, reply)):
                    self._learn(type(question), found[0])
                    return found[0].answer
        finally:
            for future in asked.futures:
                with suppress(Exception):  # some engines cannot, and raise
                    future.cancel()

    def close(self) -> None:
        """Let nobody wait any more, and end the engine."""
        if not self._closed.is_set():
            self._closed.set()
            self._end.set_result(None)
        self.engine.close()

    def _submit(self, asked: _Asked) -> None:
        with self._lock:
            learned = dict(self._learned)
        supplies = Supplies(self._site, learned) if asked.supplied else None
        task = Task(self._site.key, asked.question, self.needs, uuid.uuid4().hex, supplies)
        began = time.monotonic()
        while True:
            if self._closed.is_set():
                raise EvaluationError("the campaign ends")
            try:
                future = self.engine.submit(task, asked.resources)
            except Exception as error:  # noqa: BLE001 - whatever an engine raises
                self._renew(error, began)
            else:
                asked.futures[future] = _end_of(future)
                return

    def _renew(self, error: BaseException, since: float) -> None:
        """Wait a little, then see whether the engine can be used again.

        Raises:
            EvaluationError: it could not be for too long.
        """
        if self._closed.is_set():
            raise EvaluationError("the campaign ends") from error
        self._tell("engine", f"the executor fails ({_told(error)}): trying to reach it again")
        if time.monotonic() - since > _GONE:
            raise self._unreachable(error) from error
        with self._renewing:
            self._closed.wait(_PAUSE)
            with suppress(Exception):  # tried again, until the time is up
                self.engine.renew(error)

    def _unreachable(self, error: BaseException) -> EvaluationError:
        return EvaluationError(
            f"the executor ({self.engine.description}) cannot be reached: {_told(error)}. "
            "What was answered is kept: the same command goes on when it is there again"
        )

    def _reply(self, asked: _Asked) -> Reply | None:
        """Return a worker's reply; None when what was under way is lost, or takes too long."""
        patience = None if asked.copies else self._patience(type(asked.question))
        left = None if patience is None else max(0.0, asked.began + patience - time.monotonic())
        under_way = {*asked.futures.values(), self._end}
        done, _ = wait(under_way, timeout=left, return_when=FIRST_COMPLETED)
        if self._end in done:
            raise EvaluationError("the campaign ends")
        if not done:
            # It may be cut off, or on a slow host: the first of the two answers counts.
            asked.copies += 1
            self._tell("straggler", "a worker takes long: another one gets the same task")
            self._submit(asked)
            return None
        future = next(one for one, end in asked.futures.items() if end in done)
        del asked.futures[future]
        error = future.exception() if not future.cancelled() else None
        if error is None and not future.cancelled():
            return future.result()
        self._lost(asked, error)
        return None

    def _lost(self, asked: _Asked, error: BaseException | None) -> None:
        """Count a worker that ended, or an engine that is gone.

        Raises:
            PoisonError: the question seems to be the reason.
            EvaluationError: the engine cannot run anything, or cannot be reached.
        """
        if isinstance(error, (ImportError, AttributeError, TypeError)):
            raise EvaluationError(
                f"the executor ({self.engine.description}) cannot run a task: {_told(error)}. "
                "Its workers need this version of pytest-autoloop, and what the project needs"
            ) from error
        if error is None:  # cancelled: nobody was hurt by it, but the engine has lost it
            lost = ConnectionError("a task was lost")
            asked.losses += 1
            if asked.losses >= _LOSSES:
                raise self._unreachable(lost)
            if not asked.futures:
                self._renew(lost, time.monotonic())
            return
        if self._closed.is_set():
            raise EvaluationError("the campaign ends") from error
        asked.deaths += 1
        self._tell("worker", f"a worker ended ({_told(error)}): its task is given to another one")
        if asked.deaths >= _DEATHS:
            raise PoisonError(f"{asked.deaths} workers ended while they had it: {_told(error)}")
        if not asked.futures:
            with suppress(Exception):  # as above: submitting tells
                self.engine.renew(error)

    def _settled(self, asked: _Asked, reply: Reply) -> tuple[Reply] | None:
        """Return a reply that answers; None when another worker, or more, is needed.

        Raises:
            AutoloopError: see `ask`.
        """
        if reply.deaths:
            raise PoisonError(f"{reply.deaths} workers ended while they had it")
        if reply.lacking:
            asked.supplied = True
            return None
        red = isinstance(reply.error, (BaselineRed, UsageError)) and bool(self._learned)
        if reply.refusal or red:
            # It is green elsewhere, so this is the host's.
            self._refused(asked, reply.host, reply.refusal or str(reply.error))
            return None
        if reply.error is not None:
            raise reply.error
        if reply.learned is not None:
            with self._lock:
                self._learned.setdefault(reply.host.kind, reply.learned)
        return (reply,)

    def _refused(self, asked: _Asked, host: Host, why: str) -> None:
        asked.refusals += 1
        told = f"{host.name} gets no task: {' '.join(why.split())}"
        self._tell(told, told)
        self.engine.avoid(host)
        if asked.refusals >= _REFUSALS:
            raise EvaluationError(f"no worker may take part; {told}")

    def _patience(self, kind: type) -> float | None:
        """Return the seconds after which a question of a kind takes long."""
        with self._lock:
            longest = self._longest.get(kind)
        # Of the first of its kind nothing is known: its own limits end it.
        return None if longest is None else max(_LEAST_PATIENCE, _STRAGGLES * longest)

    def _learn(self, kind: type, reply: Reply) -> None:
        with self._lock:
            self._longest[kind] = max(self._longest.get(kind, 0.0), reply.seconds)

    def _tell(self, what: str, sentence: str) -> None:
        with self._lock:
            self.faults[what] += 1
            new = what not in self._told
            self._told.add(what)
        if new:
            self._note(sentence)


def _end_of(future: Future[Reply]) -> Future[None]:
    """Return what is done when a future is, also by being cancelled."""
    end: Future[None] = Future()
    future.add_done_callback(lambda _: end.set_result(None))
    return end


def _told(error: BaseException) -> str:
    said = " ".join(str(error).split())
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
