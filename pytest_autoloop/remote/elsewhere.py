"""Workers elsewhere, for one session: reached at its start, and let go at its end."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation.launchers import SpawnLauncher
from pytest_autoloop.remote.dispatch import Dispatcher, PoisonError
from pytest_autoloop.remote.engines import ExecutorEngine, checked, engine_of
from pytest_autoloop.remote.hosts import LOCK_FILES, layers_of, needs_of, this_host
from pytest_autoloop.remote.questions import LearnBaseline
from pytest_autoloop.remote.sites import pack
from pytest_autoloop.remote.worker import tidy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Executor

    import pytest

    from pytest_autoloop.model import Metric
    from pytest_autoloop.remote.engines import Engine
    from pytest_autoloop.remote.learned import Learned
    from pytest_autoloop.resuming import Plan
    from pytest_autoloop.settings import Settings
    from pytest_autoloop.workplace import Workplace


#: The hook that may make an executor.
HOOK = "pytest_autoloop_make_executor"


class Elsewhere:
    """Where the session's candidates are judged.

    Args:
        engine: who runs tasks.
        note: is told what a user should know of workers.

    """

    def __init__(self, engine: Engine, note: Callable[[str], None]) -> None:
        self.engine = engine
        self._note = note
        self._dispatcher: Dispatcher | None = None

    def planned(self, plan: Plan) -> Plan:
        """Return a plan with half as many proposals again as workers, unless the user chose.

        Answers are taken in order: those that wait for a slow one would leave workers idle.
        """
        slots = self.engine.slots
        workers = plan.settings.workers if plan.settings.workers > 1 else slots + slots // 2
        return replace(plan, settings=replace(plan.settings, workers=workers))

    def establish(
        self, plan: Plan, workplace: Workplace, metrics: tuple[Metric, ...]
    ) -> tuple[Learned, Dispatcher]:
        """Have the baseline of a target measured by a worker, and return who asks them from now.

        Raises:
            BaselineRed: the harness is not green there.
            UsageError: no worker may take part, or the project has to change first.
            EvaluationError: no worker can be reached.
        """
        site = pack(workplace, plan.settings, metrics, plan.targets, plan.hidden)
        layers = layers_of(workplace.runner.sandbox.names)
        needs = needs_of(this_host(), _lock_file(workplace), layers)
        for line in self.engine.check(needs):
            self._note(line)
        dispatcher = self._dispatcher = Dispatcher(self.engine, site, needs, self._note)
        resources = dict(pair for metric in metrics for pair in metric.resources)
        try:
            learned: Learned = dispatcher.ask(LearnBaseline(), resources)
        except PoisonError as error:
            raise UsageError(
                f"workers end while they measure the baseline ({error}): look at what they print; "
                "they may lack memory"
            ) from error
        # Whoever cannot keep a candidate as far from its judges as the first worker gets no task.
        dispatcher.needs = replace(needs, isolated=learned.isolation is not None)
        workplace.evaluator.isolation = learned.isolation
        told = SpawnLauncher()  # starts nothing here, and is what the record and the header quote
        told.description = f"{learned.launcher}, on {self.engine.description}"
        workplace.runner.launcher = told
        return learned, dispatcher

    def close(self) -> None:
        """Let go of the workers; those that were started for this session end."""
        if self._dispatcher is not None:
            self._dispatcher.close()
        else:
            self.engine.close()
        # Of those that were killed on this machine, and had no successor.
        tidy()


@contextmanager
def elsewhere_of(
    config: pytest.Config, settings: Settings, *told: Callable[[str], None]
) -> Iterator[Elsewhere | None]:
    """Yield the workers that were asked for, None where candidates are judged in this process.

    Each of `told` is told what a user should know of workers, from any thread.

    Raises:
        UsageError: they cannot be had.
    """

    def note(line: str) -> None:
        for tell in told:
            tell(line)

    def make() -> object:
        return config.hook.pytest_autoloop_make_executor(config=config)

    spec = settings.executor
    made = None if spec else make()
    if made is None and not spec:
        yield None
        return
    engine: Engine
    if made is None:
        engine = engine_of(spec)
    else:
        engine = ExecutorEngine("the executor of a hook", _after(made, make))
    elsewhere = Elsewhere(engine, note)
    try:
        yield elsewhere
    finally:
        elsewhere.close()


def _after(first: object, make: Callable[[], object]) -> Callable[[], Executor]:
    """Return what gives an executor that was made already, and makes others when that is lost."""
    waiting = [first]
    return lambda: checked(HOOK, waiting.pop() if waiting else make())


def _lock_file(workplace: Workplace) -> bytes | None:
    """Return the lock file of the project, or of its repository; None without any."""
    repository, rootdir = workplace.repository, workplace.runner.project.rootdir
    for place in dict.fromkeys((rootdir, repository.root)):
        for name in LOCK_FILES:
            path = (place / name).relative_to(repository.root).as_posix()
            if repository.mode_of(workplace.commit, path) is not None:
                return repository.read(workplace.commit, path)
    return None
