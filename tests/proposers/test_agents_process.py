"""An agent's processes: how they end, and with whom."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import AgentError
from pytest_autoloop.proposers.agents.process import STDOUT, Ran, run_agent, tail

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals")

#: Starts a process in a session of its own, tells its number through a pipe with a name, hangs.
HANGING = """\
import subprocess, sys, time
sleeper = subprocess.Popen(["sleep", "600"], start_new_session=True)
with open("numbers", "w") as stream:
    stream.write(str(sleeper.pid))
time.sleep(600)
"""
#: Prints at once, and when it is asked to end; then hangs all the same.
CHATTY = """\
import signal, time
signal.signal(signal.SIGTERM, lambda *_: print("ended", flush=True))
print("x" * 2000, flush=True)
while True:
    time.sleep(600)
"""
CALLER = """\
import os, sys
from pathlib import Path
from pytest_autoloop.proposers.agents.process import run_agent
here = Path.cwd()
run_agent(
    [sys.executable, "-SE", "agent.py"], cwd=here, environ=os.environ, scratch=here,
    stdin=None, seconds=60, grace=0.2,
)
"""


def run(words: list[str], scratch: Path, *, limit: int = 1000) -> Ran:
    """Run a program for at most ten seconds."""
    return run_agent(
        words,
        cwd=scratch,
        environ=os.environ,
        scratch=scratch,
        stdin=None,
        seconds=10,
        grace=0.2,
        limit=limit,
    )


def test_a_program_that_prints_too_much_is_ended(tmp_path: Path) -> None:
    """Long before its time is up; it is asked to end before it is killed."""
    assert run([sys.executable, "-SEc", CHATTY], tmp_path).cut == "output"
    assert tail(tmp_path / STDOUT) == "x" * 2000 + "\nended\n"


def test_large_output_does_not_fill_the_memory(tmp_path: Path) -> None:
    """At most four megabytes are read, the last ones; what cannot be decoded is replaced."""
    with (tmp_path / STDOUT).open("wb") as stream:
        stream.truncate(100 * 2**20)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\xffend")
    text = tail(tmp_path / STDOUT)
    assert len(text) == 4 * 2**20
    assert text.endswith("\ufffdend")
    assert tail(tmp_path / "missing") == ""


def test_a_program_that_cannot_be_started_is_named(tmp_path: Path) -> None:
    """With the reason, without its arguments."""
    program = tmp_path / "agent"
    program.write_bytes(b"")
    program.chmod(0o755)
    with pytest.raises(AgentError, match=r"^agent cannot be started: Exec format error"):
        run([str(program), "secret"], tmp_path)


def test_a_supervisor_that_dies_is_told(tmp_path: Path) -> None:
    """An agent may end even that: no proposal comes of it."""
    program = [sys.executable, "-SEc", "import os; os.kill(os.getppid(), 9)"]
    with pytest.raises(AgentError, match=r"watches over .* ended: it was killed"):
        run(program, tmp_path)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the kernel's help")
@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGKILL])
def test_agents_end_with_whoever_runs_them(tmp_path: Path, end: signal.Signals) -> None:
    """Interrupted or killed, it leaves no agent behind, nor what that has started."""
    os.mkfifo(tmp_path / "numbers")
    (tmp_path / "agent.py").write_text(HANGING, encoding="utf-8")
    caller = subprocess.Popen(
        [sys.executable, "-c", CALLER], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    sleeper = os.pidfd_open(int((tmp_path / "numbers").read_text(encoding="ascii")))
    try:
        caller.send_signal(end)
        caller.wait(10)
        poll = select.poll()
        poll.register(sleeper, select.POLLIN)
        assert poll.poll(10_000)
    finally:
        os.close(sleeper)
