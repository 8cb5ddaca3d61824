"""A contained session starts a worker that gives up still more."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from tests.containment.contained import needs_layers, start

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = needs_layers

#: The session forks a worker, hears from it, reads its clock, and ends it.
SESSION = """
import time
reading, writing = os.pipe()
held, kept = os.pipe()
worker = os.fork()
if not worker:
    try:
        apply(Policy(readable=(Path('/usr'),)), "worker")
        told = []
        for attempt in (lambda: (place / "new").write_text("x"), os.fork,
                        lambda: os.kill(os.getppid(), 0), socket.socketpair):
            try:
                attempt()
                told.append("done")
            except OSError as error:
                told.append(type(error).__name__)
        sum(range(3_000_000))
        os.write(writing, json.dumps(told).encode())
        os.read(held, 1)
    except BaseException as error:
        os.write(writing, repr(error).encode())
    os._exit(0)
os.close(held)
print(os.read(reading, 1000).decode())
seconds = time.clock_gettime((~worker << 3) | 2)
assert seconds > 0, seconds
(place / "new").write_text("the session still may")
os.kill(worker, signal.SIGKILL)
_, status = os.waitpid(worker, 0)
print(os.waitstatus_to_exitcode(status))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="clocks of other processes are Linux's")
def test_a_session_rules_its_worker(tmp_path: Path) -> None:
    """It reads the worker's clock and ends it; the worker may do less than the session."""
    done = start(SESSION, tmp_path, profile="harness", writable=(tmp_path,))

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        '["PermissionError", "PermissionError", "PermissionError", "done"]',
        "-9",
    ]


def test_layers_are_applied_again_and_again(tmp_path: Path) -> None:
    """A session that starts sessions of its own does not run out of layers at once."""
    code = """
for _ in range(6):
    apply(Policy(writable=(place,), programs=True), "harness")
(place / "new").write_text("x")
subprocess.run([sys.executable, "-c", ""], check=True)
"""
    done = start(code, tmp_path, profile="harness", writable=(tmp_path,))

    assert done.returncode == 0, done.stderr
