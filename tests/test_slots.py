"""Candidates that are guarded at the same time, in real checkouts and processes."""

from __future__ import annotations

import os
import select
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import EvaluationError
from pytest_autoloop.evaluation.evaluator import Evaluator
from pytest_autoloop.evaluation.launchers import choose_launcher
from pytest_autoloop.evaluation.limits import Limits
from pytest_autoloop.evaluation.runner import Project as ProjectUnderTest
from pytest_autoloop.evaluation.runner import Runner
from pytest_autoloop.evaluation.surroundings import warm_environment
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.worktrees import WorktreePool
from pytest_autoloop.model import GuardReport
from pytest_autoloop.overlap import Arrived, Overlap
from pytest_autoloop.slots import Slots, judged
from tests.pitfalls.bench import USUAL, Bench, Pipe
from tests.projects import MODULE, clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

forks = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no fork server")
TEST = "test_double.py::test_double"
REQUIRED = frozenset({TEST})
GOOD = b"def double(n):\n    return n + n\n"
WRONG = b"def double(n):\n    return n\n"
TAMPERS = b"""
def double(n):
    import pathlib
    pathlib.Path(__file__).with_name("conftest.py").write_text("")
    return 2 * n
"""
DIES = b"def double(n):\n    import os\n    os._exit(0)\n"
LIMIT = 60.0


@contextmanager
def opened(project: Project, launcher: LauncherName) -> Iterator[Bench]:
    """Check a project out, as the beginning of a campaign does."""
    project.commit(MODULE)
    repository = Repository.open(project.root)
    root, commit = repository.root, repository.head()
    described = ProjectUnderTest(root, root, root, (), "double.py", ())
    warm = warm_environment(clean_environment(), described)
    with (
        WorktreePool(repository, targets=("double.py",)) as pool,
        closing(choose_launcher(launcher, warm, pool.directory)) as chosen,
    ):
        incumbent, candidate = (pool.add(name, commit) for name in ("incumbent", "candidate"))
        pool.seal(refs=True)
        runner = Runner(described, pool.directory, chosen)
        evaluator = Evaluator(runner, incumbent, candidate, Limits(LIMIT, LIMIT), pool)
        evaluator.usual |= USUAL
        yield Bench(pool, runner, evaluator, candidate)


@pytest.fixture(params=[pytest.param("forkserver", marks=forks), "spawn"])
def bench(
    project: Project, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    """Check a project out, with each way to start a child."""
    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        monkeypatch.delenv(name)
    launcher: LauncherName = request.param
    with opened(project, launcher) as bench:
        yield bench


def slots_of(bench: Bench, count: int) -> Slots:
    """Make slots beside the campaign's own worktrees."""
    return Slots(bench.pool, bench.evaluator, bench.runner, "HEAD", written=(), count=count)


def test_candidates_are_judged_each_by_itself(bench: Bench) -> None:
    """At once or one after another, in a slot that another one has used: each gets its own due.

    A child that takes its warm parent's life or its own is a crash, and the slot goes on.
    """
    bench.evaluator.test_seconds = {TEST: 0.1}
    slots = slots_of(bench, 2)
    contents = [GOOD, WRONG, TAMPERS, DIES, GOOD, WRONG]
    with ThreadPoolExecutor(3) as executor:
        reports = list(
            executor.map(lambda one: slots.guard({"double.py": one}, REQUIRED), contents)
        )
    found = [(one.passed, one.status, one.reason) for one in reports]
    wrong = (False, "discard", "guard")
    assert found[:3] == [(True, "discard", ""), wrong, (False, "discard", "tampered")]
    assert found[3][:2] == (False, "crash")
    assert found[4:] == [(True, "discard", ""), wrong]
    assert "conftest.py" in reports[2].message
    # Learned in a slot, known to all.
    assert bench.evaluator.twin(bench.runner, bench.worktree)._killers.all() == [TEST]
    slots.close()
    assert bench.evaluator.guard(REQUIRED).passed


def test_guards_overlap_and_are_told_in_the_order_of_the_answers(project: Project) -> None:
    """As a campaign uses slots: what is prepared while others are asked for."""
    answers = [GOOD, WRONG, DIES, GOOD, WRONG]
    with opened(project, "auto") as bench:
        slots = slots_of(bench, 2)
        asked = iter(answers)
        overlap = Overlap(
            2,
            lambda: lambda: next(asked, None),
            lambda answer: answer,
            lambda answer: slots.guard({"double.py": answer}, REQUIRED),
            parallel=False,
        )
        found = []
        while (one := overlap.next()) is not None:
            assert isinstance(one, Arrived)
            found.append((one.received, one.prepared.passed))
        assert overlap.close() == []
        slots.close()
    assert found == [(answer, answer == GOOD) for answer in answers]


def test_closing_ends_what_is_being_guarded(bench: Bench, tmp_path: Path) -> None:
    """At once, with its processes; who waits for a slot hears that there is none any more."""
    slots = slots_of(bench, 1)
    with Pipe(tmp_path / "pipe") as pipe:
        hangs = f"import time\n{pipe.hold}\ntime.sleep(600)\n".encode() + GOOD
        faults: list[str] = []

        def guard() -> None:
            try:
                slots.guard({"double.py": hangs}, REQUIRED)
            except EvaluationError as error:
                faults.append(str(error))

        threads = [threading.Thread(target=guard, daemon=True) for _ in range(2)]
        for thread in threads:
            thread.start()
        opened_pipe = select.poll()
        opened_pipe.register(pipe._descriptor, select.POLLIN)
        assert opened_pipe.poll(LIMIT * 1000)
        assert pipe.read() == b"x"
        slots.close()
        assert pipe.is_released()
        for thread in threads:
            thread.join(LIMIT)
            assert not thread.is_alive()
    assert faults == ["the campaign ends"] * 2
    with pytest.raises(EvaluationError, match="ends"):
        slots.guard({"double.py": GOOD}, REQUIRED)


def test_a_warm_parent_outlives_the_thread_that_wanted_it(project: Project) -> None:
    """The kernel takes the thread that started a process for its parent."""
    with opened(project, "forkserver") as bench:
        slots = slots_of(bench, 1)
        warm: list[object] = []
        for _ in range(2):
            thread = threading.Thread(
                target=lambda: warm.append(slots.guard({"double.py": GOOD}, REQUIRED).passed)
            )
            thread.start()
            thread.join(LIMIT)
            launcher = slots._slots[0].launcher
            warm.append(launcher._nursery.parent(0))  # type: ignore[attr-defined]
        slots.close()
    assert warm[0] is warm[2] is True
    assert warm[1] is warm[3]


def test_what_a_cut_run_changed_says_nothing() -> None:
    """It could not put back what a guard changes and restores."""
    failed = GuardReport(passed=False, status="timeout", reason="guards")
    passed = GuardReport(passed=True)
    assert judged(failed, ["a.txt"], []) is failed
    assert judged(passed, ["a.txt"], ["a.txt"]) is passed
    assert judged(passed, ["a.txt", "b.txt"], ["a.txt"]) == replace(
        passed, passed=False, reason="tampered", message="the run changed b.txt"
    )
