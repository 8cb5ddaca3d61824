"""The child session, started with the path of its specification.

Runs the user's own pytest command line in a worktree, with options reset, and writes a verdict.
Its exit status is never read: `os._exit(0)` in a candidate would forge it.
"""

from __future__ import annotations

import math
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation import options
from pytest_autoloop.evaluation.imports import ForeignTarget, SourceLoader, WorktreeFinder
from pytest_autoloop.evaluation.process import end_with_parent
from pytest_autoloop.evaluation.protocol import RUNNING, ChildSpec, Verdict
from pytest_autoloop.evaluation.supervise import become_supervisor, can_supervise, supervise
from pytest_autoloop.harness.items import fixture_item, uses_benchmark, visible_parent
from pytest_autoloop.harness.order import ranked
from pytest_autoloop.harness.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Callable, Generator

    from pytest_autoloop.model import Statistic

_MESSAGE_LIMIT = 4000


class Child:
    """The plugin object that a child session is run with."""

    def __init__(self, spec: ChildSpec, registry: Registry) -> None:
        self._spec = spec
        self._registry = registry
        self._verdict = Verdict()
        self._executed = ForeignTarget(Path(spec.checkout), Path(spec.worktree), spec.target)

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
            _record_first_calls(self._verdict.first)
            if spec.clock != "wall":
                _plan_by_wall_time()
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, session: pytest.Session, items: list[pytest.Item]
    ) -> None:
        """Keep every test as a guard; for measuring, keep what gives the score."""
        benchmarks = [item for item in items if uses_benchmark(item)]
        self._verdict.benchmarks = [item.nodeid for item in benchmarks]
        if self._spec.phase == "guard":
            self._arrange(items)
            return
        metrics = [self._metric_item(session, items, name) for name in self._spec.metrics]
        items[:] = [*benchmarks, *metrics]

    def _arrange(self, items: list[pytest.Item]) -> None:
        """Run the guards that are likeliest to fail first, then the cheapest."""
        spec = self._spec
        if not spec.killers and not spec.seconds:
            return
        by_node: dict[str, list[pytest.Item]] = {}
        for item in items:
            by_node.setdefault(item.nodeid, []).append(item)
        order = ranked(list(by_node), spec.killers, spec.seconds)
        items[:] = [item for node in order for item in by_node[node]]

    def _metric_item(
        self, session: pytest.Session, items: list[pytest.Item], name: str
    ) -> pytest.Function:
        parent = visible_parent(session, items, self._registry.home_of(name))
        return fixture_item(parent, name, lambda value: self._take_metric(name, value))

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

    def pytest_runtest_logstart(self, nodeid: str) -> None:
        """Leave a note of what is running, for when this process does not live to tell."""
        Path(self._spec.temporary, RUNNING).write_text(nodeid, encoding="utf-8")

    def pytest_runtest_logfinish(self) -> None:
        """Take the note back."""
        Path(self._spec.temporary, RUNNING).write_text("", encoding="utf-8")

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
        self._verdict.warm.update(_benchmark_times(session.config, spec.statistic))
        self._verdict.foreign = self._executed.found()
        self._verdict.compiled = SourceLoader.compiled
        self._verdict.write(Path(spec.verdict))


def _finite(value: object) -> float | None:
    """Return a score as a float; None for what is not one finite number."""
    if isinstance(value, bool | str | bytes) or value is None:
        return None
    try:
        number = float(value)  # type: ignore[arg-type]  # numpy scalars convert, lists raise
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _benchmark_times(config: pytest.Config, statistic: Statistic) -> dict[str, float]:
    """Return seconds per call of each benchmark, its rounds reduced, by node id.

    pytest-benchmark offers no public accessor; this attribute has kept its name since 3.x.
    """
    session = getattr(config, "_benchmarksession", None)
    benchmarks: list[Any] = [] if session is None else session.benchmarks
    reduce: Callable[[list[float]], float] = min if statistic == "min" else statistics.median
    return {
        str(entry.fullname): float(reduce(entry.stats.data))
        for entry in benchmarks
        if not entry.has_error and entry.stats.data
    }


def _record_first_calls(first: dict[str, float]) -> None:
    """Note what the first call of each benchmark took in this process.

    Rounds share a process, so a cache that outlives the call makes all but the first one fast.
    """
    fixture_class: Any = _benchmark_fixture()
    make_runner: Callable[..., Any] | None = getattr(fixture_class, "_make_runner", None)
    if make_runner is None:
        return

    def recording(fixture: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401
        runner: Callable[..., Any] = make_runner(fixture, *arguments)

        def run(loops: range | None, *rest: Any, **keywords: Any) -> Any:  # noqa: ANN401
            outcome = runner(loops, *rest, **keywords)
            if fixture.fullname not in first:
                duration = outcome if loops else outcome[0]
                first[fixture.fullname] = float(duration) / (len(loops) if loops else 1)
            return outcome

        return run

    fixture_class._make_runner = recording


def _plan_by_wall_time() -> None:
    """Let pytest-benchmark plan its rounds by the time they take, whatever clock measures them.

    Code that waits uses next to no CPU time, and would be run for minutes.
    """
    fixture_class: Any = _benchmark_fixture()
    calibrate: Callable[..., Any] | None = getattr(fixture_class, "_calibrate_timer", None)
    if calibrate is None:
        return

    def planned(fixture: Any, runner: Callable[..., Any]) -> tuple[float, int, range]:  # noqa: ANN401
        duration, iterations, loops = calibrate(fixture, runner)
        started = time.perf_counter()
        runner(loops)
        return max(duration, time.perf_counter() - started), iterations, loops

    fixture_class._calibrate_timer = planned


def _benchmark_fixture() -> Any:  # noqa: ANN401 - untyped there
    try:
        from pytest_benchmark.fixture import BenchmarkFixture  # noqa: PLC0415
    except ImportError:
        return None
    return BenchmarkFixture


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
    sys.argv[:] = ["pytest", *spec.args]
    finder = WorktreeFinder(Path(spec.checkout), Path(spec.worktree), spec.target)
    sys.meta_path.insert(0, finder)
    registry = Registry()
    pytest.main(spec.args, plugins=[Child(spec, registry), registry])
