"""What is asked, received and prepared at the same time, with threads and events."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import ProposerError, RepositoryError
from pytest_autoloop.overlap import Arrived, Failed, Overlap

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds after which a test has failed; none is ever waited for to the end.
LIMIT = 5.0


class Desk:
    """Asks nobody: whoever is asked answers when the test says so, as it says."""

    def __init__(self, workers: int, *, parallel: bool = True) -> None:
        self.overlap = Overlap(workers, self.begin, self.receive, self.prepare, parallel=parallel)
        #: How many had been settled when each was asked for.
        self.asked: list[int] = []
        self.most = sys.maxsize
        self.received: list[str] = []
        self.prepared: list[str] = []
        self.threads: set[threading.Thread] = set()
        #: Answers by the number of who was asked, and what is not prepared before it is let go.
        self.answers: dict[int, str | Exception | None] = {}
        self.held: set[str] = set()
        self._settled = 0
        self._changed = threading.Condition()

    def begin(self) -> Callable[[], str | None] | None:
        """Return what waits for an answer."""
        number = len(self.asked)
        if number >= self.most:
            return None
        with self._changed:
            self.asked.append(self._settled)
            self._changed.notify_all()

        def ask() -> str | None:
            self.threads.add(threading.current_thread())
            self.wait(lambda: number in self.answers)
            answer = self.answers[number]
            if isinstance(answer, Exception):
                raise answer
            return answer

        return ask

    def receive(self, answer: str) -> str:
        """Take note of the order."""
        if answer == "unreadable":
            raise RepositoryError(answer)
        with self._changed:
            self.received.append(answer)
            self._changed.notify_all()
        return answer

    def prepare(self, answer: str) -> str:
        """Wait where something is held."""
        self.threads.add(threading.current_thread())
        if answer == "broken":
            raise RepositoryError(answer)
        self.wait(lambda: answer not in self.held)
        with self._changed:
            self.prepared.append(answer)
            self._changed.notify_all()
        return answer.upper()

    def wait(self, until: Callable[[], bool]) -> None:
        """Wait for a condition."""
        with self._changed:
            assert self._changed.wait_for(until, LIMIT)

    def watch(self, until: Callable[[], bool]) -> None:
        """Look again and again for what nobody tells of."""
        limit = time.monotonic() + LIMIT
        while not until():
            assert time.monotonic() < limit
            time.sleep(0)

    def answer(self, number: int, answer: str | Exception | None) -> None:
        """Let somebody answer, and see an answer received."""
        with self._changed:
            self.answers[number] = answer
            self._changed.notify_all()
        if isinstance(answer, str):
            self.wait(lambda: answer in self.received)

    def let_go(self, answer: str) -> None:
        """Let something be prepared."""
        with self._changed:
            self.held.discard(answer)
            self._changed.notify_all()

    def take(self) -> str | None:
        """Take the next one and judge it."""
        found = self.overlap.next()
        if isinstance(found, Failed):
            return f"! {found.error}"
        if found is None:
            return None
        self._settled += 1
        return found.received

    def meanwhile(self, *steps: Callable[[], object]) -> None:
        """Do something in another thread, while this one waits."""

        def run() -> None:
            for step in steps:
                step()

        threading.Thread(target=run, daemon=True).start()


def test_answers_keep_the_order_in_which_they_arrive() -> None:
    """Neither that of asking counts, nor that of being prepared; all is prepared at once."""
    desk = Desk(3)
    desk.held = {"b"}
    desk.meanwhile(
        lambda: desk.wait(lambda: len(desk.asked) == 3),
        lambda: desk.answer(1, "b"),
        lambda: desk.answer(0, "a"),
        lambda: desk.answer(2, "c"),
        lambda: desk.wait(lambda: len(desk.prepared) == 2),
        lambda: desk.let_go("b"),
    )
    first = desk.overlap.next()
    assert first == Arrived("b", "B")
    assert sorted(desk.prepared[:2]) == ["a", "c"]
    desk.answers.update(dict.fromkeys(range(3, 9)))
    assert [desk.take(), desk.take(), desk.take()] == ["a", "c", None]
    assert threading.main_thread() not in desk.threads


def test_one_more_is_asked_for_when_one_is_settled_and_never_else() -> None:
    """What somebody knew who was asked depends on the order of answers alone."""
    desk = Desk(3)
    desk.answers = {number: str(number) for number in range(8)}
    desk.most = 8
    # All have arrived long before the first is judged; yet no more are asked for.
    desk.held = {"0"}
    desk.meanwhile(lambda: desk.wait(lambda: len(desk.received) == 3), lambda: desk.let_go("0"))
    taken = []
    in_flight = []
    while (one := desk.take()) is not None:
        taken.append(one)
        in_flight.append(desk.overlap.in_flight)
    assert sorted(taken) == [str(number) for number in range(8)]
    assert desk.asked == [0, 0, 0, 1, 2, 3, 4, 5]
    assert in_flight == [3, 3, 3, 3, 3, 3, 2, 1]
    assert desk.overlap.in_flight == 0


def test_an_error_comes_in_its_place_and_makes_room() -> None:
    """It is a value; who is asked next is so when it has been seen to."""
    desk = Desk(2)
    desk.meanwhile(
        lambda: desk.wait(lambda: len(desk.asked) == 2),
        lambda: desk.answer(1, "a"),
        lambda: desk.answer(0, ProposerError("no answer")),
    )
    desk.most = 3
    assert desk.take() == "a"
    assert desk.overlap.in_flight == 2
    desk.meanwhile(lambda: desk.wait(lambda: len(desk.asked) == 3), lambda: desk.answer(2, "b"))
    assert sorted(filter(None, [desk.take(), desk.take()])) == ["! no answer", "b"]
    assert desk.take() is None


def test_who_has_nothing_left_is_asked_again_after_something_was_judged_since() -> None:
    """Until then the rest is drained; when nothing was judged since, that is the end."""
    desk = Desk(2)
    desk.meanwhile(
        lambda: desk.wait(lambda: len(desk.asked) == 2),
        lambda: desk.answer(0, None),
        # It is known that nothing is left before the other one answers.
        lambda: desk.watch(lambda: desk.overlap.in_flight == 1),
        lambda: desk.answer(1, "a"),
        # Judged by now: what was kept may be a place for new ideas.
        lambda: desk.wait(lambda: len(desk.asked) == 4),
        lambda: desk.answer(2, "b"),
        lambda: desk.answer(3, None),
        lambda: desk.wait(lambda: len(desk.asked) == 5),
        lambda: desk.answer(4, None),
    )
    desk.most = 5
    assert [desk.take(), desk.take(), desk.take()] == ["a", "b", None]
    assert desk.asked == [0, 0, 1, 1, 2]


def test_a_fault_of_ours_is_raised_in_its_place() -> None:
    """Its answer has not been judged, and neither have those behind it."""
    desk = Desk(3)
    desk.meanwhile(
        lambda: desk.wait(lambda: len(desk.asked) == 3),
        lambda: desk.answer(2, "a"),
        lambda: desk.answer(1, "broken"),
        lambda: desk.answer(0, "c"),
    )
    desk.most = 3
    assert desk.take() == "a"
    for _ in range(2):
        with pytest.raises(RepositoryError, match="broken"):
            desk.take()
    desk.wait(lambda: "c" in desk.received)
    assert desk.overlap.close() == ["broken", "c"]


def test_what_cannot_be_received_is_a_fault_too() -> None:
    """As is whatever a proposer raises that is none of its errors."""
    for answer in ("unreadable", ZeroDivisionError("no")):
        desk = Desk(2)
        desk.most = 1
        desk.answers = {0: answer}
        with pytest.raises((RepositoryError, ZeroDivisionError)):
            desk.take()
        assert desk.overlap.close() == []


def test_a_proposer_for_one_at_a_time_is_asked_in_the_owner_s_thread() -> None:
    """Guards overlap all the same, and the order is that of asking."""
    desk = Desk(3, parallel=False)
    desk.answers = {0: "a", 1: "b", 2: "c", **dict.fromkeys(range(3, 9))}
    desk.held = {"a"}
    asking = threading.current_thread()
    desk.meanwhile(lambda: desk.wait(lambda: len(desk.prepared) == 2), lambda: desk.let_go("a"))
    assert [desk.take(), desk.take(), desk.take(), desk.take()] == ["a", "b", "c", None]
    assert desk.received == ["a", "b", "c"]
    assert asking in desk.threads
    assert len(desk.threads) == 4


def test_one_worker_needs_no_thread() -> None:
    """Everything happens in the owner's, one after another, each knowing all before it."""
    desk = Desk(1)
    desk.answers = {0: "a", 1: ProposerError("no answer"), 2: "b", 3: None}
    before = threading.active_count()
    assert [desk.take() for _ in range(4)] == ["a", "! no answer", "b", None]
    assert desk.threads == {threading.current_thread()}
    assert threading.active_count() == before
    assert desk.asked == [0, 1, 1, 2]


@pytest.mark.parametrize("workers", [1, 2])
def test_what_interrupts_the_owner_s_thread_gets_out(workers: int) -> None:
    """An interrupt while somebody is asked is none of the proposer's errors."""
    desk = Desk(workers, parallel=False)

    def ask() -> str:
        raise KeyboardInterrupt

    overlap = Overlap(workers, lambda: ask, desk.receive, desk.prepare, parallel=False)
    with pytest.raises(KeyboardInterrupt):
        overlap.next()
    assert overlap.in_flight == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals are sent in another way there")
def test_an_interrupt_ends_the_wait_at_once() -> None:
    """What has been received is told of, what was asked for is abandoned and dropped."""
    desk = Desk(3)
    desk.held = {"a"}
    desk.meanwhile(
        lambda: desk.wait(lambda: len(desk.asked) == 3),
        lambda: desk.answer(1, "a"),
        lambda: signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT),
    )
    with pytest.raises(KeyboardInterrupt):
        desk.take()
    assert desk.overlap.close() == ["a"]
    assert desk.overlap.close() == []
    desk.let_go("a")
    desk.answers[0] = "late"
    desk.answer(2, None)
    for thread in list(desk.threads):
        thread.join(LIMIT)
    assert desk.received == ["a"]
    assert desk.overlap.in_flight == 0
    assert desk.take() is None


def test_a_process_ends_although_somebody_has_not_answered() -> None:
    """A call that cannot be called back does not keep the interpreter from ending."""
    program = """
import threading
from pytest_autoloop.overlap import Overlap
asked = threading.Event()
def ask():
    asked.set()
    threading.Event().wait()
overlap = Overlap(2, lambda: ask, str, str)
threading.Thread(target=overlap.next, daemon=True).start()
asked.wait()
print(overlap.in_flight, overlap.close())
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], timeout=LIMIT, capture_output=True, check=True, text=True
    )
    assert ended.stdout in {"1 []\n", "2 []\n"}
    assert ended.stderr == ""
