"""Who runs tasks: what a spec names, and what is known of it."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.option_types import executor as read_spec
from pytest_autoloop.remote.contract import Task
from pytest_autoloop.remote.engines import Engine, ExecutorEngine, engine_of
from pytest_autoloop.remote.hosts import needs_of, this_host
from pytest_autoloop.remote.local import LocalExecutor
from pytest_autoloop.remote.questions import LearnBaseline

if TYPE_CHECKING:
    from collections.abc import Iterator

AMPLE = 60.0
TASK = Task("unknown", LearnBaseline(), needs_of(this_host(), None, ()), "1")


def three_threads() -> Executor:
    """Return an executor that says how many it runs."""
    return ThreadPoolExecutor(3)


class Bare(Executor):
    """An executor that says nothing."""

    def submit(self, fn: Any, /, *args: Any, **keywords: Any) -> Future[Any]:
        """Answer at once."""
        future: Future[Any] = Future()
        future.set_result(fn(*args, **keywords))
        return future


@contextlib.contextmanager
def opened(spec: str) -> Iterator[Engine]:
    """Make an engine, and close it."""
    engine = engine_of(spec)
    try:
        yield engine
    finally:
        engine.close()


@pytest.mark.parametrize(
    "spec",
    [
        "local",
        "local:4",
        "dask:tcp://host:8786",
        "dask:tls://host:8786",
        "dask",
        "dask:local",
        "dask:local:4",
        "package.module:factory",
        "module:Class.make",
    ],
)
def test_what_names_an_executor_is_taken(spec: str) -> None:
    """As it was written."""
    assert read_spec(spec) == spec


@pytest.mark.parametrize(
    "spec",
    [
        "",
        "local:",
        "local:0",
        "local:-1",
        "local:two",
        "dask:local:0",
        "dask:local:x",
        "module",
        "module:",
    ],
)
def test_what_names_no_executor_is_refused_with_what_does(spec: str) -> None:
    """All four kinds are named."""
    with pytest.raises(Exception, match=r"names no executor: write local:4, dask:tcp.*:factory"):
        read_spec(spec)


def test_processes_of_this_machine(tmp_path: Any) -> None:
    """They answer a task, and are told apart from the campaign's own."""
    with opened("local:2") as engine:
        assert (engine.description, engine.slots) == ("2 local processes", 2)
        assert engine.check(TASK.needs) == []
        reply = engine.submit(TASK, {}).result(AMPLE)
    assert reply.lacking
    assert reply.host.process != os.getpid()


def test_a_factory_makes_the_executor() -> None:
    """What it says of its size is believed, and an error in it is the user's to see."""
    with opened("tests.remote.test_engines:three_threads") as engine:
        assert engine.slots == 3
        assert engine.submit(TASK, {}).result(AMPLE).lacking
    with opened("tests.remote.test_engines:Bare") as engine:
        assert engine.slots == 4
        assert engine.submit(TASK, {}).result(AMPLE).lacking


@pytest.mark.parametrize(
    ("spec", "told"),
    [
        ("no_such_module:make", "No module named 'no_such_module'; name a function that returns"),
        ("os:no_such_name", "no_such_name.*; name a function that returns"),
        ("os:sep", "os:sep is no function: name one that returns"),
        ("os:getcwd", r"os:getcwd returned str, which has no submit\(\): return a"),
    ],
)
def test_a_factory_that_makes_none_is_a_usage_error(spec: str, told: str) -> None:
    """It is named, with the next step."""
    with pytest.raises(UsageError, match=f"--autoloop-executor=.*{told}"):
        engine_of(spec)


def broken(engine: Engine) -> BaseException:
    """Kill a process of a pool; return what its calls fail with."""
    process = engine.submit(TASK, {}).result(AMPLE).host.process
    os.kill(process, signal.SIGKILL)
    while True:  # until the pool has seen it: a task is done, or fails
        try:
            error = engine.submit(TASK, {}).exception(AMPLE)
        except BrokenProcessPool as refused:
            return refused
        if error is not None:
            return error


def test_a_pool_that_broke_is_made_anew() -> None:
    """One of the standard library's takes nothing any more after one of its processes ended."""
    made: list[ProcessPoolExecutor] = []

    def make() -> Executor:
        import multiprocessing

        spawn = multiprocessing.get_context("spawn")
        made.append(ProcessPoolExecutor(1, mp_context=spawn))
        return made[-1]

    engine = ExecutorEngine("a pool", make)
    try:
        error = broken(engine)
        assert isinstance(error, BrokenProcessPool)
        engine.renew(error)
        assert len(made) == 2
        assert engine.submit(TASK, {}).result(AMPLE).lacking
        # What failed with the same pool is told of it later: the new one stays.
        engine.renew(error)
        assert len(made) == 2
    finally:
        engine.close()
    made[0].shutdown()
    made[1].shutdown()


def test_processes_of_this_machine_are_never_made_anew() -> None:
    """Each of them is, on its own."""
    made: list[LocalExecutor] = []

    def make() -> Executor:
        made.append(LocalExecutor(1))
        return made[-1]

    engine = ExecutorEngine("processes", make)
    try:
        engine.renew(BrokenProcessPool("killed"))
        assert len(made) == 1
    finally:
        engine.close()


def test_a_pool_is_made_once_when_many_see_it_break() -> None:
    """Each of its calls fails with the same error, in a thread of its own."""
    made: list[Executor] = []

    def make() -> Executor:
        made.append(ThreadPoolExecutor(1))
        return made[-1]

    engine = ExecutorEngine("threads", make)
    error = BrokenProcessPool("all of them")
    barrier = threading.Barrier(4)

    def renew() -> None:
        barrier.wait(AMPLE)
        engine.renew(error)

    with ThreadPoolExecutor(4) as pool:
        for one in [pool.submit(renew) for _ in range(4)]:
            one.result(AMPLE)
    engine.close()
    assert len(made) == 2
