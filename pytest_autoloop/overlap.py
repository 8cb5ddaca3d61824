"""Overlaps what takes time: proposals are asked for and prepared while others are being judged.

At the start `workers` are asked for; each one that is taken by `next`, and so settled by the time
`next` is called again, makes room for one more. Nothing else does, so what was known when
something was asked for depends on nothing but the order of the answers, and so does everything
that follows. Answers are handed out in that order.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, TypeVar, cast

from pytest_autoloop.errors import ProposerError

if TYPE_CHECKING:
    from collections.abc import Callable

Answer = TypeVar("Answer")
Received = TypeVar("Received")
Prepared = TypeVar("Prepared")

#: Where a wait for a lock cannot be interrupted, it is given up and begun anew so often.
_LOOK = 0.5 if sys.platform == "win32" else None


@dataclass(frozen=True, slots=True)
class Arrived(Generic[Received, Prepared]):
    """An answer in its place, and what came of preparing it."""

    received: Received
    prepared: Prepared


@dataclass(frozen=True, slots=True)
class Failed:
    """In the place of an answer: why there is none."""

    error: ProposerError


@dataclass(slots=True, eq=False)
class _Entry(Generic[Received, Prepared]):
    """One answer, or what stands for it, from when it arrives until it is taken."""

    received: Received | None = None
    #: What `next` returns.
    outcome: Arrived[Received, Prepared] | Failed | None = None
    #: What `next` raises instead.
    fault: BaseException | None = None

    @property
    def ready(self) -> bool:
        return self.outcome is not None or self.fault is not None


@dataclass(frozen=True, slots=True)
class _Work(Generic[Answer]):
    """What asks, and how many had been settled when it was made."""

    ask: Callable[[], Answer | None]
    settled: int


@dataclass(slots=True)
class _Shared(Generic[Received, Prepared]):
    """What the threads and their owner share."""

    changed: threading.Condition = field(default_factory=threading.Condition)
    #: In the order of arrival.
    entries: deque[_Entry[Received, Prepared]] = field(default_factory=deque)
    #: Asked, and no answer yet.
    asking: int = 0
    #: The proposer has nothing left, and had when so many had been settled.
    exhausted: bool = False
    exhausted_at: int = -1
    closed: bool = False


class Overlap(Generic[Answer, Received, Prepared]):
    """Asks, receives and prepares up to `workers` at once.

    Args:
        workers: how many are under way or wait at most. With 1 everything happens in the calling
            thread, and there is no other.
        begin: called in the owner's thread; returns what asks for one answer, or None when nothing
            may be asked for now. It is called again after the next one is settled.
        receive: takes note of an answer: called in the order in which they arrive, one at a time,
            with `parallel` in threads of their own. Must be quick: others wait.
        prepare: called with what `receive` returned, up to `workers` at once, in any order.
        parallel: whether what `begin` returns may be called in a thread while others are; else it
            is called in the owner's thread, and only `prepare` overlaps.

    What asks returns None when nothing is left. No more is asked then until all others are settled;
    if one was, it may have made room for new ideas, and asking begins anew.

    """

    def __init__(
        self,
        workers: int,
        begin: Callable[[], Callable[[], Answer | None] | None],
        receive: Callable[[Answer], Received],
        prepare: Callable[[Received], Prepared],
        *,
        parallel: bool = True,
    ) -> None:
        self._workers = workers
        self._begin = begin
        self._receive = receive
        self._prepare = prepare
        self._parallel = parallel and workers > 1
        self._shared: _Shared[Received, Prepared] = _Shared()
        self._handed_out: Arrived[Received, Prepared] | Failed | None = None
        #: Answers that have been handed out and settled.
        self._settled = 0

    @property
    def in_flight(self) -> int:
        """Asked for and not settled: no answer, being prepared, waiting, or just handed out."""
        shared = self._shared
        with shared.changed:
            return shared.asking + len(shared.entries) + (self._handed_out is not None)

    def next(self) -> Arrived[Received, Prepared] | Failed | None:
        """Return the next in the order of arrival; None when nothing is left.

        The call says that what was returned before is settled: recorded, or seen to.

        Raises:
            Exception: what `begin`, `receive` and `prepare` raise, and what asking raises beside
                ProposerError, which is returned. What was received is not handed out then.
        """
        # An error says nothing of what might be proposed now.
        self._settled += isinstance(self._handed_out, Arrived)
        self._handed_out = None
        shared = self._shared
        while True:
            self._top_up()
            with shared.changed:
                while shared.asking or shared.entries:
                    if shared.entries and shared.entries[0].ready:
                        return self._take(shared.entries)
                    shared.changed.wait(_LOOK)
                if not shared.exhausted or self._settled <= shared.exhausted_at:
                    return None
                shared.exhausted = False

    def close(self) -> list[Received]:
        """Ask and receive no more; return what was received and has not been handed out.

        What is under way cannot be called back: it is left to threads that do not keep the process
        from ending, and what comes of it is dropped. A second call returns nothing.
        """
        shared = self._shared
        with shared.changed:
            shared.closed = True
            left = [entry.received for entry in shared.entries if entry.received is not None]
            shared.entries.clear()
            shared.asking = 0
            shared.changed.notify_all()
        return left

    def _take(
        self, entries: deque[_Entry[Received, Prepared]]
    ) -> Arrived[Received, Prepared] | Failed | None:
        fault = entries[0].fault
        if fault is not None:
            # It stays: `close` tells of the answer, which nobody has judged.
            raise fault
        self._handed_out = entries.popleft().outcome
        return self._handed_out

    def _top_up(self) -> None:
        """Ask for as many as there is room for."""
        shared = self._shared
        while True:
            with shared.changed:
                taken = shared.asking + len(shared.entries)
                if shared.exhausted or shared.closed or taken >= self._workers:
                    return
            ask = self._begin()
            if ask is None:
                return
            with shared.changed:
                shared.asking += 1
            work = _Work(ask, self._settled)
            if self._parallel:
                self._start(self._ask_and_prepare, work)
            elif (entry := self._ask(work)) is not None:
                if self._workers > 1:
                    self._start(self._make_ready, entry)
                else:
                    self._make_ready(entry)

    @staticmethod
    def _start(work: Callable[[Any], None], argument: object) -> None:
        # One for each, no executor: that would keep the process until the last call returns.
        name = "pytest-autoloop-worker"
        threading.Thread(target=work, args=(argument,), name=name, daemon=True).start()

    def _ask_and_prepare(self, work: _Work[Answer]) -> None:
        entry = self._ask(work)
        if entry is not None:
            self._make_ready(entry)

    def _ask(self, work: _Work[Answer]) -> _Entry[Received, Prepared] | None:
        """Ask and receive; None when there is nothing to prepare."""
        entry: _Entry[Received, Prepared] = _Entry()
        answer: Answer | None = None
        try:
            answer = work.ask()
        except ProposerError as error:
            entry.outcome = Failed(error)
        except BaseException as error:
            # In a thread nobody else would ever hear of it.
            if not self._parallel:
                with self._shared.changed:
                    self._shared.asking -= 1
                raise
            entry.fault = error
        shared = self._shared
        with shared.changed:
            if shared.closed:
                return None
            shared.asking -= 1
            shared.changed.notify_all()
            if answer is None and not entry.ready:
                shared.exhausted = True
                shared.exhausted_at = max(shared.exhausted_at, work.settled)
                return None
            if answer is not None:
                try:
                    entry.received = self._receive(answer)
                except BaseException as error:  # noqa: BLE001 - raised again by who waits
                    entry.fault = error
            shared.entries.append(entry)
        return None if entry.ready else entry

    def _make_ready(self, entry: _Entry[Received, Prepared]) -> None:
        received = cast("Received", entry.received)
        shared = self._shared
        try:
            outcome = Arrived(received, self._prepare(received))
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            with shared.changed:
                entry.fault = error
                shared.changed.notify_all()
            return
        with shared.changed:
            entry.outcome = outcome
            shared.changed.notify_all()
