"""A candidate is judged by its own source, never by bytecode of the one before it."""

from __future__ import annotations

import os
import py_compile
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

SUM = "def double(n):\n    return n + n\n"
COMPILING = """
    import py_compile

    import double

    def test_double():
        assert py_compile.compile(double.__file__)
        assert double.double(4) == 8
"""
PRODUCT = "def double(n):\n    return n * n\n"


def test_equal_size_and_second_with_compiled_file(project: Project, launcher: LauncherName) -> None:
    """A guard compiles the target to disk; the next candidate agrees in size and second."""
    project.commit({**MODULE, "test_double.py": COMPILING})
    assert len(SUM) == len(PRODUCT)
    with open_bench(project, launcher=launcher) as bench:
        second = 1_700_000_000
        os.utime(bench.place(SUM), (second, second))
        first = bench.run()
        assert list(bench.worktree.glob("__pycache__/double.*.pyc"))
        os.utime(bench.place(PRODUCT), (second, second))
        run = bench.run()

    assert first.verdict is not None
    assert first.verdict.failed == ""
    assert run.verdict is not None
    assert run.verdict.failed == "test_double.py::test_double"


def test_other_interpreter_in_same_second(project: Project) -> None:
    """A program that a guard starts compiles files as usual, so no two writes share a second."""
    project.commit(MODULE)
    with open_bench(project) as bench:
        py_compile.compile(str(bench.place(SUM)))
        bench.place(PRODUCT)
        done = subprocess.run(
            [sys.executable, "-c", "import double; print(double.double(4))"],
            cwd=bench.worktree,
            capture_output=True,
            text=True,
            check=True,
        )

    assert done.stdout == "16\n"
