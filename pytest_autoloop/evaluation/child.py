"""The child session: the user's own pytest command line in a worktree, with options reset.

It begins in two steps. A `Child` is made, and pytest configured, for what is known before a run;
the process that is forked then, or was started anew, `begin`s with its specification, and ends with
a verdict. Its exit status is never read: `os._exit(0)` in a candidate would forge it.
"""

from __future__ import annotations

import inspect
import math
import sys
from functools import partial
from importlib.machinery import SourceFileLoader
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation import options
from pytest_autoloop.evaluation.bytecode import Bytecode
from pytest_autoloop.evaluation.clocks import timer
from pytest_autoloop.evaluation.collected import early, imported, scoring
from pytest_autoloop.evaluation.compatible.private import Private, remove
from pytest_autoloop.evaluation.imports import (
    ForeignTarget,
    MakeLoader,
    SourceLoader,
    WorktreeFinder,
)
from pytest_autoloop.evaluation.isolated import given
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.preload import memory
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.profile import Sampler
from pytest_autoloop.evaluation.protocol import LOADED, RUNNING, ChildSpec, Verdict
from pytest_autoloop.evaluation.sandbox import confine
from pytest_autoloop.evaluation.subject import subject_of, told
from pytest_autoloop.evaluation.supervise import become_supervisor, can_supervise, supervise
from pytest_autoloop.evaluation.timed import benchmark_times, plan_by_wall_time, record_first_calls
from pytest_autoloop.harness.items import fixture_item, uses_benchmark, visible_parent
from pytest_autoloop.harness.order import arrange
from pytest_autoloop.harness.registry import INPUTS, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_autoloop.evaluation.subject import Subject

_MESSAGE_LIMIT = 4000


class Child:
    """The plugin object that a child session is run with.

    Before `begin` it knows what `ChildSpec.standing` holds, and stands in no candidate's process.
    """

    def __init__(self, spec: ChildSpec) -> None:
        self._spec = spec
        self._registry = Registry()
        self._private: Private | None = None
        self._running: Private | None = None
        self._loaded: Private | None = None
        self._subject: Subject | None = None
        self._late = False
        self._watching = False
        self._session: pytest.Session | None = None
        self._inputs: object = None
        self._verdict = Verdict()
        checkout, worktree = Path(spec.checkout), Path(spec.worktree)
        self._executed = ForeignTarget(checkout, worktree, spec.target)

    def begin(self, specification: Path) -> bool:
        """Become the session that a specification asks for; False when nothing is left to be done.

        The process is confined from here on.
        """
        spec = self._spec = ChildSpec.read(specification)
        confine(spec)
        # From here on neither can be found by its name.
        self._private = Private(Path(spec.verdict))
        self._running, self._loaded = Private(spec.file(RUNNING)), Private(spec.file(LOADED))
        remove(specification)
        if spec.trusted:
            self._executed.watch()
        SourceLoader.loaded = self._note_loaded
        try:
            subject = self._subject = subject_of(spec)
        except CandidateFault as fault:
            self._private.write(Verdict(fault=told(fault)).to_bytes())
            return False
        if subject.loaded:
            self._note_loaded(subject.loaded)
        if spec.phase == "verify" and not spec.inputs:
            verdict = Verdict()
            subject.fill(verdict, None)
            self._private.write(verdict.to_bytes())
            return False
        return True

    def run(self, *plugins: object) -> None:
        """Run pytest, with plugins besides its own; returns when the session has ended."""
        spec = self._spec
        sys.argv[:] = ["pytest", *spec.args]
        worktree = Path(spec.worktree)
        others: MakeLoader = SourceFileLoader
        if spec.bytecode:
            kept = Bytecode(spec.bytecode, spec.worktree)
            kept.install()
            others = kept.loader
        finder = WorktreeFinder(Path(spec.checkout), worktree, spec.target, self._loader, others)
        sys.meta_path.insert(0, finder)
        known = [] if self._subject is None else self._subject.plugins
        pytest.main(spec.args, plugins=[*plugins, self, self._registry, *known])

    def register_late(self, config: pytest.Config) -> None:
        """Register what `begin` has brought, with a pytest that is running already."""
        assert self._subject is not None
        for plugin in self._subject.plugins:
            config.pluginmanager.register(plugin)
        timer(self._spec.clock)
        self._late = True

    def keep_bytecode(self) -> None:
        """Let a trusted session keep what it compiles of the harness."""
        if self._spec.trusted and self._spec.bytecode:
            Bytecode(self._spec.bytecode, self._spec.worktree).keep()

    def close(self) -> None:
        """End what the session has started."""
        if self._subject is not None:
            self._subject.close()

    def _loader(self, name: str, path: str) -> SourceFileLoader:
        assert self._subject is not None, "nothing of the project is loaded before a run begins"
        return self._subject.loader(name, path)

    def _note_loaded(self, digest: str) -> None:
        # The first one only: what comes later may be the candidate's doing.
        if self._loaded is not None:
            self._loaded.write(digest.encode())
            self._loaded.close()
            self._loaded = None

    def pytest_load_initial_conftests(self, early_config: pytest.Config) -> None:
        """Watch pytest-benchmark before anything of the project is imported.

        Plugins that were registered after this hook was called have their turn here.
        """
        if self._spec.phase == "measure" and not self._watching:
            self._watching = True
            record_first_calls(self._verdict.first)
            if self._spec.clock != "wall":
                plan_by_wall_time()
        for plugin in self._subject.plugins if self._subject is not None and self._late else ():
            begin = getattr(plugin, "pytest_load_initial_conftests", None)
            if begin is not None:
                begin(early_config)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Reset options before any other plugin acts on them."""
        spec = self._spec
        options.reset(config.option)
        config.option.basetemp = str(Path(spec.temporary, "basetemp"))
        if spec.phase == "guard":
            options.for_guards(config, spec.test_timeout)
        else:
            options.for_measuring(config.option, spec.benchmark_seconds, spec.clock)
        return (yield)

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> None:
        """Take note of what there is before any test is collected."""
        self._session = session
        spec = self._spec
        session.config.option.maxfail = spec.max_failures if spec.phase == "guard" else 1
        self._verdict.early = early(session.config)

    @pytest.hookimpl(tryfirst=True)
    def pytest_ignore_collect(self, collection_path: Path) -> bool | None:
        """Leave out, when measuring, files that give no score; those that were named are taken."""
        files, session = self._spec.collected, self._session
        if files is None or session is None or not collection_path.is_file():
            return None
        if session.isinitpath(collection_path):
            return None
        worktree = Path(self._spec.worktree)
        if not collection_path.is_relative_to(worktree):
            return None
        return collection_path.relative_to(worktree).as_posix() not in files or None

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Keep every test as a guard; for measuring, keep what gives the score."""
        spec, verdict = self._spec, self._verdict
        _know_sources(items)
        benchmarks = [item for item in items if uses_benchmark(item)]
        verdict.benchmarks = [item.nodeid for item in benchmarks]
        verdict.inputs = self._registry.has_inputs
        inputs: list[pytest.Item] = []
        if verdict.inputs and (spec.mode != "compatible" and spec.phase != "measure"):
            inputs = [self._fixture_item(session, items, INPUTS, self._take_inputs)]
        if spec.phase == "guard":
            verdict.scoring = scoring(session, items, self._registry, Path(spec.worktree))
            arrange(items, spec.killers, spec.seconds_of_guards)
            items[:] = [*items, *inputs]
            return
        metrics = [
            self._fixture_item(session, items, name, partial(self._take_metric, name))
            for name in spec.metrics
        ]
        items[:] = [*(benchmarks if spec.timed else ()), *metrics, *inputs]

    def _fixture_item(
        self,
        session: pytest.Session,
        items: list[pytest.Item],
        name: str,
        take: Callable[[object], None],
    ) -> pytest.Function:
        parent = visible_parent(session, items, self._registry.home_of(name))
        return fixture_item(parent, name, take)

    def _take_inputs(self, value: object) -> None:
        self._inputs = given.check(value)

    def _take_metric(self, name: str, value: object) -> None:
        number = _finite(value)
        if number is None:
            self._verdict.invalid[name] = repr(value)[:200]
        else:
            self._verdict.metrics[name] = number

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that cannot be collected: nothing in it has run."""
        if report.failed and not self._verdict.failed:
            self._verdict.failed = report.nodeid
            self._verdict.message = str(report.longrepr)[-_MESSAGE_LIMIT:]
            self._verdict.collection = True

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Sample a benchmark's call, when a profile is asked for."""
        if not self._spec.profile:
            return (yield)
        sampler = Sampler(str(Path(self._spec.worktree, self._spec.target)))
        sampler.samples = self._verdict.samples
        with sampler.running():
            return (yield)

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Leave a note of what is running, for when this process does not live to tell."""
        assert self._running is not None
        self._running.write(nodeid.encode())

    def pytest_runtest_logfinish(self) -> None:
        """Take the note back."""
        assert self._running is not None
        self._running.write(b"")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Fold the reports of setup, call and teardown into one outcome per node id."""
        outcomes, seconds = self._verdict.outcomes, self._verdict.seconds
        seconds[report.nodeid] = seconds.get(report.nodeid, 0.0) + report.duration
        if report.failed:
            outcomes[report.nodeid] = "failed"
            if not self._verdict.failed:
                self._verdict.failed = report.nodeid
                self._verdict.message = report.longreprtext[-_MESSAGE_LIMIT:]
        elif report.skipped:
            outcomes[report.nodeid] = "xfailed" if hasattr(report, "wasxfail") else "skipped"
        elif report.passed and report.when == "call":
            outcomes.setdefault(report.nodeid, "passed")

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Write the verdict; a session that does not get here has none."""
        spec, verdict = self._spec, self._verdict
        if self._private is None or self._subject is None:
            return  # a warm parent's own session, which ends before anything has begun
        verdict.exitstatus = int(exitstatus)
        verdict.warm.update(benchmark_times(session.config, spec.statistic))
        if spec.trusted:
            verdict.foreign = self._executed.found()
            verdict.imported = imported(Path(spec.checkout), Path(spec.worktree))
            verdict.memory = memory()
        self._subject.fill(verdict, self._inputs)
        self._private.write(verdict.to_bytes())
        self._private.close()


def _know_sources(items: list[pytest.Item]) -> None:
    """Tell `inspect` which modules the tests stand in.

    Else it looks through every module there is when a failure is shown, which in a fork copies a
    good part of the process.
    """
    for item in items:
        module = getattr(item, "module", None)
        if module is not None:
            inspect.modulesbyfile.setdefault(str(item.path), module.__name__)


def _finite(value: object) -> float | None:
    """Return a score as a float; None for what is not one finite number."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # numpy scalars convert, lists raise
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def main() -> None:
    """Run one child session in a process of its own."""
    end_with_parent()
    specification = Path(sys.argv[1])
    if not can_supervise():
        run_session(specification)
        return
    become_supervisor()
    # Its parent keeps the time.
    supervise(lambda: run_session(specification), math.inf).write(specification.parent)


def run_session(specification: Path) -> None:
    """Run one child session as its specification says, in a process of its own."""
    child = Child(ChildSpec.read(specification))
    try:
        if child.begin(specification):
            child.run()
    finally:
        child.close()
