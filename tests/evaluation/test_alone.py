"""Locks of the whole machine, held by threads and by real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation import alone

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there are no such locks")
#: Seconds after which a test has failed; none is ever waited for to the end.
LIMIT = 10.0
HOLD = """
import sys
from pytest_autoloop.evaluation import alone
with getattr(alone, sys.argv[1])():
    print("holds", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Use files of the test's own, so that campaigns beside it are not waited for."""
    monkeypatch.setenv(alone.VARIABLE, str(tmp_path))
    monkeypatch.setattr(alone, "_told", threading.Event())
    return tmp_path


@contextmanager
def holder(kind: str) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock in another process."""
    command = [sys.executable, "-c", HOLD, kind]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "holds\n"
        yield process
        process.kill()


class Visitor:
    """A thread that goes in, says so, and stays until it is told to leave."""

    def __init__(self, enter: Callable[[], AbstractContextManager[float]]) -> None:
        self.inside, self.leave = threading.Event(), threading.Event()
        self.waited = -1.0
        self._enter = enter
        self.thread = threading.Thread(target=self._visit, daemon=True)
        self.thread.start()

    def _visit(self) -> None:
        with self._enter() as self.waited:
            self.inside.set()
            assert self.leave.wait(LIMIT)

    def end(self) -> None:
        """Leave and come to an end."""
        self.leave.set()
        self.thread.join(LIMIT)
        assert not self.thread.is_alive()


def waiting(count: int) -> None:
    """Wait until so many threads wait for a lock."""
    found, deadline = 0, time.monotonic() + LIMIT
    while found < count:
        assert time.monotonic() < deadline
        found = sum(thread.name == "pytest-autoloop-alone" for thread in threading.enumerate())


def test_guards_share_and_a_measurement_is_alone() -> None:
    """Two guards run at once; a measurement waits for both, and tells how long that took."""
    first, second = Visitor(alone.busy), Visitor(alone.busy)
    assert first.inside.wait(LIMIT)
    assert second.inside.wait(LIMIT)
    measurer = Visitor(alone.quiet)
    waiting(1)
    first.end()
    assert not measurer.inside.is_set()
    second.end()
    assert measurer.inside.wait(LIMIT)
    assert measurer.waited > 0
    measurer.end()


def test_guards_that_follow_one_another_do_not_keep_a_measurement_out() -> None:
    """Who comes after somebody who wants quiet waits behind them."""
    first = Visitor(alone.busy)
    assert first.inside.wait(LIMIT)
    measurer = Visitor(alone.quiet)
    waiting(1)
    second = Visitor(alone.busy)
    waiting(2)
    assert not second.inside.is_set()
    first.end()
    assert measurer.inside.wait(LIMIT)
    assert not second.inside.is_set()
    measurer.end()
    assert second.inside.wait(LIMIT)
    second.end()


@pytest.mark.parametrize(
    ("held", "wanted", "passes"),
    [("quiet", "quiet", False), ("quiet", "busy", False), ("busy", "busy", True)],
)
def test_processes_exclude_each_other_until_they_are_killed(
    held: str, wanted: str, *, passes: bool
) -> None:
    """What a killed process held is free."""
    with holder(held) as process:
        visitor = Visitor(getattr(alone, wanted))
        if not passes:
            waiting(1)
            assert not visitor.inside.is_set()
            process.kill()
        assert visitor.inside.wait(LIMIT)
    visitor.end()


def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody keeps a campaign from going on; the lock that comes too late is given back."""
    first = Visitor(alone.quiet)
    assert first.inside.wait(LIMIT)
    with monkeypatch.context() as patched:
        patched.setattr(alone, "_PATIENCE", 0.5)
        with pytest.warns(RuntimeWarning, match="held by somebody"), alone.quiet():
            pass
        # What is held for ever is waited for once, not before each pair.
        with alone.quiet() as waited:
            assert waited < alone._PATIENCE
    first.end()
    for _ in range(2):
        again = Visitor(alone.quiet)
        assert again.inside.wait(LIMIT)
        again.end()


def test_an_interrupt_gets_out_of_waiting_at_once() -> None:
    """It leaves nothing held."""
    first = Visitor(alone.quiet)
    assert first.inside.wait(LIMIT)

    def interrupt() -> None:
        waiting(1)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    with pytest.raises(KeyboardInterrupt), alone.busy():
        pass
    first.end()
    again = Visitor(alone.quiet)
    assert again.inside.wait(LIMIT)
    again.end()


def plant_directory(path: Path) -> None:
    """Put a directory there."""
    path.mkdir()


def plant_link(path: Path) -> None:
    """Put a link to somebody's file there."""
    path.symlink_to(__file__)


def plant_dangling(path: Path) -> None:
    """Put a link there through which a file could be made elsewhere."""
    path.symlink_to(path.parent / "made")


def plant_pipe(path: Path) -> None:
    """Put a pipe there, whose opening waits for a writer."""
    os.mkfifo(path)


@pytest.mark.parametrize("plant", [plant_directory, plant_link, plant_dangling, plant_pipe])
def test_what_somebody_has_put_there_is_neither_followed_nor_waited_for(
    place: Path, plant: Callable[[Path], None]
) -> None:
    """The user's own campaigns still exclude each other, by a file of the user's."""
    for name in ("room", "turnstile"):
        plant(place / f"pytest-autoloop-{name}")
    first = Visitor(alone.quiet)
    assert first.inside.wait(LIMIT)
    second = Visitor(alone.quiet)
    waiting(1)
    assert not second.inside.is_set()
    first.end()
    second.end()
    assert not (place / "made").exists()


def test_without_a_file_everybody_goes_on_and_is_told_once(place: Path) -> None:
    """Noise is worse than waiting, but better than no campaign."""
    for name in ("room", "turnstile"):
        for path in (f"pytest-autoloop-{name}", f"pytest-autoloop-{name}-{os.getuid()}"):
            (place / path).mkdir()
    with pytest.warns(RuntimeWarning, match="no regular file") as told, alone.quiet():
        pass
    assert len(told) == 1
    with alone.busy():
        pass


def test_anybody_can_lock_what_one_has_made(place: Path) -> None:
    """The file can be read by all and written by none, whatever the umask."""
    before = os.umask(0o077)
    try:
        with alone.busy():
            pass
    finally:
        os.umask(before)
    modes = {file.stat().st_mode & 0o777 for file in place.iterdir()}
    assert modes == {0o444}
    assert all(file.stat().st_size == 0 for file in place.iterdir())


def test_a_file_that_was_tidied_away_excludes_all_the_same(place: Path) -> None:
    """Who got the old file in the meantime takes the new one."""
    first = Visitor(alone.quiet)
    assert first.inside.wait(LIMIT)
    second = Visitor(alone.quiet)
    waiting(1)
    (place / "pytest-autoloop-room").unlink()
    third = Visitor(alone.quiet)
    waiting(2)
    first.end()
    inside = next(one for one in _endless(second, third) if one.inside.is_set())
    other = third if inside is second else second
    assert not other.inside.is_set()
    inside.end()
    assert other.inside.wait(LIMIT)
    other.end()


def _endless(*visitors: Visitor) -> Iterator[Visitor]:
    deadline = time.monotonic() + LIMIT
    while time.monotonic() < deadline:
        yield from visitors


def test_nobody_is_waited_for_where_that_is_not_wanted(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two measurements at once, and no file."""
    monkeypatch.setenv(alone.VARIABLE, "")
    with alone.quiet() as first, alone.quiet() as second:
        assert first == second == 0.0
    assert list(place.iterdir()) == []
