"""What the tests of ordinary projects do keeps working under the harness profile."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from pathlib import Path

import pytest

from tests.containment.contained import READABLE, needs_box, needs_layers, outcome, start

pytestmark = needs_layers

SHARED_MEMORY = Path("/dev/shm")

#: Each is a part of an ordinary test; `place` is the worktree and the temporary directory.
HABITS = {
    "start python": """
done = subprocess.run([sys.executable, "-c", "print(1)"], capture_output=True, check=True)
assert done.stdout == b"1\\n"
""",
    "start a shell": "assert subprocess.check_output('echo one | cat', shell=True) == b'one\\n'",
    "use git": """
git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.c"]
subprocess.run([*git, "init", "-q", "."], check=True, cwd=place)
(place / "file").write_text("x")
subprocess.run([*git, "add", "."], check=True, cwd=place)
subprocess.run([*git, "commit", "-qm", "message"], check=True, cwd=place)
assert subprocess.check_output([*git, "log", "--format=%s"], cwd=place) == b"message\\n"
""",
    "use threads": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(8) as pool:
    assert list(pool.map(abs, range(-3, 0))) == [3, 2, 1]
""",
    "use asyncio": """
import asyncio
async def main():
    process = await asyncio.create_subprocess_exec("echo", "one", stdout=-1)
    out, _ = await process.communicate()
    return out
assert asyncio.run(main()) == b"one\\n"
""",
    "use temporary files": """
import tempfile
with tempfile.TemporaryDirectory() as directory, tempfile.NamedTemporaryFile(dir=directory) as f:
    f.write(b"x")
""",
    "use sqlite": """
import sqlite3
connection = sqlite3.connect(place / "base")
connection.execute("pragma journal_mode=wal")
with connection:
    connection.execute("create table t (x)")
    connection.execute("insert into t values (1)")
assert connection.execute("select x from t").fetchall() == [(1,)]
connection.close()
""",
    "copy a tree": """
import shutil
(place / "from").mkdir()
(place / "from" / "file").write_text("x")
(place / "from" / "file").chmod(0o750)
os.utime(place / "from" / "file", (1, 1))
shutil.copytree(place / "from", place / "to")
found = (place / "to" / "file").stat()
assert (found.st_mode & 0o777, found.st_mtime) == (0o750, 1)
shutil.rmtree(place / "to")
""",
    "end an own child": """
child = os.fork()
if not child:
    signal.pause()
os.kill(child, signal.SIGTERM)
assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGTERM
process = subprocess.Popen(["sleep", "60"], start_new_session=True)
os.killpg(process.pid, signal.SIGKILL)
assert process.wait() == -signal.SIGKILL
""",
    "signal itself": """
met = []
signal.signal(signal.SIGALRM, lambda *_: met.append("alarm"))
signal.signal(signal.SIGUSR1, lambda *_: met.append("user"))
signal.setitimer(signal.ITIMER_REAL, 0.01)
while not met:
    signal.pause()
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
assert met == ["alarm", "user", "user"]
""",
    "map memory": """
import mmap
with open(place / "mapped", "w+b") as stream:
    stream.truncate(4096)
    with mmap.mmap(stream.fileno(), 0) as mapped:
        mapped[0] = 1
    assert stream.read(1) == b"\\x01"
mmap.mmap(-1, 4096).close()
""",
    "use pipes and pairs": """
left, right = socket.socketpair()
left.send(b"x")
assert right.recv(1) == b"x"
left.close(), right.close()
os.mkfifo(place / "fifo")
""",
    "set its own limits": """
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (64, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
os.nice(1)
os.sched_setaffinity(0, os.sched_getaffinity(0))
os.umask(0o22)
""",
    "write a large file": "(place / 'large').write_bytes(bytes(2**25))",
    "reserve much memory": "import mmap; mmap.mmap(-1, 2**36, flags=0x4022).close()",
}

MULTIPROCESSING = """
import multiprocessing, sys

def double(number):
    return 2 * number

def put(queue):
    queue.put("one")

if __name__ == "__main__":
    for method in ("spawn", "fork"):
        context = multiprocessing.get_context(method)
        with context.Pool(2) as pool:
            assert pool.map(double, [1, 2, 3]) == [2, 4, 6]
        queue = context.Queue()
        process = context.Process(target=put, args=(queue,))
        process.start()
        assert queue.get(timeout=60) == "one"
        process.join()
        assert process.exitcode == 0
    from multiprocessing import shared_memory
    memory = shared_memory.SharedMemory(create=True, size=16)
    memory.buf[0] = 1
    memory.close()
    memory.unlink()
"""

TESTS = """
import os, sqlite3, subprocess, sys

def test_captured(capfd):
    os.system("echo one")
    assert capfd.readouterr().out == "one\\n"

def test_temporary(tmp_path, tmp_path_factory, monkeypatch):
    (tmp_path / "file").write_text("x")
    monkeypatch.chdir(tmp_path)
    assert tmp_path_factory.mktemp("other").is_dir()

def test_nested(pytester):
    pytester.makepyfile("def test_inner(): pass")
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=1)
"""


@pytest.mark.parametrize("name", HABITS)
def test_it_still_works(tmp_path: Path, name: str) -> None:
    """A session of tests does it as if nothing were applied."""
    if name == "use git" and shutil.which("git") is None:
        pytest.skip("git is not installed")

    assert outcome(HABITS[name], tmp_path, profile="harness", writable=(tmp_path,)) == "done"


@pytest.mark.skipif(not SHARED_MEMORY.is_dir(), reason="this system has no /dev/shm")
def test_multiprocessing_still_works(tmp_path: Path) -> None:
    """Pools, queues and shared memory work, whether children are forked or spawned."""
    (tmp_path / "program.py").write_text(MULTIPROCESSING, encoding="utf-8")
    code = "subprocess.run([sys.executable, str(place / 'program.py')], check=True, timeout=100)"

    assert outcome(code, tmp_path, profile="harness", writable=(tmp_path, SHARED_MEMORY)) == "done"


def test_a_session_of_pytest_still_works(tmp_path: Path) -> None:
    """Temporary paths, captured descriptors and a nested session work."""
    (tmp_path / "test_it.py").write_text(TESTS, encoding="utf-8")
    command = "[sys.executable, '-m', 'pytest', '-q', '-p', 'pytester']"
    # Plugins of other people may want a network, which is not what is tested here.
    setting = "os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'"
    code = f"{setting}\nsubprocess.run({command}, check=True, cwd=place)"
    done = start(code, tmp_path, profile="harness", writable=(tmp_path,))

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


@pytest.mark.skipif(importlib.util.find_spec("numpy") is None, reason="numpy is not installed")
@pytest.mark.parametrize("profile", ["worker", "harness"])
def test_numerical_threads_still_work(tmp_path: Path, profile: str) -> None:
    """A library that starts threads by itself computes what it did."""
    code = """
import numpy
square = numpy.ones((400, 400))
assert (square @ square == 400).all()
assert numpy.linalg.eigvalsh(square).shape == (400,)
"""
    assert outcome(code, tmp_path, profile=profile) == "done"


def test_a_terminal_is_out_of_reach_without_a_box(tmp_path: Path) -> None:
    """Where the user's own terminals are among them, none can be opened."""
    assert outcome("os.openpty()", tmp_path, profile="harness") == "PermissionError"


@needs_box
def test_a_policy_for_a_box_counts_only_in_one(tmp_path: Path) -> None:
    """A process that stands in no box does not get what only a box makes harmless."""
    done = start("print('ran')", tmp_path, profile="harness", boxed=True)

    assert done.returncode == 1
    assert "this process is in none" in done.stderr
    assert done.stdout == ""


def test_the_paths_hold_the_interpreter() -> None:
    """What is readable for every test holds what an interpreter imports first."""
    assert any(Path(sys.prefix).resolve().is_relative_to(path.resolve()) for path in READABLE)
