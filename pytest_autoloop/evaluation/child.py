"""The child session, started with the path of its specification.

Runs the user's own pytest command line in a worktree, with options reset, and writes a verdict.
Its exit status is never read: `os._exit(0)` in a candidate would forge it.
"""

from __future__ import annotations

import math
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation import options
from pytest_autoloop.evaluation.compatible.private import Private, remove
from pytest_autoloop.evaluation.imports import ForeignTarget, SourceLoader, WorktreeFinder
from pytest_autoloop.evaluation.isolated import given
from pytest_autoloop.evaluation.isolated.contract import CandidateFault
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.profile import Sampler
from pytest_autoloop.evaluation.protocol import RUNNING, ChildSpec, Verdict
from pytest_autoloop.evaluation.sandbox import confine
from pytest_autoloop.evaluation.subject import subject_of, told
from pytest_autoloop.evaluation.supervise import become_supervisor, can_supervise, supervise
from pytest_autoloop.evaluation.timed import benchmark_times, plan_by_wall_time, record_first_calls
from pytest_autoloop.harness.items import fixture_item, uses_benchmark, visible_parent
from pytest_autoloop.harness.order import ranked
from pytest_autoloop.harness.registry import INPUTS, Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_autoloop.evaluation.subject import Subject

_MESSAGE_LIMIT = 4000


class Child:
    """The plugin object that a child session is run with."""

    def __init__(
        self, spec: ChildSpec, registry: Registry, subject: Subject, private: Private
    ) -> None:
        self._spec = spec
        self._private = private
        self._running = Private(spec.file(RUNNING))
        self._registry = registry
        self._subject = subject
        self._inputs: object = None
        self._verdict = Verdict()
        self._executed = ForeignTarget(Path(spec.checkout), Path(spec.worktree), spec.target)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Watch pytest-benchmark before anything of the project is imported."""
        if self._spec.phase == "measure":
            record_first_calls(self._verdict.first)
            if self._spec.clock != "wall":
                plan_by_wall_time()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Reset options before any other plugin acts on them."""
        spec = self._spec
        options.reset(config.option)
        config.option.basetemp = str(Path(spec.temporary, "basetemp"))
        if spec.phase == "guard":
            self._executed.watch()
            options.for_guards(config, spec.max_failures, spec.test_timeout)
        else:
            options.for_measuring(config.option, spec.benchmark_seconds, spec.clock)
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Keep every test as a guard; for measuring, keep what gives the score."""
        spec, verdict = self._spec, self._verdict
        benchmarks = [item for item in items if uses_benchmark(item)]
        verdict.benchmarks = [item.nodeid for item in benchmarks]
        verdict.inputs = self._registry.has_inputs
        inputs: list[pytest.Item] = []
        if verdict.inputs and (spec.mode != "compatible" and spec.phase != "measure"):
            inputs = [self._fixture_item(session, items, INPUTS, self._take_inputs)]
        if spec.phase == "guard":
            self._arrange(items)
            items[:] = [*items, *inputs]
            return
        metrics = [
            self._fixture_item(session, items, name, partial(self._take_metric, name))
            for name in spec.metrics
        ]
        items[:] = [*(benchmarks if spec.timed else ()), *metrics, *inputs]

    def _arrange(self, items: list[pytest.Item]) -> None:
        """Run the guards that are likeliest to fail first, then the cheapest."""
        spec = self._spec
        if not spec.killers and not spec.seconds_of_guards:
            return
        by_node: dict[str, list[pytest.Item]] = {}
        for item in items:
            by_node.setdefault(item.nodeid, []).append(item)
        order = ranked(list(by_node), spec.killers, spec.seconds_of_guards)
        items[:] = [item for node in order for item in by_node[node]]

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
        self._running.write(nodeid.encode())

    def pytest_runtest_logfinish(self) -> None:
        """Take the note back."""
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
        spec = self._spec
        self._verdict.exitstatus = int(exitstatus)
        self._verdict.warm.update(benchmark_times(session.config, spec.statistic))
        self._verdict.foreign = self._executed.found()
        self._verdict.compiled = SourceLoader.compiled
        self._subject.fill(self._verdict, self._inputs)
        self._private.write(self._verdict.to_bytes())
        self._private.close()


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
    """Run one child session as its specification says."""
    spec = ChildSpec.read(specification)
    confine(spec)
    # From here on neither can be found by its name.
    private = Private(Path(spec.verdict))
    remove(specification)
    sys.argv[:] = ["pytest", *spec.args]
    try:
        subject = subject_of(spec)
    except CandidateFault as fault:
        private.write(Verdict(fault=told(fault)).to_bytes())
        return
    with closing(subject):
        if spec.phase == "verify" and not spec.inputs:
            verdict = Verdict()
            subject.fill(verdict, None)
            private.write(verdict.to_bytes())
            return
        finder = WorktreeFinder(
            Path(spec.checkout), Path(spec.worktree), spec.target, subject.loader
        )
        sys.meta_path.insert(0, finder)
        registry = Registry()
        child = Child(spec, registry, subject, private)
        pytest.main(spec.args, plugins=[child, registry, *subject.plugins])
