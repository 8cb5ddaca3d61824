"""A supervised child ends with everything it has started, whatever that did to escape."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.supervise import Ended, can_supervise

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(
    not can_supervise(), reason="this system cannot adopt orphaned processes"
)

#: Leaves its session, and its parent, before it sleeps.
DAEMON = """
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.setsid()
        if os.fork():
            os._exit(0)
        os.write(writing, str(os.getpid()).encode())
        os.close(writing)
        time.sleep(600)
    os.wait()
    pathlib.Path(sys.argv[1]).write_bytes(os.read(reading, 20))
"""


def supervised(body: str, tmp_path: Path, seconds: float = 60.0) -> tuple[Ended, Path]:
    """Supervise a function with this body in a process of its own; it gets a file to write."""
    file = tmp_path / "left"
    program = (
        "import os, pathlib, sys, time\n"
        "from pytest_autoloop.evaluation.supervise import become_supervisor, supervise\n"
        f"def run():\n    pass\n{textwrap.indent(textwrap.dedent(body), '    ')}\n"
        "become_supervisor()\n"
        f"supervise(run, {seconds}).write(pathlib.Path(sys.argv[1]).parent)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(file)], check=True, timeout=120)
    ended = Ended.read(tmp_path)
    assert ended is not None
    return ended, file


def alive(process: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_function_that_returns_ends_with_zero(tmp_path: Path) -> None:
    """What it wrote is there; nothing else was found."""
    ended, file = supervised(
        "pathlib.Path(sys.argv[1]).write_text('done' * (sum(range(10**6)) > 0))", tmp_path
    )

    assert ended == Ended(0, timed_out=False, leftovers=0, busy=ended.busy)
    assert ended.busy > 0
    assert file.read_text() == "done"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("os._exit(3)", 3),
        ("sys.exit(4)", 70),
        ("raise ValueError", 70),
        ("os.kill(os.getpid(), 9)", -signal.SIGKILL),
    ],
)
def test_however_it_ends_the_status_is_told(body: str, status: int, tmp_path: Path) -> None:
    """An exception is no success, and `sys.exit` runs no handler of the supervisor."""
    assert supervised(body, tmp_path)[0].status == status


def test_a_daemon_does_not_survive_its_child(tmp_path: Path) -> None:
    """One that left its session and its parent is found, counted and ended."""
    ended, file = supervised(DAEMON, tmp_path)

    assert ended.leftovers == 1
    assert not alive(int(file.read_text()))


def test_a_daemon_does_not_survive_a_timeout(tmp_path: Path) -> None:
    """A child whose time is up is killed, and what it started before with it."""
    ended, file = supervised(f"{DAEMON}\n    time.sleep(600)", tmp_path, seconds=1.0)

    assert ended.timed_out
    assert ended.status == -signal.SIGKILL
    assert not alive(int(file.read_text()))


def test_a_supervisor_that_is_asked_to_end_ends_its_child_first(tmp_path: Path) -> None:
    """SIGTERM to the supervisor leaves no process behind."""
    program = (
        "import os, sys, time\n"
        "from pytest_autoloop.evaluation.supervise import become_supervisor, supervise\n"
        "def run():\n"
        "    print(os.getpid(), flush=True)\n"
        "    time.sleep(600)\n"
        "become_supervisor()\n"
        "supervise(run, 600.0)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        process.terminate()
        process.wait(60)

    assert not alive(child)


def test_a_note_that_is_no_note_is_not_believed(tmp_path: Path) -> None:
    """Without a note of the supervisor's own, nothing is known."""
    assert Ended.read(tmp_path) is None
    (tmp_path / "ended").write_text("[1]")
    assert Ended.read(tmp_path) is None


def test_a_note_replaces_whatever_stands_in_its_place(tmp_path: Path) -> None:
    """A directory or a link there was the child's doing."""
    outside = tmp_path / "outside"
    outside.write_text("mine")
    linked, blocked = tmp_path / "linked", tmp_path / "blocked"
    (blocked / "ended").mkdir(parents=True)
    linked.mkdir()
    (linked / "ended").symlink_to(outside)
    for directory in (linked, blocked):
        Ended(1, timed_out=True, leftovers=2).write(directory)
        assert Ended.read(directory) == Ended(1, timed_out=True, leftovers=2)

    assert outside.read_text() == "mine"
