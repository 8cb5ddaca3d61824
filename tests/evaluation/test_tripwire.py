"""What a worker's hook reports of the target, and what it lets pass."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.tripwire import COMPUTING

if TYPE_CHECKING:
    from pathlib import Path

#: Arms the hook as a worker does, runs a file as the target, and says how that ended.
RUNNER = """
import os, sys
from pytest_autoloop.evaluation import tripwire
target, *beforehand = sys.argv[1:]
source = open(target).read()
for name in beforehand:
    __import__(name)
code = compile(source, target, "exec")

def report(reason):
    os.write(1, f"reported: {reason}\\n".encode())
    os._exit(3)

sys.dont_write_bytecode = True
tripwire.arm(report, target_path=target, readable=[os.path.dirname(target) + "/shared"])
exec(code, {"__name__": "__main__"})
os.write(1, b"passed\\n")
"""


def outcome(folder: Path, source: str, *beforehand: str) -> str:
    """Run a source as the target in a process of its own, and return what came of it."""
    (folder / "shared").mkdir()
    (folder / "shared" / "table.txt").write_text("1 2 3", encoding="utf-8")
    (folder / "secret.txt").write_text("key", encoding="utf-8")
    target = folder / "target.py"
    target.write_text(textwrap.dedent(source), encoding="utf-8")
    command = [sys.executable, "-B", "-c", RUNNER, str(target), *beforehand]
    ended = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    return ended.stdout.strip() or ended.stderr


REPORTED = {
    "writes": ("open('new.txt', 'w')", "opens a file for writing"),
    "appends": ("open(__import__('os').devnull + 'x', 'a')", "opens a file for writing"),
    "opens low": ("import os; os.open('new.txt', os.O_CREAT | os.O_RDWR)", "opens a file"),
    "reads": ("open('secret.txt')", "reads a file outside"),
    "reads by path": ("import pathlib; pathlib.Path('secret.txt').read_text()", "reads a file"),
    "reads low by path": (
        "import os, pathlib; os.open(pathlib.Path('secret.txt'), os.O_RDONLY)",
        "reads a file",
    ),
    "reads bytes": ("open(b'./shared/../secret.txt')", "reads a file outside"),
    "lists": ("import os; os.listdir('/etc')", "lists a directory"),
    "deletes": ("import os; os.remove('secret.txt')", "changes files"),
    "renames": ("import os; os.rename('secret.txt', 'b')", "changes files"),
    "makes a directory": ("import os; os.mkdir('x')", "changes files"),
    "links": ("import os; os.symlink('secret.txt', 'b')", "changes files"),
    "changes rights": ("import os; os.chmod('secret.txt', 0o777)", "changes files"),
    "copies": ("import shutil; shutil.copyfile('secret.txt', 'b')", "changes files"),
    "socket": ("import socket; socket.socket()", "uses the network"),
    "program": ("import subprocess; subprocess.Popen(['true'])", "starts a program"),
    "shell": ("import os; os.system('true')", "starts a program"),
    "fork": ("import os; os.fork()", "forks"),
    "signal": ("import os; os.kill(os.getppid(), 0)", "sends a signal"),
    "environment": ("import os; os.environ['A'] = 'b'", "changes the environment"),
    "memory": ("import mmap; mmap.mmap(-1, 4096)", "maps memory"),
    "limits": (
        "import resource; resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
        "changes limits",
    ),
    "objects": ("import gc; gc.get_objects()", "looks through all objects"),
    "referrers": ("import gc; gc.get_referrers(1)", "looks through objects"),
    "frame": ("import sys; sys._getframe(1)", "looks at frames"),
    "frame by inspect": ("import inspect; inspect.currentframe()", "looks at frames"),
    "frames by traceback": (
        "import traceback; list(traceback.walk_stack(None))",
        "looks at frames",
    ),
    "frames of threads": ("import sys; sys._current_frames()", "looks at frames"),
    "hook": ("import sys; sys.addaudithook(print)", "adds an audit hook"),
    "trace": ("import sys; sys.settrace(None)", "traces the interpreter"),
    "profile": ("import sys; sys.setprofile(None)", "traces the interpreter"),
    "exec": ("exec('1')", "turns text into code"),
    "eval by map": ("list(map(eval, ['1']))", "turns text into code"),
    "compile": ("compile('1', 'x', 'eval')", "turns text into code"),
    "code": ("f = lambda: 1; f.__code__.replace(co_name='x')", "looks into the interpreter"),
    "code of others": ("import json; json.loads.__code__ = (lambda: 1).__code__", ""),
    "marshal": ("import marshal; marshal.loads(b'N')", "turns bytes into code"),
    "ctypes": ("import ctypes; ctypes.CDLL(None)", "uses ctypes"),
    "ctypes by name": ("import ctypes; ctypes.pythonapi.Py_IncRef", "uses ctypes"),
    "ctypes memory": ("import ctypes; ctypes.string_at(id(1), 1)", "uses ctypes"),
    "in a thread": (
        "import threading as t\na = t.Thread(None, open, '', ('secret.txt',)); a.start(); a.join()",
        "reads a file outside",
    ),
}
#: What the target's import statements name has been imported when the hook is set.
MODULES = (
    *("ctypes", "gc", "inspect", "marshal", "mmap", "os", "pathlib", "resource", "shutil"),
    *("socket", "subprocess", "threading", "traceback"),
)


@pytest.mark.parametrize(("source", "reason"), REPORTED.values(), ids=REPORTED)
def test_what_computing_does_not_do_is_reported(tmp_path: Path, source: str, reason: str) -> None:
    """The process ends there, with a reason that says what was done."""
    assert outcome(tmp_path, source, *MODULES).startswith(f"reported: {reason}")


@pytest.mark.parametrize("module", ["ctypes", "multiprocessing", "sqlite3"])
def test_a_module_that_no_import_statement_names_is_reported(tmp_path: Path, module: str) -> None:
    """A name put together at run time is not imported beforehand, so its import is seen."""
    source = f"__import__({module[:3]!r} + {module[3:]!r})"
    assert outcome(tmp_path, source) == f"reported: imports {module} without saying so (import)"


PASSED = {
    "named tuples": "import collections; collections.namedtuple('A', 'b c')(1, 2)",
    "data classes": """
        from __future__ import annotations
        import dataclasses, enum, typing
        @dataclasses.dataclass(frozen=True, slots=True, order=True)
        class A:
            b: int = 1
        class C(enum.Enum):
            D = 1
        E = typing.NamedTuple("E", [("a", int)])
        F = typing.TypeVar("F")
        G = enum.Enum("G", "a b")
    """,
    "warnings and logs": """
        import logging, warnings
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("always")
            warnings.warn("old", DeprecationWarning, stacklevel=2)
        logging.getLogger("x").debug("y")
    """,
    "late imports": "import decimal, statistics, difflib, html.entities, zoneinfo, json.tool",
    "time zones": """
        import zoneinfo
        try:
            zoneinfo.ZoneInfo("Europe/Berlin")
        except zoneinfo.ZoneInfoNotFoundError:
            pass
    """,
    "random numbers": "import random, uuid; random.SystemRandom().random(); open('/dev/urandom')",
    "its own text": """
        import linecache, traceback
        try:
            1 / 0
        except ZeroDivisionError:
            assert "1 / 0" in traceback.format_exc()
        assert linecache.getline(__import__("sys").argv[1], 2)
    """,
    "readable files": "assert open('shared/table.txt').read() == '1 2 3'",
    "files that are not there": """
        try:
            open('nothing.txt')
        except FileNotFoundError:
            pass
    """,
    "threads": """
        from concurrent.futures import ThreadPoolExecutor
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(abs, [-1, 2])) == [1, 2]
    """,
    "computing": """
        import array, bisect, functools, heapq, itertools, math, operator, re, struct, zlib
        assert re.sub("a", "b", "aa") == "bb" and functools.reduce(operator.add, [1, 2]) == 3
        assert functools.lru_cache(lambda x: x)(3) == 3 and struct.pack("<i", 1)
        copy = __import__("copy").deepcopy({"a": [1]})
        assert getattr([], "append") and hasattr(copy, "keys") and zlib.crc32(b"") == 0
    """,
}


@pytest.mark.parametrize("source", PASSED.values(), ids=PASSED)
def test_honest_code_passes(tmp_path: Path, source: str) -> None:
    """What the standard library does for computing code is no business of the hook."""
    assert outcome(tmp_path, source) == "passed"


def test_numpy_passes(tmp_path: Path) -> None:
    """A library that was imported beforehand may use ctypes and open its own files later."""
    pytest.importorskip("numpy", reason="numpy is no dependency of the package")
    source = """
        import numpy as np
        a = np.arange(12.0).reshape(3, 4)
        np.linalg.svd(a); np.fft.rfft(a); np.random.default_rng(1).random(3); repr(a); a.ctypes
        np.testing.assert_allclose(a, a)
    """
    assert outcome(tmp_path, source, "numpy") == "passed"


def test_names_that_the_target_replaces_confuse_nothing(tmp_path: Path) -> None:
    """The hook holds what it needs: other meanings of its modules' names do not reach it."""
    source = """
        import os, sys, threading
        os.path.normpath = os.path.join = os.fsdecode = os.getcwd = lambda *_: "/dev/null"
        os.path.lexists = lambda _: False
        sys._getframe = lambda _: None
        threading.get_ident = lambda: 0
        tripwire = sys.modules["pytest_autoloop.evaluation.tripwire"]
        for name in list(vars(tripwire)):
            if name[:2] != "__":
                delattr(tripwire, name)
        import builtins
        builtins.isinstance = lambda *_: True
        builtins.any = builtins.int = builtins.bytes = builtins.OSError = None
        open("secret.txt")
    """
    assert outcome(tmp_path, source).startswith("reported: reads a file outside")


def test_a_finaliser_is_watched_too(tmp_path: Path) -> None:
    """Code that runs whenever the collector likes is not hidden by the hook being at work."""
    source = """
        import gc
        gc.set_threshold(1)
        class A:
            def __init__(self): self.me = self
            def __del__(self): open("secret.txt")
        for _ in range(100):
            A()
            open("/dev/null").close()
    """
    assert outcome(tmp_path, source).startswith("reported: ")


def test_computing_modules_exist() -> None:
    """Each of the names can be imported, and none of them reaches beyond the process."""
    for name in COMPUTING:
        __import__(name)
    assert not COMPUTING & {"os", "sys", "io", "time", "gc", "inspect", "pathlib", "threading"}
