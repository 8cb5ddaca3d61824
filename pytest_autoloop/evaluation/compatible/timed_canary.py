"""A benchmark of known cost among the user's own: a clock that lies, lies about it too."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.evaluation.compatible import canaries
from pytest_autoloop.evaluation.compatible.claims import REFERENCES
from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

#: Seconds that pytest-benchmark may spend on its rounds, and how many of them at least.
_MAX_TIME, _ROUNDS = 0.002, 5
#: How far a result may lie from what was seen, as a factor: a canary must not sing by accident.
_LEAST, _MOST = 0.5, 4.0
_SIZE = 1000


def check(drawer: canaries.Drawer, beside: pytest.Item, nextitem: pytest.Item) -> list[Finding]:
    """Time work of known cost with the `benchmark` fixture that a test beside it uses."""
    for last in (False, True):
        what = _tried(drawer, beside, nextitem)
        # Something else may have had the processor; a lie is told again.
        if not what or last:
            return [Finding("canary:benchmark", what)] if what else []
    return []


def _tried(drawer: canaries.Drawer, beside: pytest.Item, nextitem: pytest.Item) -> str:
    definitions = getattr(getattr(beside, "_fixtureinfo", None), "name2fixturedefs", {})
    session: Any = getattr(beside.config, "_benchmarksession", None)
    if "benchmark" not in definitions or session is None or session.disabled:
        return ""
    seen: dict[str, Any] = {}

    def body(benchmark: Any) -> None:  # noqa: ANN401 - untyped there
        seen["clock"] = REFERENCES.get(benchmark._timer)
        if seen["clock"] is not None:
            seen["before"] = _cost(seen["clock"])
        benchmark(_work)
        if seen["clock"] is not None:
            seen["after"] = _cost(seen["clock"])

    parent = beside.getparent(pytest.Module) or beside.session
    item: pytest.Function = pytest.Function.from_parent(
        parent,
        name=drawer.name(),
        callobj=body,
        fixtureinfo=canaries.fixtures_of(("benchmark",), definitions),
    )
    mark = pytest.mark.benchmark(max_time=_MAX_TIME, min_rounds=_ROUNDS, warmup=False)
    item.add_marker(mark)
    canary = canaries.Canary(item, "")
    canaries.run(canary, nextitem)
    entries = [entry for entry in session.benchmarks if entry.fullname == item.nodeid]
    session.benchmarks[:] = [entry for entry in session.benchmarks if entry not in entries]
    if canary.outcome != "passed":
        return "a benchmark that must pass did not pass" if canary.outcome else ""
    if seen.get("clock") is None:
        return ""
    if not entries or not entries[0].stats.data:
        return "a benchmark of known cost left no result"
    result = min(entries[0].stats.data)
    least, most = sorted((seen["before"], seen["after"]))
    if _LEAST * least <= result <= _MOST * most:
        return ""
    return f"a benchmark of known cost took {least * 1e6:.3g} µs and claims {result * 1e6:.3g} µs"


def _work() -> int:
    total = 0
    for number in range(_SIZE):
        total += number & 7
    return total


def _cost(clock: Callable[[], float]) -> float:
    """Return what the work takes, as the least of some tries."""
    times = []
    for _ in range(_ROUNDS):
        started = clock()
        _work()
        times.append(clock() - started)
    return min(times)
