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
from pytest_autoloop.proposers.agents.leftovers import VARIABLE, end_group, end_marked, marked
from pytest_autoloop.proposers.agents.process import STDOUT, Ran, run_agent, tail

if TYPE_CHECKING:
    from collections.abc import Callable
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
#: Starts two processes in sessions of their own, the second one without its environment, tells
#: their numbers and that of its supervisor, ends the latter and hangs.
TREACHEROUS = """\
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
sleepers = [
    subprocess.Popen(["sleep", "600"], start_new_session=True, env=environ)
    for environ in (None, {})
]
with open("numbers", "w") as stream:
    stream.write(" ".join(str(number) for number in [os.getpid(), *(s.pid for s in sleepers)]))
if len(sys.argv) > 1:
    with open("ended.json", "w") as stream:
        stream.write('{"returncode": 0, "cut": "", "error": ""}')
os.kill(os.getppid(), signal.SIGKILL)
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
@pytest.mark.parametrize("words", [[], ["forge"]])
def test_what_outlives_its_supervisor_is_ended(tmp_path: Path, words: list[str]) -> None:
    """Whatever session it is in; a note that the agent wrote in its place is not believed."""
    with pytest.raises(AgentError, match=r"watches over .* ended: it was killed"):
        run([sys.executable, "-SEc", TREACHEROUS, *words], tmp_path)
    numbers = [int(word) for word in (tmp_path / "numbers").read_text(encoding="ascii").split()]
    assert len(numbers) == 3
    assert [number for number in numbers if not ends(number)] == []


@pytest.mark.skipif(sys.platform != "linux", reason="reads the process table")
def test_marks_of_agents_around_are_kept_and_others_spared() -> None:
    """An agent that runs agents ends with its own; what has another mark goes on."""
    outer, environ = marked({})
    inner, environ = marked(environ)
    other, foreign = marked({})
    assert environ[VARIABLE].split() == [outer, inner]
    nap = [sys.executable, "-SEc", "import time; print(flush=True); time.sleep(600)"]
    with (
        subprocess.Popen(nap, env=environ, start_new_session=True, stdout=subprocess.PIPE) as one,
        subprocess.Popen(nap, env=foreign, start_new_session=True, stdout=subprocess.PIPE) as two,
    ):
        for process in (one, two):
            assert process.stdout is not None
            process.stdout.readline()
        assert end_marked(outer) == []
        assert one.wait(10) == -signal.SIGKILL
        assert two.poll() is None
        end_group(two.pid)
        assert two.wait(10) == -signal.SIGKILL
    assert end_marked(other) == []


@pytest.mark.parametrize(
    "make",
    [
        lambda path: os.mkfifo(path, 0o600),
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/dev/zero"),
    ],
    ids=["pipe", "directory", "link"],
)
def test_only_regular_files_are_read(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """What an agent left in the place of its output is empty, and nobody waits for it."""
    make(tmp_path / STDOUT)
    program = f"import signal; signal.alarm(5)\nfrom {tail.__module__} import tail\n"
    program += "import pathlib, sys; print(repr(tail(pathlib.Path(sys.argv[1]))))"
    # In a process of its own: one that waits for a pipe can be ended.
    told = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / STDOUT)], capture_output=True, check=True
    )
    assert told.stdout == b"''\n"


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """It may lead to anything that the user may read."""
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (tmp_path / STDOUT).symlink_to("secret")
    assert tail(tmp_path / "secret") == "secret"
    assert tail(tmp_path / STDOUT) == ""


def test_a_pipe_in_the_place_of_the_note_is_taken_away(tmp_path: Path) -> None:
    """Its supervisor would wait for a reader."""
    program = "import os; os.mkfifo('ended.json'); os.mkfifo('usage.json')"
    assert run([sys.executable, "-SEc", program], tmp_path) == Ran(0)


def ends(number: int) -> bool:
    """Tell whether a process that was killed is gone, as soon as the kernel has seen to it."""
    try:
        watched = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10)[0])
    finally:
        os.close(watched)


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
