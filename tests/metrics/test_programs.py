"""Commands are run to their end, and what they start ends with them."""

from __future__ import annotations

import os
import select
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics import accuracy, latency, peak_memory, programs
from pytest_autoloop.metrics.measurement import Place

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="written for POSIX")
#: With and without the small process that memory is measured from.
BOTH = pytest.mark.parametrize("measure", [latency, peak_memory])


def output(command: Any, place: Place, *, shell: bool = False) -> str:
    """Return what a command prints."""
    return programs.run(programs.program(command, timeout=60, shell=shell), place).output


def is_closed(pipe: int) -> bool:
    """Tell whether all that might write to a pipe have ended, soon."""
    return bool(select.select([pipe], [], [], 20)[0]) and os.read(pipe, 1) == b""


def test_lists_lines_and_shells(tmp_path: Path) -> None:
    """A line is split into words; a shell runs it only where that is asked for."""
    place = Place(None, tmp_path)
    assert output(["echo", "a  b", "$HOME"], place) == "a  b $HOME\n"
    assert output("echo 'a  b' $HOME;", place) == "a  b $HOME;\n"
    assert output("x='a  b'; echo \"$x\"", place, shell=True) == "a  b\n"


@pytest.mark.parametrize("shell", [False, True], ids=["words", "shell"])
def test_names_are_filled_in(tmp_path: Path, shell: bool) -> None:
    """The target's path is one word, with spaces and quotes in it too."""
    target = tmp_path / "it's a target"
    place = Place(target, tmp_path)
    assert output("echo -n {target}", place, shell=shell) == str(target)
    assert output("echo -n {python} {other}", place, shell=shell) == f"{sys.executable} {{other}}"


def test_it_runs_in_the_directory_with_nothing_to_read(tmp_path: Path) -> None:
    """A command that asks for input gets none, instead of hanging."""
    place = Place(None, tmp_path)
    assert output("pwd; cat", place, shell=True) == f"{tmp_path}\n"
    script = tmp_path / "run.sh"
    script.write_text("#!/bin/sh\necho here\n", encoding="utf-8")
    script.chmod(0o755)
    assert output("./run.sh", place) == "here\n"


@BOTH
@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("nowhere --fast", "`nowhere --fast` cannot be started: 'nowhere' was not found: install"),
        ("/etc/passwd", "`/etc/passwd` cannot be started: .* may not be executed: chmod"),
        (["sh", "-c", "echo oh no >&2; exit 3"], "ended with exit code 3:\noh no$"),
        (["sh", "-c", "echo only this; exit 3"], "ended with exit code 3:\nonly this$"),
        ("false", "`false` ended with exit code 1; it printed nothing$"),
        (["sh", "-c", "kill -SEGV $$"], "was ended by SIGSEGV"),
    ],
    ids=["missing", "no program", "says why", "says it elsewhere", "silent", "signal"],
)
def test_a_command_that_fails_is_an_error(measure: Any, command: Any, message: str) -> None:
    """It names the command, what happened, and the last lines of what it printed."""
    with pytest.raises(MeasurementError, match=message):
        measure(command)()


def test_a_directory_that_is_missing_is_not_a_missing_program(tmp_path: Path) -> None:
    """The system says the same of both."""
    with pytest.raises(MeasurementError, match=f"there is no directory {tmp_path}/gone"):
        latency("true")(directory=tmp_path / "gone")


@BOTH
def test_only_the_last_lines_are_shown(measure: Any) -> None:
    """A long log does not drown the reason."""
    command = "seq 1 500 >&2; exit 1"
    with pytest.raises(MeasurementError, match=r"exit code 1:\n491\n(\d+\n){8}500$"):
        measure(command, shell=True)()


@pytest.mark.timeout(60)
@BOTH
def test_what_takes_too_long_is_ended_with_all_that_it_started(
    measure: Any, tmp_path: Path
) -> None:
    """Its children hold the other end of a pipe: that it closes shows that they are gone."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with pytest.raises(MeasurementError, match=r"was killed after 0.3 s, its limit \(timeout="):
            measure("exec 3> pipe; sleep 1000 & sleep 1000", timeout=0.3, shell=True)(
                None, tmp_path
            )
        assert is_closed(reading)
    finally:
        os.close(reading)


@pytest.mark.timeout(60)
@BOTH
def test_what_it_leaves_running_is_ended(measure: Any, tmp_path: Path) -> None:
    """A server in the background would slow down whatever is measured next."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        assert measure("exec 3> pipe; sleep 1000 & true", shell=True)(None, tmp_path) > 0
        assert is_closed(reading)
    finally:
        os.close(reading)


@pytest.mark.skipif(sys.platform != "linux", reason="no process is a parent of orphans elsewhere")
@pytest.mark.timeout(60)
@pytest.mark.parametrize(
    "command",
    [
        "setsid sleep 1000 & true",
        "(setsid sh -c '(setsid sleep 1000 &) ; sleep 1000' &) ; true",
    ],
)
def test_what_leaves_its_group_is_ended_as_well(tmp_path: Path, command: str) -> None:
    """It could answer in the place of a model; what others have started goes on."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reading = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    other = subprocess.Popen(["sleep", "1000"], start_new_session=True)
    try:
        assert latency(f"exec 3> pipe; {command}", shell=True)(None, tmp_path) > 0
        assert is_closed(reading)
        assert other.poll() is None
    finally:
        os.close(reading)
        other.kill()
        other.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="as above")
@pytest.mark.timeout(60)
def test_a_command_is_not_taken_for_what_another_one_left(tmp_path: Path) -> None:
    """Two threads run one each; the first to end leaves the other alone."""
    os.mkfifo(tmp_path / "pipe")
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(latency("exec cat pipe", shell=True), None, tmp_path)
        writing = os.open(tmp_path / "pipe", os.O_WRONLY)  # waits until it reads
        latency("true")(None, tmp_path)
        os.close(writing)
        assert slow.result() > 0


def test_output_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is ended as soon as that is seen, and before its time is up."""
    monkeypatch.setattr(programs, "MOST_BYTES", 2**20)
    with pytest.raises(MeasurementError, match="`yes` printed more than 1 MiB; let it write less"):
        accuracy("yes")()
    # Also of a command that ends before anybody looks.
    with pytest.raises(MeasurementError, match="printed more than 1 MiB"):
        accuracy("head -c 2000000 /dev/zero")()


@pytest.mark.parametrize(
    ("command", "options", "message"),
    [
        ([], {}, "there is no program to run"),
        ("  ", {}, "there is no program to run"),
        ("echo 'a", {}, "cannot be split: No closing quotation"),
        (b"echo", {}, "is no command: write a list of words, or a line"),
        (["echo", 3], {}, "is no command"),
        (["echo"], {"shell": True}, "with shell=True write one line"),
        ("", {"shell": True}, "with shell=True write one line"),
        ("echo", {"timeout": 0}, "timeout=0: write seconds, above 0"),
        ("echo", {"timeout": float("nan")}, "timeout=nan"),
        ("echo", {"timeout": "1"}, "timeout='1'"),
        ("echo", {"timeout": True}, "timeout=True"),
    ],
    ids=str,
)
def test_what_cannot_be_run_is_refused_where_it_is_written(
    command: Any, options: dict[str, Any], message: str
) -> None:
    """Before anything runs."""
    with pytest.raises(ValueError, match=message):
        accuracy(command, **options)


def test_a_long_command_is_shortened_in_errors() -> None:
    """The error is one sentence, whatever the length of a script in it."""
    with pytest.raises(MeasurementError, match=r"^`sh -c 'exit 1 # x{100,110}…` ended with"):
        latency(["sh", "-c", "exit 1 # " + "x" * 1000])()
