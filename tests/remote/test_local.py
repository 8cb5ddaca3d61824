"""Processes of which each may die without harm to the others, and that outlive nobody."""

from __future__ import annotations

import atexit
import os
import select
import signal
import subprocess
import sys
import threading
from concurrent.futures import CancelledError
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.remote.local import LocalExecutor

if TYPE_CHECKING:
    from collections.abc import Iterator

AMPLE = 60.0


def hold(path: str) -> None:
    """Write to a named pipe and keep it open, until this process ends."""
    end = os.open(path, os.O_WRONLY)
    os.write(end, b"x")
    threading.Event().wait()


def tidy(path: str, witness: str) -> None:
    """Hold a pipe, and clean up when it is interrupted, and once more at the process's end."""
    atexit.register(Path(f"{witness}-at-exit").touch)
    try:
        hold(path)
    finally:
        Path(witness).touch()


def fail() -> None:
    """Raise what a caller is to get."""
    raise KeyError("mine")


class Pipe:
    """A named pipe that tells when somebody holds its other end, and when nobody does any more."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = str(path)
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._poll = select.poll()
        self._poll.register(self.descriptor, select.POLLIN)

    def close(self) -> None:
        """Let go of it."""
        os.close(self.descriptor)

    def wait_held(self) -> None:
        """Wait until one process more holds it."""
        assert self._poll.poll(AMPLE * 1000), "nobody came"
        assert os.read(self.descriptor, 1) == b"x"

    def wait_released(self) -> None:
        """Wait until every process that held it has ended."""
        found = self._poll.poll(AMPLE * 1000)
        assert found, "somebody stayed"
        assert found[0][1] & select.POLLHUP


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    """Make a named pipe."""
    with closing(Pipe(tmp_path / "pipe")) as made:
        yield made


@pytest.fixture
def executor() -> Iterator[LocalExecutor]:
    """Make two processes, of which nothing is left."""
    made = LocalExecutor(2)
    yield made
    made.shutdown(wait=False)


def test_a_killed_process_fails_its_own_call_alone(executor: LocalExecutor, pipe: Pipe) -> None:
    """What runs beside it ends as it would have, and the next call gets a new process."""
    own = executor.submit(os.getpid).result(AMPLE)  # idle now, so the next call gets it
    broken = executor.submit(hold, pipe.path)
    pipe.wait_held()
    beside = executor.submit(os.kill, own, signal.SIGKILL)
    assert isinstance(broken.exception(AMPLE), BrokenProcessPool)
    assert beside.result(AMPLE) is None
    assert executor.submit(os.getpid).result(AMPLE) != own


def test_processes_are_used_again_and_errors_come_back() -> None:
    """What a call raises is its own, and its process goes on."""
    with LocalExecutor(1) as executor:
        first = executor.submit(os.getpid).result(AMPLE)
        with pytest.raises(KeyError, match="mine"):
            executor.submit(fail).result(AMPLE)
        assert executor.submit(os.getpid).result(AMPLE) == first


def test_what_cannot_travel_fails_its_own_call() -> None:
    """The error says what it is, and the process goes on."""
    with LocalExecutor(1) as executor:
        first = executor.submit(os.getpid).result(AMPLE)
        failed = executor.submit(print, threading.Lock())
        assert isinstance(failed.exception(AMPLE), TypeError)
        assert executor.submit(os.getpid).result(AMPLE) == first


def test_to_let_go_ends_what_runs(pipe: Pipe, tmp_path: Path) -> None:
    """It is interrupted, so that it can clean up; what waits is cancelled."""
    executor = LocalExecutor(1)
    running = executor.submit(tidy, pipe.path, str(tmp_path / "tidied"))
    waiting = executor.submit(os.getpid)
    pipe.wait_held()
    executor.shutdown(wait=False)
    assert isinstance(running.exception(AMPLE), (BrokenProcessPool, SystemExit))
    with pytest.raises(CancelledError):
        waiting.result(AMPLE)
    pipe.wait_released()
    assert (tmp_path / "tidied").exists()
    assert (tmp_path / "tidied-at-exit").exists(), "it was ended by force"
    with pytest.raises(RuntimeError):
        executor.submit(os.getpid)


def test_to_wait_lets_what_runs_come_to_its_end() -> None:
    """As any executor does at the end of a `with` statement."""
    with LocalExecutor(2) as executor:
        answers = [executor.submit(pow, 2, exponent) for exponent in range(5)]
    assert [answer.result(0) for answer in answers] == [1, 2, 4, 8, 16]


@pytest.mark.parametrize("sign", [signal.SIGKILL, signal.SIGTERM])
def test_workers_end_with_the_process_that_made_them(
    pipe: Pipe, tmp_path: Path, sign: signal.Signals
) -> None:
    """In whatever way that ends, and after they have cleaned up."""
    witness = tmp_path / "tidied"
    source = (
        "import threading\n"
        "from pytest_autoloop.remote.local import LocalExecutor\n"
        "from tests.remote.test_local import hold, tidy\n"
        "if __name__ == '__main__':\n"
        "    executor = LocalExecutor(2)\n"
        f"    executor.submit(tidy, {pipe.path!r}, {str(witness)!r})\n"
        f"    executor.submit(hold, {pipe.path!r})\n"
        "    threading.Event().wait()\n"
    )
    places = [path for path in sys.path if path]
    with subprocess.Popen(
        [sys.executable, "-c", source],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(places)},
    ) as maker:
        pipe.wait_held()
        pipe.wait_held()
        maker.send_signal(sign)
        maker.wait(AMPLE)
    pipe.wait_released()
    assert witness.exists()
    assert (tmp_path / "tidied-at-exit").exists(), "it was ended by force"


def test_ctrl_c_is_for_the_campaign() -> None:
    """A terminal sends it to workers as well, which go on."""
    with LocalExecutor(1) as executor:
        own = executor.submit(os.getpid).result(AMPLE)
        os.kill(own, signal.SIGINT)
        assert executor.submit(os.getpid).result(AMPLE) == own
