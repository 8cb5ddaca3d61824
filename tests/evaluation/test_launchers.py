"""How children come to be: both launchers, and the warm parents that fork them."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import EvaluationError, UsageError
from pytest_autoloop.evaluation.forkserver import ForkLauncher
from pytest_autoloop.evaluation.launchers import SpawnLauncher, choose_launcher
from pytest_autoloop.evaluation.nursery import Nursery, WarmParent
from pytest_autoloop.evaluation.protocol import KEPT_SEEDS
from tests.pitfalls.bench import Bench, open_bench
from tests.projects import MODULE, clean_environment
from tests.scripted import threaded

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

LAUNCHERS: tuple[LauncherName, ...] = ("spawn", "forkserver")
forks = pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="this system has no fork server")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Name a file outside of the repository."""
    return tmp_path / "log"


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the surrounding test session to be inherited."""
    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        monkeypatch.delenv(name)


@pytest.fixture(params=[pytest.param("forkserver", marks=forks), "spawn"])
def launcher(request: pytest.FixtureRequest) -> LauncherName:
    """Name each way to start a child."""
    name: LauncherName = request.param
    return name


def noting(log: Path, *expressions: str) -> str:
    """Return statements that note the values of expressions, a line each time."""
    values = ", ".join(expressions)
    return (
        "import gc, os, sys\n"
        f"with open({str(log)!r}, 'a') as notes:\n"
        f"    print({values}, file=notes)\n"
    )


DOUBLE = "\n\ndef double(n):\n    return 2 * n\n"


def test_a_hash_seed_is_a_child_s_own(project: Project, log: Path, launcher: LauncherName) -> None:
    """The same seed orders sets of strings alike, another one differently, in any launcher.

    Processes that the project starts inherit it.
    """
    project.commit(MODULE)
    with open_bench(project, launcher=launcher) as bench:
        bench.place(noting(log, "os.environ.get('PYTHONHASHSEED')", "hash('x')") + DOUBLE)
        for seed in (1, 1, 2):
            bench.run(hash_seed=seed)

    lines = [line.split() for line in log.read_text().splitlines()]
    assert [seed for seed, _ in lines] == ["1", "1", "2"]
    hashes = [value for _, value in lines]
    assert hashes[0] == hashes[1] != hashes[2]


@forks
def test_both_launchers_order_sets_alike(project: Project, log: Path) -> None:
    """What is decided with one can be looked into with the other."""
    project.commit(MODULE)
    for launcher in LAUNCHERS:
        with open_bench(project, launcher=launcher) as bench:
            bench.place(noting(log, "hash('x')", "gc.isenabled()", "gc.get_threshold()") + DOUBLE)
            bench.run(hash_seed=7)

    assert len(set(log.read_text().splitlines())) == 1


@forks
def test_one_parent_serves_both_sides_and_imports_no_project(project: Project, log: Path) -> None:
    """Each child imports the project in a process of its own, from the parent they share.

    Its garbage collector is as in any other child of that parent.
    """
    project.commit(MODULE)
    state = ("gc.isenabled()", "gc.get_threshold()", "gc.get_freeze_count() > 0")
    noted = noting(log, "os.getppid()", "os.getpid()", "'test_double' in sys.modules", *state)
    with open_bench(project, launcher="forkserver") as bench:
        for content in (noted + DOUBLE, noted + DOUBLE + "\n# another one\n"):
            bench.place(content)
            assert bench.run(hash_seed=3).verdict is not None

    lines = [line.split(" ", 2) for line in log.read_text().splitlines()]
    (parent, first, state_of_first), (same, second, state_of_second) = lines
    assert parent == same != str(os.getpid())
    assert first != second
    assert state_of_first == state_of_second
    assert state_of_first.endswith("True")


def alive(process: int) -> bool:
    """Tell whether a process exists."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


@forks
def test_warm_parents_are_kept_for_a_few_seeds(tmp_path: Path) -> None:
    """That of the guards always, the others as long as they are among the last; then all end."""
    seeds = range(KEPT_SEEDS + 1)
    nursery = Nursery(clean_environment(), tmp_path)
    with closing(nursery):
        nursery.prestart(*seeds)
        processes = [nursery.parent(seed).process.pid for seed in seeds]
        assert nursery.parent(0).process.pid == processes[0]
        assert [alive(process) for process in processes] == [
            True,
            False,
            *[True] * (KEPT_SEEDS - 1),
        ]

    assert not any(alive(process) for process in processes)
    assert list(tmp_path.iterdir()) == []


def guards(bench: Bench) -> list[tuple[bool, str, str, str]]:
    """Return what a good and a bad candidate come to."""
    found: list[tuple[bool, str, str, str]] = []
    for content in (DOUBLE, "def double(n):\n    return n\n", "import os\nos._exit(3)\n", "?\n"):
        report = bench.guard(content, "test_double.py::test_double")
        found.append((report.passed, report.status, report.reason, report.test))
    return found


@forks
def test_both_launchers_come_to_the_same(project: Project) -> None:
    """A pass, a failure, a crash and a syntax error are told alike."""
    project.commit(MODULE)
    found = []
    for launcher in LAUNCHERS:
        with open_bench(project, launcher=launcher) as bench:
            found.append(guards(bench))

    assert found[0] == found[1]
    assert [passed for passed, *_ in found[0]] == [True, False, False, False]


@forks
def test_a_killed_parent_is_replaced(project: Project) -> None:
    """The next run has a new one."""
    project.commit(MODULE)
    with open_bench(project, launcher="forkserver") as bench:
        bench.place(DOUBLE)
        first = bench.run()
        launcher = bench.runner.launcher
        assert isinstance(launcher, ForkLauncher)
        process = launcher._nursery.parent(0).process
        process.send_signal(signal.SIGKILL)
        process.wait()
        second = bench.run()

    assert first.verdict is not None
    assert second.verdict is not None


@forks
def test_a_parent_that_cannot_start_says_so(tmp_path: Path) -> None:
    """Here because Python cannot find its own library."""
    environment = {**clean_environment(), "PYTHONHOME": str(tmp_path / "missing")}
    with closing(WarmParent(environment, tmp_path)) as parent:
        parent.prepare([], [], ours=False)
        with pytest.raises(EvaluationError, match="the warm parent process ended unexpectedly"):
            parent.ready()


@forks
def test_a_thread_in_the_parent_is_not_forked(tmp_path: Path) -> None:
    """`auto` starts children anew and says why; `forkserver` is refused with the reason."""
    environment = threaded(tmp_path / "plugins")
    with closing(choose_launcher("auto", environment, tmp_path)) as chosen:
        assert isinstance(chosen, SpawnLauncher)
        assert "2 threads are alive" in chosen.description
    with pytest.raises(UsageError, match=r"--autoloop-launcher=forkserver: .*write auto or spawn"):
        choose_launcher("forkserver", environment, tmp_path)


def test_who_asks_for_a_launcher_gets_it(tmp_path: Path) -> None:
    """`spawn` keeps no process; `auto` forks where the system can."""
    assert choose_launcher("spawn", {}, tmp_path).description == "spawn"
    with closing(choose_launcher("auto", clean_environment(), tmp_path)) as chosen:
        assert chosen.description.startswith("forkserver" if hasattr(os, "pidfd_open") else "spawn")
