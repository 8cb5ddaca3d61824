"""Everything that a process started is found and ended, also what left its session."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.containment.contained import import_path

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="this system cannot wait for processes of others"
)

BEGIN = """
import os, signal, sys
from pytest_autoloop.evaluation.containment.descendants import descendants, end_descendants
from pytest_autoloop.evaluation.containment.kernel import adopt_orphans
reading, writing = os.pipe()

def child(run):
    number = os.fork()
    if not number:
        run()
        os._exit(0)
    return number

def tell():
    os.write(writing, b"%d\\n" % os.getpid())
    signal.pause()

def told():
    return int(os.read(reading, 100).split()[0])

def alive(number):
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    return True
"""


def run(code: str) -> str:
    """Run code in a process of its own, which may adopt and end what is below it."""
    done = subprocess.run(
        [sys.executable, "-c", BEGIN + code],
        env={**os.environ, "PYTHONPATH": import_path()},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_a_daemon_is_ended() -> None:
    """A process whose parent has ended, in a session of its own, does not survive."""
    code = """
adopt_orphans()
def leave():
    os.setsid()
    child(tell)
    os._exit(0)
middle = child(leave)
daemon = told()
os.waitpid(middle, 0)
assert alive(daemon)
print(end_descendants(), alive(daemon), descendants())
"""
    assert run(code) == "1 False {}"


def test_what_is_about_to_end_is_not_counted() -> None:
    """A helper that ends with whom it worked for has a moment for it; one that stays has not."""
    code = """
adopt_orphans()
other, ours = os.pipe()
def helper():
    os.close(ours)
    os.write(writing, b"%d\\n" % os.getpid())
    os.read(other, 1)
child(helper)
told()
os.close(ours)
print(end_descendants(grace=10.0))
stays = child(tell)
told()
print(end_descendants(grace=0.2))
os.posix_spawn("/bin/true", ["true"], {})
while descendants().popitem()[1].state != "Z":
    pass
print(end_descendants())
"""
    assert run(code).split() == ["0", "1", "0"]


def test_a_process_that_ignores_signals_is_ended() -> None:
    """No handler stands against the end."""
    code = """
def stubborn():
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    tell()
started = child(stubborn)
told()
print(end_descendants(), alive(started))
"""
    assert run(code) == "1 False"


def test_a_stopped_process_is_ended() -> None:
    """A process that does not run is ended like any other."""
    code = """
started = child(tell)
told()
os.kill(started, signal.SIGSTOP)
os.waitpid(started, os.WUNTRACED)
print(end_descendants(), alive(started))
"""
    assert run(code) == "1 False"


def test_processes_that_fork_all_the_time_are_ended() -> None:
    """What starts others faster than they can be counted does not win."""
    code = """
import time
adopt_orphans()
LIMIT = time.monotonic() + 20  # only so that a failing test does not fill the machine
def bomb():
    os.setsid()
    os.write(writing, b"%d\\n" % os.getpid())
    while time.monotonic() < LIMIT:
        # Every child takes over from its parent, so none is there for long.
        if os.fork():
            os._exit(0)
for _ in range(3):
    child(bomb)
lines = b""
while lines.count(b"\\n") < 3:
    lines += os.read(reading, 100)
assert end_descendants(seconds=60) >= 3
print(descendants())
"""
    assert run(code) == "{}"


def test_many_children_are_ended() -> None:
    """A bounded crowd in one session is ended as a whole."""
    code = """
adopt_orphans()
def crowd():
    os.setsid()
    for _ in range(150):
        child(signal.pause)
    tell()
child(crowd)
told()
print(end_descendants(), descendants())
"""
    assert run(code) == "151 {}"


def test_what_is_spared_lives_with_all_below_it() -> None:
    """A process that is waited for elsewhere is left alone, and so are its children."""
    code = """
def parent():
    child(tell)
    signal.pause()
kept = child(parent)
inner = told()
other = child(tell)
told()
print(end_descendants(spare=[kept]), alive(kept), alive(inner), alive(other))
print(end_descendants(), alive(kept))
"""
    lines = run(code).splitlines()

    assert lines[0] == "1 True True False"
    # The inner process is an orphan of this test by then, unless it was met before its parent.
    assert lines[1].endswith(" False")


def test_an_ended_child_is_reaped_and_another_s_exit_is_not_taken() -> None:
    """A child that ended by itself does not count, and one that is spared can be waited for."""
    code = """
ended = child(lambda: None)
spared = child(lambda: os._exit(7))
os.waitid(os.P_PID, ended, os.WEXITED | os.WNOWAIT)
os.waitid(os.P_PID, spared, os.WEXITED | os.WNOWAIT)
print(end_descendants(spare={spared}), os.waitstatus_to_exitcode(os.waitpid(spared, 0)[1]))
"""
    assert run(code) == "0 7"
