"""What pytest-benchmark measures in a child: its figures, first calls, the plan of its rounds."""

from __future__ import annotations

import statistics
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from pytest_autoloop.model import Statistic


def benchmark_times(config: pytest.Config, statistic: Statistic) -> dict[str, float]:
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


def record_first_calls(first: dict[str, float]) -> None:
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


def plan_by_wall_time() -> None:
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
