"""Projects that are all harness and hardly any work, and candidates for them.

20 guards of a microsecond each and one benchmark of five rounds: whatever an experiment takes with
them is what the loop around it takes. `tiny` imports nothing, `heavy` imports numpy and, where it
is installed, pandas.

A project is scored by its benchmark (`clock`), or by an exact metric: then the function that is
benchmarked elsewhere is called as often by one guard more, so that nothing is timed and no noise
decides how many pairs a candidate gets.
"""

from __future__ import annotations

import importlib.util
import subprocess
import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

Kind = Literal["tiny", "heavy"]
Score = Literal["exact", "clock"]
#: What becomes of a candidate: a guard fails, nothing is gained, a metric is better, or its guards
#: pass and a noisy clock decides.
Fate = Literal["guard", "no-gain", "keep", "timed"]

#: What the heavy project imports.
HEAVY = tuple(name for name in ("numpy", "pandas") if importlib.util.find_spec(name))
#: The name of the environment variable with a descriptor that hears of finished experiments.
MARKS = "OVERHEAD_MARKS"
TARGET = "target.py"
#: Guards call with small numbers, however many of them there are.
_INPUTS = 60
_FILES_PER_FOLDER = 100

_SOURCE = '''{imports}VERSION = {version}
LEVEL = {level}


def fib(n, more=0):
    """Return the n-th number of Fibonacci, and some more."""
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a + more{wrong}
'''

_CONFTEST = f'''
import os
import re

import pytest

import pytest_autoloop as autoloop


@autoloop.target
def target():
    """Make fib faster."""
    return "{TARGET}"


@pytest.hookimpl(optionalhook=True)
def pytest_autoloop_experiment_finished(experiment):
    if "{MARKS}" in os.environ:
        os.write(int(os.environ["{MARKS}"]), b"%d\\n" % experiment.number)
'''

_METRIC = """

@autoloop.metric(direction="higher")
def level(target):
    return int(re.search(r"^LEVEL = (\\d+)$", target.read_text(), re.MULTILINE)[1])
"""

_BENCHMARK = """
import target


def test_bench(benchmark):
    assert benchmark.pedantic(target.fib, args=(20,), rounds=5, iterations=1) == 6765
"""

_INSTEAD = """
import target


def test_instead():
    for _ in range(5):
        assert target.fib(20) == 6765
"""

#: Holds the child of a numbered candidate until somebody has opened the pipe of that name.
_BARRIER = """
import os

import target


def test_barrier():
    if target.VERSION:
        with open(os.path.join({folder!r}, str(target.VERSION))) as pipe:
            pipe.read()
"""


@dataclass(frozen=True, slots=True)
class SmallProject:
    """A project in a git repository of its own."""

    folder: Path
    kind: Kind
    guards: int = 20

    def content(self, version: int, fate: Fate = "no-gain", guard: int = 0) -> str:
        """Return a candidate that meets a fate; no two versions are equal.

        `guard` is the number of the guard that fails where one does; it fails alone.
        """
        imports = "".join(f"import {name}\n" for name in HEAVY) + "\n"
        wrong = f" + (more == {guard + 1})" if fate == "guard" else ""
        return _SOURCE.format(
            imports=imports if self.kind == "heavy" else "",
            version=version,
            level=version if fate == "keep" else 0,
            wrong=wrong,
        )

    def write(
        self, score: Score = "clock", *, files: int = 0, barrier: Path | None = None
    ) -> SmallProject:
        """Write and commit it, with `files` other modules in it; return it."""
        (self.folder / "tests").mkdir(parents=True)
        table = [0, 1]
        while len(table) < _INPUTS:
            table.append(table[-1] + table[-2])
        guards = "".join(
            f"\n\ndef test_guard_{number}():\n"
            f"    assert target.fib({number % _INPUTS}, {number + 1})"
            f" == {table[number % _INPUTS] + number + 1}\n"
            for number in range(self.guards)
        )
        written = {
            TARGET: self.content(0),
            "conftest.py": _CONFTEST + (_METRIC if score == "exact" else ""),
            "pytest.ini": "[pytest]\npythonpath = .\n",
            "tests/test_guards.py": f"import target\n{guards}",
            "tests/test_last.py": _BENCHMARK if score == "clock" else _INSTEAD,
            ".gitignore": "__pycache__/\n.pytest_cache/\n.benchmarks/\nresults.tsv\n",
        }
        if barrier is not None:
            written["pytest.ini"] += f"autoloop_readable = {barrier}\n"
            written["tests/test_barrier.py"] = _BARRIER.format(folder=str(barrier))
        for number in range(files):
            written[f"lib/part{number // _FILES_PER_FOLDER}/m{number}.py"] = f"X = {number}\n"
        for name, content in written.items():
            path = self.folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(textwrap.dedent(content).lstrip("\n"), encoding="utf-8")
        git(self.folder, "init", "--quiet")
        git(self.folder, "config", "user.name", "User")
        git(self.folder, "config", "user.email", "user@example.org")
        git(self.folder, "add", "--all")
        git(self.folder, "commit", "--quiet", "--message", "start")
        return self


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def last_guards(project: SmallProject, count: int) -> list[int]:
    """Return guards that fail in turn, each the last of those that run.

    Guards that failed lately are run first, so the one that failed longest ago runs last: from the
    last but one downwards, and around again. The last itself is what a warm-up may use up.
    """
    return [(project.guards - 2 - number) % project.guards for number in range(count)]
