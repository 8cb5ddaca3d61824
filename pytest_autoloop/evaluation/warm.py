"""The warm parent: imports pytest, its plugins and libraries once, and forks standing sessions.

It speaks in lines of JSON over the socket that is its standard input:

    {"projects": […], "ours": false, "modules": […]}   → {"ready": true} or {"unsafe": reason}
    {"open": {…}, "number": 1}, with an end of another socket     a standing session answers there
    {"end": 1}                                           → {"ended": 1}, with all that was below it

The project's own code is never imported here, so that no candidate finds another one's modules.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import Any

from pytest_autoloop.evaluation import isolated
from pytest_autoloop.evaluation.channel import Channel
from pytest_autoloop.evaluation.compatible import fingerprints
from pytest_autoloop.evaluation.containment.descendants import end_descendants
from pytest_autoloop.evaluation.preload import preload, unsafe
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.supervise import become_supervisor

#: What children use of this package, and import late where it is not needed.
_OWN = (
    "pytest_autoloop.evaluation.standing",
    "pytest_autoloop.harness.decorators",
    "pytest_autoloop.evaluation.isolated.api",
    "pytest_autoloop.evaluation.isolated.trusted",
)
_WARM_TEST = """\
import pytest

@pytest.fixture(scope="module")
def shared():
    yield 1

@pytest.mark.parametrize("value", [1, 2])
def test_passes(value, shared, tmp_path, monkeypatch, capsys):
    assert value

def test_raises():
    with pytest.raises(ValueError):
        raise ValueError

def test_fails():
    assert [1, 2] == [1, 3]
"""


def main() -> None:
    """Serve until the standard input ends."""
    end_with_parent()
    channel = Channel(socket.socket(fileno=os.dup(0)))
    # What an import prints must not be in anybody's way.
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    become_supervisor()
    try:
        _serve(channel)
    finally:
        # Standing sessions, and what runs below them.
        end_descendants()


def _serve(channel: Channel) -> None:
    warmed = False
    sessions: dict[int, int] = {}
    while (request := channel.receive()) is not None:
        if "open" in request:
            sessions[request["number"]] = _open(request["open"], channel)
            _reap(sessions)
            continue
        if "end" in request:
            _end(request["end"], sessions)
            channel.send({"ended": request["end"]})
            continue
        if not warmed:
            _warm_up()
            warmed = True
        preload(request["modules"])
        # What is still in a buffer now would be written by every child, into its own output.
        sys.stdout.flush()
        sys.stderr.flush()
        fingerprints.prepare()
        isolated.prepare()
        why = unsafe(map(Path, request["projects"]), ours=request["ours"])
        if why:
            channel.send({"unsafe": why})
            return
        gc.collect()
        # Objects that exist now are never collected in a child: its memory stays shared.
        gc.freeze()
        channel.send({"ready": True})


def _open(request: dict[str, Any], channel: Channel) -> int:
    """Fork a standing session, and return its number."""
    end = channel.descriptors.pop()
    process = os.fork()
    if not process:
        channel.close()
        from pytest_autoloop.evaluation.standing import stand  # noqa: PLC0415 - preloaded

        stand(request, Channel(socket.socket(fileno=end)))
    os.close(end)
    return process


def _end(number: int, sessions: dict[int, int]) -> None:
    """End one standing session, and what it has left: with it ended, its orphans are ours."""
    _reap(sessions)
    process = sessions.pop(number, 0)
    if process:
        # What it has not reaped becomes ours only when it is gone.
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
    end_descendants(spare=set(sessions.values()))


def _reap(sessions: dict[int, int]) -> None:
    """Forget standing sessions that have ended."""
    with contextlib.suppress(ChildProcessError):
        while process := os.waitpid(-1, os.WNOHANG)[0]:
            for number in [one for one, its in sessions.items() if its == process]:
                del sessions[number]


def _warm_up() -> None:
    """Run a throw-away session, which imports pytest and every plugin the way a real one does.

    Imported in another way, plugins would miss the rewriting of their assertions, and warn of it.
    """
    for module in _OWN:
        importlib.import_module(module)
    import pytest  # noqa: PLC0415 - has been brought by the lines before

    path, here = list(sys.path), Path.cwd()
    with tempfile.TemporaryDirectory(dir=here) as name:
        test = Path(name, "test_warm.py")
        test.write_text(_WARM_TEST, encoding="utf-8")
        options = ["-q", "-c", os.devnull, "--rootdir", name, "-p", "no:cacheprovider"]
        # Else `tmp_path` makes a directory among the user's own, of which pytest keeps but three.
        options += ["--basetemp", str(Path(name, "basetemp"))]
        # pytest-rerunfailures starts a thread beside xdist, and a thread does not survive a fork.
        options += ["-p", "no:rerunfailures"]
        # Plugins leave directories where they are called.
        os.chdir(name)
        with contextlib.suppress(SystemExit):
            pytest.main([*options, str(test)])
        os.chdir(here)
    sys.path[:] = path
    sys.modules.pop("test_warm", None)
