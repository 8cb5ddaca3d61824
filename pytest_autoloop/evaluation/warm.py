"""The warm parent: imports pytest and its plugins once, then forks a child for each run.

It reads one JSON object a line from its
standard input and answers with one a line:

    {"prepare": true}    → {"ready": true} or {"unsafe": reason}
    {"run": {…}}         → {"status": …, "timed_out": …, "leftovers": …}   one child session

The project's own code is never imported here, so that no candidate finds another one's modules.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import sys
import tempfile
import threading
from dataclasses import asdict
from pathlib import Path
from typing import IO, Any

from pytest_autoloop.evaluation.compatible import fingerprints
from pytest_autoloop.evaluation.containment import bubblewrap
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.supervise import become_supervisor, supervise

_WARM_TEST = """\
import pytest

@pytest.mark.parametrize("value", [1, 2])
def test_passes(value, tmp_path, monkeypatch, capsys):
    assert value

def test_fails():
    assert [1, 2] == [1, 3]
"""


def main() -> None:
    """Serve until the standard input ends."""
    end_with_parent()
    requests = os.fdopen(os.dup(0), "rb")
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    # What an import prints must not be taken for an answer.
    nothing = os.open(os.devnull, os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(nothing, standard)
    requests.readline()
    _warm_up()
    # What is still in a buffer now would be written by every child, into its own output.
    sys.stdout.flush()
    sys.stderr.flush()
    fingerprints.prepare()
    tasks = _threads()
    if tasks > 1:
        _answer(replies, unsafe=f"{tasks} threads are alive after the imports")
        return
    gc.collect()
    # Objects that exist now are never collected in a child: its memory stays shared.
    gc.freeze()
    _answer(replies, ready=True)
    become_supervisor()
    for line in requests:
        request = json.loads(line)["run"]

        def run(request: dict[str, Any] = request) -> None:
            requests.close()
            replies.close()
            _become(request)

        _answer(replies, **asdict(supervise(run, float(request["seconds"]))))


def _become(request: dict[str, Any]) -> None:
    """Become one child session."""
    output = os.open(request["output"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    os.chdir(request["cwd"])
    # It says that this process stands in a box, which the controller cannot know.
    box = {name: os.environ[name] for name in (bubblewrap.MARK,) if name in os.environ}
    os.environ.clear()
    os.environ.update(request["environment"], **box)
    entries = [e for e in os.environ.get("PYTHONPATH", "").split(os.pathsep) if e]
    sys.path[:] = [*entries, *(entry for entry in sys.path if entry not in entries)]
    importlib.invalidate_caches()
    # The warm-up has asked for it, and got another directory.
    tempfile.tempdir = None
    gc.enable()
    from pytest_autoloop.evaluation.child import run_session  # noqa: PLC0415 - preloaded

    run_session(Path(request["specification"]))


def _warm_up() -> None:
    """Run a throw-away session, which imports pytest and every plugin the way a real one does.

    Imported in another way, plugins would miss the rewriting of their assertions, and warn of it.
    """
    importlib.import_module("pytest_autoloop.evaluation.child")
    import pytest  # noqa: PLC0415 - has been brought by the line before

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


def _threads() -> int:
    with contextlib.suppress(OSError):
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208 - a count, not paths
    return threading.active_count()


def _answer(replies: IO[bytes], **answer: object) -> None:
    replies.write(json.dumps(answer).encode() + b"\n")
