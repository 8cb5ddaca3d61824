"""One child session at a time, in real worktrees, without a campaign around it."""

from __future__ import annotations

import os
import select
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.evaluator import Evaluator
from pytest_autoloop.evaluation.judge import guard_report
from pytest_autoloop.evaluation.launchers import choose_launcher
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.runner import Project as ProjectUnderTest
from pytest_autoloop.evaluation.runner import Runner
from pytest_autoloop.evaluation.surroundings import warm_environment
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.evaluation.protocol import Phase
    from pytest_autoloop.evaluation.runner import Run
    from pytest_autoloop.model import GuardReport, LauncherName
    from tests.projects import Project

#: Ample, for what ends by itself: a run that reaches it fails its test.
AMPLE = 120.0
#: What a harness leaves of its own, which a campaign learns from its baseline: conftest files are
#: plugins, and pytest-rerunfailures starts a thread beside xdist.
USUAL = frozenset({"plugin:conftest.py", "thread:Thread (run_server)"})


@dataclass(frozen=True)
class Bench:
    """A worktree for candidates, and what runs child sessions in it."""

    pool: WorktreePool
    runner: Runner
    evaluator: Evaluator
    worktree: Path

    def place(self, content: str) -> Path:
        """Make a candidate; return the file."""
        target = self.runner.project.target
        self.pool.write("candidate", target, content.encode())
        return self.worktree / target

    def run(self, phase: Phase = "guard", *, seconds: float = AMPLE, **keywords: Any) -> Run:
        """Run one child session on the candidate."""
        return self.runner.run(self.worktree, phase, seconds=seconds, **keywords)

    def guard(self, content: str, *required: str, **keywords: Any) -> GuardReport:
        """Make a candidate and judge it by the guards."""
        self.place(content)
        return guard_report(self.run(**keywords), frozenset(required), self.evaluator.usual)


@contextmanager
def open_bench(
    project: Project,
    target: str = "double.py",
    *arguments: str,
    import_roots: tuple[Path, ...] = (),
    launcher: LauncherName = "spawn",
) -> Iterator[Bench]:
    """Check the project's last commit out, as the beginning of a campaign does."""
    repository = Repository.open(project.root)
    root = repository.root
    described = ProjectUnderTest(
        checkout=root,
        rootdir=root,
        invocation_dir=root,
        args=arguments,
        target=target,
        import_roots=import_roots,
    )
    warm = warm_environment(os.environ, described)
    with (
        WorktreePool(repository) as pool,
        closing(choose_launcher(launcher, warm, pool.directory)) as chosen,
    ):
        incumbent, candidate = (
            pool.add(name, repository.head()) for name in ("incumbent", "candidate")
        )
        # As far ahead of its children as it can be.
        chosen.learn([], [])
        runner = Runner(described, pool.directory, chosen)
        evaluator = Evaluator(runner, incumbent, candidate, Limits(AMPLE, AMPLE))
        evaluator.usual |= USUAL
        yield Bench(pool, runner, evaluator, candidate)


class Pipe:
    """A named pipe that tells when somebody holds its other end, and when nobody does any more."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def __enter__(self) -> Pipe:
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._descriptor)

    @property
    def hold(self) -> str:
        """Statements that tell of themselves through the pipe, and keep it open."""
        return f"import os; end = os.open({str(self.path)!r}, os.O_WRONLY); os.write(end, b'x')"

    def was_held(self, process: subprocess.Popen[str]) -> bool:
        """Wait until something arrives; false when the process ended before."""
        while not (ended := process.poll() is not None):
            if self._events(0.2) & select.POLLIN:
                break
        return not ended and self.read() == b"x"

    def read(self) -> bytes:
        """Return what has arrived."""
        return os.read(self._descriptor, 1)

    def is_released(self) -> bool:
        """Wait until every process that held the pipe is gone."""
        return bool(self._events(AMPLE) & select.POLLHUP)

    def _events(self, seconds: float) -> int:
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return sum(event for _, event in poll.poll(seconds * 1000))
