"""A question is answered whatever becomes of workers and engines, or somebody says why it is not.

The engine here is one whose tasks a test answers: what it gives back is a real future.
"""

from __future__ import annotations

import queue
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import AutoloopError, BaselineRed, EvaluationError, UsageError
from pytest_autoloop.remote import dispatch
from pytest_autoloop.remote.contract import Reply
from pytest_autoloop.remote.dispatch import Dispatcher, PoisonError
from pytest_autoloop.remote.hosts import Host, needs_of, this_host
from pytest_autoloop.remote.questions import LearnBaseline, ProfileBest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pytest_autoloop.remote.contract import Task

AMPLE = 30.0
HOST = this_host()
FAR = replace(HOST, name="far", kind="another processor")
NEEDS = needs_of(HOST, b"", ())


@dataclass(frozen=True)
class Place:
    """What a dispatcher knows of a site."""

    key: str = "site"


@dataclass
class Scripted:
    """An engine: each task is handed to what the test says, or else to the test itself."""

    answers: list[Callable[[Future[Reply]], object]] = field(default_factory=list)
    tasks: list[Task] = field(default_factory=list)
    resources: list[Mapping[str, float]] = field(default_factory=list)
    futures: list[Future[Reply]] = field(default_factory=list)
    avoided: list[Host] = field(default_factory=list)
    renewed: list[BaseException] = field(default_factory=list)
    gone: int = 0
    closed: bool = False
    waiting: queue.Queue[Future[Reply]] = field(default_factory=queue.Queue)
    description: str = "a scripted engine"
    slots: int = 2
    has_timing: bool = False

    def check(self, needs: object) -> list[str]:
        """Find nothing wrong."""
        return []

    def submit(self, task: Task, resources: Mapping[str, float]) -> Future[Reply]:
        """Take a task, unless it is gone for a while."""
        if self.gone:
            self.gone -= 1
            raise ConnectionError("nobody there")
        self.tasks.append(task)
        self.resources.append(resources)
        future: Future[Reply] = Future()
        self.futures.append(future)
        if self.answers:
            self.answers.pop(0)(future)
        else:
            self.waiting.put(future)
        return future

    def avoid(self, host: Host) -> None:
        """Remember who is left out."""
        self.avoided.append(host)

    def renew(self, error: BaseException) -> None:
        """Remember why."""
        self.renewed.append(error)

    def close(self) -> None:
        """End, without a word about what runs."""
        self.closed = True


def replied(**fields: Any) -> Callable[[Future[Reply]], object]:
    """Answer at once."""
    host = fields.pop("host", HOST)
    return lambda future: future.set_result(Reply(host, **fields))


def failed(error: BaseException) -> Callable[[Future[Reply]], object]:
    """Fail at once, as when a worker's process ends."""
    return lambda future: future.set_exception(error)


def lost(future: Future[Reply]) -> None:
    """Lose a task, as an executor does with what waits when it is shut down."""
    future.cancel()


@dataclass
class Asking:
    """A dispatcher with its engine, and what it has told."""

    engine: Scripted
    dispatcher: Dispatcher
    notes: list[str]

    def ask(self, *answers: Callable[[Future[Reply]], object], **keywords: Any) -> Any:
        """Ask while the engine answers so."""
        self.engine.answers += answers
        return self.dispatcher.ask(LearnBaseline(), **keywords)


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Run what waits."""
    with ThreadPoolExecutor(4) as pool:
        yield pool


@pytest.fixture
def asking(monkeypatch: pytest.MonkeyPatch, threads: ThreadPoolExecutor) -> Iterator[Asking]:
    """Make a dispatcher that does not wait between two attempts."""
    monkeypatch.setattr(dispatch, "_PAUSE", 0.0)
    engine = Scripted()
    notes: list[str] = []
    site: Any = Place()
    made = Asking(engine, Dispatcher(engine, site, NEEDS, notes.append), notes)
    yield made
    made.dispatcher.close()
    for future in engine.futures:  # whoever still waits after a failure
        future.cancel()


DEATH = failed(BrokenProcessPool("terminated abruptly"))
ANSWER = replied(answer=42)


def test_the_answer_comes_back_and_resources_are_passed_on(asking: Asking) -> None:
    """The task has the site, what a worker needs, and no supplies."""
    assert asking.ask(ANSWER, resources={"GPU": 1}) == 42
    (task,) = asking.engine.tasks
    assert (task.site, task.needs, task.supplies) == ("site", NEEDS, None)
    assert asking.engine.resources == [{"GPU": 1}]
    assert asking.notes == []


def test_who_lacks_the_site_is_given_it(asking: Asking) -> None:
    """With what was learned before; each attempt has a nonce of its own."""
    learned: Any = object()
    assert asking.ask(replied(answer=1, learned=learned)) == 1
    assert asking.ask(replied(lacking=True), replied(answer=2)) == 2
    first, second, third = asking.engine.tasks
    assert second.supplies is None
    assert third.supplies is not None
    assert third.supplies.learned == {HOST.kind: learned}
    assert len({first.nonce, second.nonce, third.nonce}) == 3


def test_a_worker_that_ends_costs_one_more_attempt(asking: Asking) -> None:
    """The user reads of the first; the engine may have to be made anew."""
    assert asking.ask(DEATH, ANSWER) == 42
    assert asking.ask(DEATH, ANSWER) == 42
    assert len(asking.notes) == 1
    assert "a worker ended (BrokenProcessPool: terminated abruptly)" in asking.notes[0]
    assert asking.dispatcher.faults["worker"] == 2
    assert [type(error) for error in asking.engine.renewed] == [BrokenProcessPool] * 2


def test_what_ends_two_workers_is_poison(asking: Asking) -> None:
    """Nobody gets it a third time; an engine that counts for itself is believed."""
    with pytest.raises(PoisonError, match="2 workers ended while they had it"):
        asking.ask(DEATH, DEATH)
    assert len(asking.engine.tasks) == 2
    with pytest.raises(PoisonError, match="3 workers ended"):
        asking.ask(replied(deaths=3))


def test_who_may_not_take_part_is_left_out_and_told_of_once(asking: Asking) -> None:
    """Another worker gets the question."""
    refused = replied(host=FAR, refusal="Python 3.9,\n the campaign has 3.12")
    assert asking.ask(refused, refused, ANSWER) == 42
    assert asking.notes == ["far gets no task: Python 3.9, the campaign has 3.12"]
    assert asking.engine.avoided == [FAR, FAR]


def test_where_nobody_may_take_part_it_is_said(asking: Asking) -> None:
    """After as many refusals as say so."""
    refused = replied(host=FAR, refusal="no sandbox")
    with pytest.raises(EvaluationError, match=r"no worker may take part; far .*no sandbox"):
        asking.ask(*[refused] * 20, ANSWER)
    assert len(asking.engine.tasks) == 20


@pytest.mark.parametrize("error", [BaselineRed("test_a fails"), UsageError("no git there")])
def test_what_is_green_elsewhere_is_the_hosts_own_fault(
    asking: Asking, error: AutoloopError
) -> None:
    """It gets no task; where nothing was green yet, the error is the project's."""
    red = replied(host=FAR, error=error)
    with pytest.raises(type(error), match=str(error)):
        asking.ask(red)
    learned: Any = object()
    asking.ask(replied(answer=1, learned=learned))
    assert asking.ask(red, ANSWER) == 42
    assert asking.engine.avoided == [FAR]
    assert asking.notes == [f"far gets no task: {error}"]


def test_what_a_worker_raises_is_raised(asking: Asking) -> None:
    """It was asked, and this is the answer."""
    with pytest.raises(EvaluationError, match="disk"):
        asking.ask(replied(error=EvaluationError("the disk is full")))


def test_an_engine_that_cannot_run_anything_is_no_poison(asking: Asking) -> None:
    """What its workers lack is said."""
    with pytest.raises(EvaluationError, match=r"cannot run a task: ModuleNotFoundError.*workers"):
        asking.ask(failed(ModuleNotFoundError("no module named pytest_autoloop")))


def straggling(asking: Asking, threads: ThreadPoolExecutor) -> tuple[Future[Any], list[Any]]:
    """Ask what takes long; return the coming answer, and both tasks under way."""
    asking.ask(ANSWER)
    coming = threads.submit(asking.dispatcher.ask, LearnBaseline())
    return coming, [asking.engine.waiting.get(timeout=AMPLE) for _ in range(2)]


@pytest.mark.parametrize("quick", [0, 1])
def test_a_straggler_gets_a_second_copy_and_the_first_answer_counts(
    asking: Asking, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch, quick: int
) -> None:
    """Whichever comes first; the other one is cancelled, and there is no third."""
    monkeypatch.setattr(dispatch, "_LEAST_PATIENCE", 0.01)
    coming, both = straggling(asking, threads)
    assert not coming.done()
    both[quick].set_result(Reply(HOST, quick))
    assert coming.result(AMPLE) == quick
    assert both[1 - quick].cancelled()
    assert asking.engine.waiting.empty()
    assert asking.notes == ["a worker takes long: another one gets the same task"]
    assert asking.engine.tasks[1].nonce != asking.engine.tasks[2].nonce


def test_the_other_copy_counts_where_one_is_lost(
    asking: Asking, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its worker ended: nothing is submitted anew while the other one is at it."""
    monkeypatch.setattr(dispatch, "_LEAST_PATIENCE", 0.01)
    coming, both = straggling(asking, threads)
    both[0].set_exception(BrokenProcessPool("killed"))
    both[1].set_result(Reply(HOST, 7))
    assert coming.result(AMPLE) == 7
    assert len(asking.engine.tasks) == 3


def test_patience_is_learned_for_each_kind_of_question(
    asking: Asking, threads: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is known of the first of its kind, so it has no second copy."""
    monkeypatch.setattr(dispatch, "_LEAST_PATIENCE", 0.0)
    asking.ask(replied(answer=1, seconds=2.0))
    dispatcher = asking.dispatcher
    assert dispatcher._patience(LearnBaseline) == dispatch._STRAGGLES * 2.0
    assert dispatcher._patience(ProfileBest) is None


def test_an_engine_that_is_gone_for_a_while_is_waited_for(asking: Asking) -> None:
    """It is told once, and the question is submitted again when it is there."""
    asking.engine.gone = 3
    assert asking.ask(ANSWER) == 42
    assert asking.notes == [
        "the executor fails (ConnectionError: nobody there): trying to reach it again"
    ]
    assert [str(error) for error in asking.engine.renewed] == ["nobody there"] * 3


def test_an_engine_that_stays_away_is_given_up(
    asking: Asking, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sentence says what is kept, and how to go on."""
    monkeypatch.setattr(dispatch, "_GONE", -1.0)
    asking.engine.gone = 1
    with pytest.raises(EvaluationError, match=r"cannot be reached.*the same command goes on"):
        asking.ask(ANSWER)


def test_a_task_that_an_engine_loses_is_submitted_again(asking: Asking) -> None:
    """Nobody was hurt by it, so it counts as no death."""
    assert asking.ask(lost, lost, DEATH, ANSWER) == 42
    assert asking.dispatcher.faults["worker"] == 1


def test_an_engine_that_loses_everything_is_given_up(asking: Asking) -> None:
    """It takes each task, and answers none."""
    with pytest.raises(EvaluationError, match=r"cannot be reached.*a task was lost"):
        asking.ask(*[lost] * 1000)


def test_closing_lets_nobody_wait(asking: Asking, threads: ThreadPoolExecutor) -> None:
    """Also where the engine says nothing more about what runs; nobody asks after that."""
    coming = [threads.submit(asking.dispatcher.ask, LearnBaseline()) for _ in range(3)]
    under_way = [asking.engine.waiting.get(timeout=AMPLE) for _ in coming]
    asking.dispatcher.close()
    for one in coming:
        with pytest.raises(EvaluationError, match="the campaign ends"):
            one.result(AMPLE)
    assert all(future.cancelled() for future in under_way)
    assert asking.engine.closed
    with pytest.raises(EvaluationError, match="the campaign ends"):
        asking.ask(ANSWER)
