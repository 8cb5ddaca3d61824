"""What a candidate leaves in place of a file neither keeps us waiting, nor is shown or believed."""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.pitfalls.bench import Pipe
    from tests.projects import Project

GUARD = "test_double.py::test_double"
HONEST = "def double(n):\n    return n + n\n"
#: `TEMPORARY` is the child's directory, in which its output stands.
HEAD = f"import os\nTEMPORARY = os.path.dirname(os.environ['TMPDIR'])\n{HONEST}"
IN_PLACE = {
    "pipe": "os.unlink(file); os.mkfifo(file)",
    "endless device": "os.unlink(file); os.symlink('/dev/zero', file)",
    "sparse file": "os.truncate(file, 1 << 42)",
}
#: Finds the plugin object of the session, and with it what the verdict is written with.
FORGED = """
import json, sys
frame = sys._getframe()
while type(child := frame.f_locals.get("self")).__name__ != "Child":
    frame = frame.f_back
child._verdict.outcomes["test_double.py::test_double"] = "passed"
verdict = json.loads(child._verdict.to_bytes())
{change}
child._private.write(verdict if isinstance(verdict, bytes) else json.dumps(verdict).encode())
os._exit(0)
"""
CHANGES = {
    "error of ours": "verdict['error'] = 'stop'",
    "fault cut short": "verdict['fault'] = ['x']",
    "text as number": "verdict['warm'] = {'x': 'y'}",
    "number too long": "verdict['claimed'] = {'x': 10**400}",
    "deep": "verdict = b'[' * 200_000",
}

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such files")


@pytest.mark.parametrize("kind", IN_PLACE)
def test_in_place_of_the_target(kind: str, project: Project) -> None:
    """It is a changed target, told at once, and the next candidate finds a file again."""
    project.commit(MODULE)
    with open_bench(project) as bench:
        report = bench.guard(f"{HEAD}file = __file__; {IN_PLACE[kind]}\n", GUARD)
        changed = bench.pool.put_back("candidate")
        after = bench.guard(HONEST, GUARD)

    assert (report.status, report.reason) == ("discard", "tampered"), report.message
    assert changed == ["double.py"]
    assert after.passed, after.message


@pytest.mark.parametrize("kind", [*IN_PLACE, "secret"])
def test_in_place_of_the_output(kind: str, project: Project, tmp_path: Path) -> None:
    """A report shows what was printed, and never what a link leads to."""
    project.commit(MODULE)
    secret = tmp_path / "secret"
    secret.write_text("do not tell", encoding="utf-8")
    link = f"os.unlink(file); os.symlink({str(secret)!r}, file)"
    leave = IN_PLACE.get(kind, link)
    with open_bench(project, "double.py", "-s") as bench:
        source = f"{HEAD}os.write(2, b'last words'); file = TEMPORARY + '/output'; {leave}"
        report = bench.guard(f"{source}; os._exit(3)\n", GUARD)

    assert (report.status, report.reason) == ("crash", "no-verdict"), report.message
    assert "do not tell" not in report.message + report.output
    assert kind == "sparse file" or "last words" in report.message


def test_files_without_end_between_us(project: Project) -> None:
    """What a child makes of the descriptors that it has is read up to a limit."""
    project.commit(MODULE)
    longer = "for n in map(int, os.listdir('/proc/self/fd')):\n    "
    longer += "try: os.ftruncate(n, 1 << 42); os.pwrite(n, b'\\x7f' * 4096, 0)\n    "
    longer += "except OSError: pass\n"
    with open_bench(project) as bench:
        report = bench.guard(f"{HEAD}{longer}os._exit(3)\n", GUARD)

    assert (report.status, report.reason) == ("crash", "no-verdict"), report.message


@pytest.mark.parametrize("kind", CHANGES)
def test_forged_verdict_is_no_error_of_ours(kind: str, project: Project) -> None:
    """A candidate that finds out how a verdict is written cannot end a campaign with it."""
    project.commit(MODULE)
    with open_bench(project) as bench:
        report = bench.guard(HEAD + FORGED.format(change=CHANGES[kind]), GUARD)

    assert (report.status, report.reason) == ("crash", "no-verdict"), report.message


@pytest.mark.parametrize("where", ["TEMPORARY", "os.path.dirname(__file__)"])
def test_directories_deeper_than_a_path(where: str, project: Project) -> None:
    """They are removed like others, at the latest with all the rest."""
    project.commit(MODULE)
    dig = f"os.chdir({where})\nfor _ in range(2500):\n    os.mkdir('dd'); os.chdir('dd')\n"
    with open_bench(project) as bench:
        bench.guard(HEAD + dig, GUARD)
        bench.pool.put_back("candidate")
        after = bench.guard(HONEST, GUARD)
        directory = bench.pool.directory

    assert after.passed, after.message
    assert not os.path.lexists(directory)


@pytest.mark.skipif(sys.platform != "linux", reason="only there are children forked so")
def test_background_process_of_a_killed_session(project: Project, pipe: Pipe) -> None:
    """Out of a sandbox a candidate can kill what would end its processes: they are ended still."""
    project.commit(MODULE)
    candidate = (
        f"{HEAD}{pipe.hold}\nimport signal, time\nready = os.pipe()\n"
        "if not os.fork():\n    os.setsid(); os.write(ready[1], b'x'); time.sleep(600)\n"
        f"os.read(ready[0], 1)\nos.kill(os.getppid(), {int(signal.SIGKILL)})\ntime.sleep(600)\n"
    )
    launcher: LauncherName = "forkserver"
    with open_bench(project, launcher=launcher) as bench:
        report = bench.guard(candidate, GUARD)
        released = pipe.is_released()
        after = bench.guard(HONEST, GUARD)

    assert (report.status, report.reason) == ("crash", "no-verdict"), report.message
    assert released
    assert after.passed, after.message
