"""Workers from a nursery: made late, beside threads, and gone with who asked for them."""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.containment import landlock, seccomp
from pytest_autoloop.evaluation.containment.descendants import descendants
from pytest_autoloop.evaluation.isolated.contract import CandidateFault, Source, Surroundings
from pytest_autoloop.evaluation.isolated.handle import Worker
from pytest_autoloop.evaluation.isolated.nursery import Nursery
from pytest_autoloop.evaluation.process import wait_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked")
DOUBLE = "import os\ndef double(x):\n    return 2 * x\n"
HAS_LAYERS = bool(landlock.best_abi()) and seccomp.available()


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    """Fork a nursery that ends with the test."""
    made = Nursery(())
    yield made
    made.close()


def start(nursery: Nursery, place: Path, text: str = DOUBLE, *, contained: bool = False) -> Worker:
    """Start a worker for a source."""
    home = place / f"home-{len(list(place.iterdir())):03}"
    home.mkdir()
    source = Source("doubling", str(place / "doubling.py"), text.encode())
    around = Surroundings((), (), str(home), f"{home}.out", contained=contained, memory_bytes=None)
    return Worker(source, around, seconds=60, births=nursery, timed=False)


def test_it_answers_while_another_one_is_made(nursery: Nursery, tmp_path: Path) -> None:
    """Each worker has pipes of its own, also one that was asked for before it was needed."""
    first, second = start(nursery, tmp_path), start(nursery, tmp_path)

    assert second.call("double", (2,), {}, seconds=60).value == 4
    assert first.call("double", (3,), {}, seconds=60).value == 6
    assert first.pid != second.pid


@pytest.mark.skipif(not HAS_LAYERS, reason="this system has no Landlock or no seccomp filter")
def test_threads_of_the_session_do_not_matter(nursery: Nursery, tmp_path: Path) -> None:
    """A worker confines itself, whatever the tests have started since the nursery was made."""
    ended = threading.Event()
    thread = threading.Thread(target=ended.wait)
    thread.start()
    try:
        worker = start(nursery, tmp_path, contained=True)
        assert worker.call("double", (2,), {}, seconds=60).value == 4
    finally:
        ended.set()
        thread.join()


def test_a_worker_has_nothing_of_the_nursery(nursery: Nursery, tmp_path: Path) -> None:
    """It holds its own two pipes and the standard descriptors, and not the nursery's control."""
    text = "import os\ndef held():\n    return sorted(map(int, os.listdir('/proc/self/fd')))\n"
    one = start(nursery, tmp_path)
    _ = one.exports
    source = Source("holding", str(tmp_path / "holding.py"), text.encode())
    around = Surroundings(
        (), (), str(tmp_path), f"{tmp_path}.out", contained=False, tripwire=False, memory_bytes=None
    )
    worker = Worker(source, around, seconds=60, births=nursery, timed=False)

    # One more is the directory that is being read.
    assert len(worker.call("held", (), {}, seconds=60).value) == 6


@pytest.mark.parametrize(
    ("text", "expected", "detail"),
    [
        (
            "import os\nos._exit(3)\n",
            ("crash", "worker"),
            "ended its process in loading, with status 3",
        ),
        ("1 / 0\n", ("crash", "import"), "cannot be loaded: ZeroDivisionError: division by zero"),
        ("open('/etc/hostname')\n", ("discard", "tripwire"), "reads a file outside of its package"),
    ],
)
def test_what_cannot_be_loaded_is_told_at_the_first_use(
    nursery: Nursery, tmp_path: Path, text: str, expected: tuple[str, str], detail: str
) -> None:
    """Starting it does not wait; the first use raises, and so does each that follows."""
    worker = start(nursery, tmp_path, text)

    for _ in range(2):
        with pytest.raises(CandidateFault, match=detail) as raised:
            worker.call("double", (2,), {}, seconds=60)
        assert (raised.value.status, raised.value.reason) == expected


def test_one_that_only_closes_its_pipes_is_ended(nursery: Nursery, tmp_path: Path) -> None:
    """A worker that goes on without its pipes keeps nobody waiting."""
    text = (
        "import os, time\n"
        "def hide():\n"
        "    os.closerange(3, 100)\n"
        "    while True:\n"
        "        time.sleep(60)\n"
    )
    worker = start(nursery, tmp_path, text)
    with pytest.raises(CandidateFault, match="ended its process in hide"):
        worker.call("hide", (), {}, seconds=60)


def test_all_end_with_the_nursery(tmp_path: Path) -> None:
    """Nothing is left, also when a process that a test has forked holds the nursery's socket."""
    before = set(descendants())
    nursery = Nursery(())
    workers = [start(nursery, tmp_path) for _ in range(2)]
    numbers = [worker.pid for worker in workers]
    reading, writing = os.pipe()
    other = os.fork()
    if not other:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    nursery.close()
    left = set(descendants()) - before
    os.close(writing)
    os.close(reading)
    os.waitpid(other, 0)

    assert left == {other}
    assert all(wait_for(number, 0) for number in numbers)


def test_a_nursery_that_is_gone_is_nobodys_fault(tmp_path: Path) -> None:
    """A nursery that somebody has ended is an error of the session, not of a candidate."""
    nursery = Nursery(())
    nursery.leave()

    with pytest.raises(EvaluationError, match="starts workers has ended"):
        start(nursery, tmp_path)
    nursery.close()
