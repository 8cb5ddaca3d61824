"""No process outlives its reason: neither a candidate's background process, nor a child."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import AMPLE, open_bench
from tests.projects import MODULE, clean_environment, git

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.pitfalls.bench import Pipe
    from tests.projects import Project

GUARD = "test_double.py::test_double"
#: A candidate that opens a pipe would be stopped before it hangs.
BARE = {"PYTEST_AUTOLOOP_WITHOUT": "screen,isolation"}


def test_background_process(project: Project, pipe: Pipe, launcher: LauncherName) -> None:
    """A process that keeps standard output open blocks nobody, is ended, and is told of."""
    project.commit(MODULE)
    candidate = (
        f"{pipe.hold}\nimport subprocess\n"
        "sleeping = subprocess.Popen(['sleep', '600'], pass_fds=[end])\n"
        "def double(n):\n    return n + n\n"
    )
    arguments = ("-s", "-Wignore::ResourceWarning")
    with open_bench(project, "double.py", *arguments, launcher=launcher) as bench:
        report = bench.guard(candidate, GUARD)

        assert (report.status, report.reason) == ("discard", "tampered"), report.message
        assert "still running" in report.message
        # What the candidate wrote arrives even so, which tells that it ran.
        assert pipe.is_released()
        assert pipe.read() == b"x"


def start(project: Project, temporary: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a campaign in the background, with a temporary directory of its own."""
    temporary.mkdir()
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", "--autoloop=2", "--autoloop-sandbox=off", *arguments],
        cwd=project.root,
        env={**clean_environment(), "TMPDIR": str(temporary), **BARE},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda n: n.name)
def test_interrupted(number: signal.Signals, project: Project, pipe: Pipe, tmp_path: Path) -> None:
    """Ctrl-C and SIGTERM during an experiment leave what is finished, and nothing else."""
    project.commit(MODULE)
    wrong = "def double(n):\n    return n\n"
    hanging = f"{pipe.hold}\nimport time\ntime.sleep(600)\n"
    temporary = tmp_path / "temporary"
    process = start(project, temporary, "--autoloop-proposer", project.ideas(wrong, hanging))
    reached = pipe.was_held(process)
    process.send_signal(number)
    if number == signal.SIGINT:
        # The first one lets the experiment end; once more is at once.
        assert process.stdout is not None
        assert any("interrupted: " in line for line in process.stdout)
        process.send_signal(number)
    output, _ = process.communicate(timeout=AMPLE)

    assert reached, output
    assert process.returncode == 2, output
    assert pipe.is_released()
    assert list(temporary.iterdir()) == []
    assert len(git(project.root, "worktree", "list").splitlines()) == 1
    assert git(project.root, "status", "--porcelain") == "?? results.tsv\n"
    table = (project.root / "results.tsv").read_text(encoding="utf-8").splitlines()
    assert [line.split("\t")[2] for line in table] == ["status", "keep", "discard"]


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel offers it")
def test_child_ends_with_killed_parent(project: Project, pipe: Pipe, tmp_path: Path) -> None:
    """A parent that is killed cannot clean up, so its child ends by itself."""
    hanging = f"def test_hangs():\n    {pipe.hold}\n    import time; time.sleep(600)\n"
    project.commit({**MODULE, "test_hangs.py": hanging})
    process = start(project, tmp_path / "temporary", "--autoloop-proposer", project.ideas("x\n"))
    reached = pipe.was_held(process)
    process.kill()
    output, _ = process.communicate(timeout=AMPLE)

    assert reached, output
    assert pipe.is_released()


@pytest.mark.skipif(sys.platform != "linux", reason="only the Linux kernel offers it")
def test_child_that_starts_after_its_parent_ended() -> None:
    """A parent may die before its child has asked the kernel for the signal."""
    program = "from pytest_autoloop.evaluation.process import end_with_parent; end_with_parent()"
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    codes = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTEST_AUTOLOOP_PARENT": str(parent)},
            check=False,
        ).returncode
        for parent in (os.getpid(), ended.pid)
    ]

    assert codes == [0, 1]
