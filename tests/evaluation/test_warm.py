"""The warm parent's side of the conversation, and what a fork of it inherits."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.channel import Channel
from pytest_autoloop.evaluation.process import interpreter
from tests.pitfalls.bench import open_bench
from tests.projects import MODULE, clean_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.projects import Project

pytestmark = pytest.mark.skipif(
    not hasattr(os, "pidfd_open"), reason="this system has no fork server"
)


def conversation(directory: Path) -> tuple[dict[str, object] | None, int, str]:
    """Ask a warm parent to get ready; return its answer, its status, and what else it printed."""
    ours, theirs = socket.socketpair()
    with closing(Channel(ours)) as channel:
        with theirs:
            process = subprocess.Popen(
                interpreter("pytest_autoloop.evaluation.warm"),
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                cwd=directory,
                env=clean_environment(),
                text=True,
            )
        channel.send({"projects": [], "ours": False, "modules": ["colorsys"]})
        answer = channel.receive(120)
    printed, _ = process.communicate(timeout=120)
    return answer, process.returncode, printed


def test_it_gets_ready_and_ends_with_its_input(tmp_path: Path) -> None:
    """Whatever the imports print is seen by nobody; it leaves no file."""
    assert conversation(tmp_path) == ({"ready": True}, 0, "")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_the_directory_hides_no_module(tmp_path: Path) -> None:
    """It stands in a directory of ours, and imports nothing from there."""
    (tmp_path / "colorsys.py").write_text("raise SystemExit(9)\n", encoding="utf-8")
    (tmp_path / "json.py").write_text("raise SystemExit(9)\n", encoding="utf-8")

    assert conversation(tmp_path) == ({"ready": True}, 0, "")


def test_a_fork_has_the_child_s_surroundings(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Directory, environment and import path are those of the session, not of the parent."""
    log = tmp_path / "log"
    project.commit(
        {
            **MODULE,
            "test_double.py": f"""
                import json, os, sys, tempfile

                def test_double():
                    import double
                    seen = [os.getcwd(), os.environ.get("LATE"), double.__file__, os.getsid(0)]
                    with open({str(log)!r}, "w") as stream:
                        json.dump([*seen, os.getpid(), tempfile.gettempdir()], stream)
            """,
        }
    )
    with open_bench(project, launcher="forkserver") as bench:
        # Set after the warm parent has started.
        monkeypatch.setenv("LATE", "yes")
        run = bench.run()
        worktree = str(bench.worktree)

    assert run.verdict is not None
    assert run.verdict.failed == "", run.verdict.message
    cwd, late, module, session, process, temporary = json.loads(log.read_text())
    assert (cwd, late) == (worktree, "yes")
    assert module == os.path.join(worktree, "double.py")  # noqa: PTH118 - compared as text
    assert session == process
    assert temporary.startswith(os.path.dirname(worktree))  # noqa: PTH120


def test_interpreter_options_are_handed_on(tmp_path: Path) -> None:
    """What a user gave to Python holds for children too."""
    program = (
        "from pytest_autoloop.evaluation.process import interpreter;"
        "print(' '.join(interpreter('m')[1:-2]))"
    )
    told = subprocess.run(
        [sys.executable, "-O", "-Wignore::ResourceWarning", "-Xutf8=1", "-c", program],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

    assert told.split() == ["-Wignore::ResourceWarning", "-Xutf8=1", "-O"]
