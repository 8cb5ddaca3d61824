"""A pytest session that says what a project has: tests, benchmarks, and where its time goes.

It is the project's own session: benchmarks are run a little, under the profiler, or the tests are
where there are none.
"""

from __future__ import annotations

import cProfile
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.harness.items import uses_benchmark
from pytest_autoloop.harness.registry import Registry
from pytest_autoloop.harness.undivided import keep_in_one_process
from pytest_autoloop.onboarding.children import answer, wanted_here

if TYPE_CHECKING:
    from collections.abc import Generator

#: How pytest says that a test waits for what is about to be written.
_MISSING = tuple(f"fixture '{name}' not found" for name in ("target", "autoloop_baseline"))
#: Directories in a project that hold what others wrote.
_FOREIGN = frozenset({"site-packages", "dist-packages", ".venv", "venv", ".tox", ".nox"})


class Survey:
    """Collects, profiles and tells."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        self._root = Path(wanted["root"])
        self.registry = Registry()
        self._benchmarks: list[str] = []
        self._guards: list[str] = []
        self._tests: set[Path] = set()
        self._failed: list[str] = []
        self._uncollected: list[str] = []
        #: What the first failure says, in a line.
        self._said = ""
        #: Share of the time by file and function, summed over what was profiled.
        self._shares: defaultdict[tuple[str, str], float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Keep the session in this process; each benchmark makes its call once.

        pytest-benchmark's rounds cannot be profiled, and a profile counts: once tells the shares.
        """
        keep_in_one_process(config, benchmark_disable=True, benchmark_enable=False)
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Note what there is; run the benchmarks alone where there are some."""
        benchmarks = [item for item in items if uses_benchmark(item)]
        self._benchmarks = [item.nodeid for item in benchmarks]
        self._guards = [item.nodeid for item in items if item not in benchmarks]
        self._tests = {item.path for item in items}
        if benchmarks:
            items[:] = benchmarks

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Note a module that cannot be collected."""
        if report.failed:
            self._uncollected.append(report.nodeid)
            self._said = self._said or _last_error(report.longreprtext)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Profile the call of a test."""
        profile = cProfile.Profile()
        try:
            profile.enable()
        except ValueError:  # another profiler is at work, as in a project that profiles itself
            return (yield)
        try:
            return (yield)
        finally:
            profile.disable()
            self._add(profile)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note a test that fails."""
        if report.failed and not any(what in report.longreprtext for what in _MISSING):
            self._failed.append(report.nodeid)
            self._said = self._said or _last_error(report.longreprtext)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Tell what was found."""
        total = sum(self._shares.values()) or 1.0
        files: dict[str, dict[str, float]] = {}
        hottest = sorted(self._shares.items(), key=lambda one: -one[1])
        for (file, function), seconds in hottest:
            files.setdefault(file, {})[function] = seconds / total
        tests = Counter(
            path.parent.relative_to(self._root).as_posix()
            for path in self._tests
            if path.is_relative_to(self._root)
        )
        found = {
            "guards": len(self._guards),
            "benchmarks": self._benchmarks,
            "targets": sorted(self.registry.targets),
            "metrics": sorted(self.registry.metrics),
            "failed": self._failed,
            "uncollected": self._uncollected,
            "said": self._said,
            "tests_in": tests.most_common(1)[0][0] if tests else "",
            "basis": "benchmarks" if self._benchmarks else "tests",
            "files": files,
        }
        answer(self._wanted, found)

    def _add(self, profile: cProfile.Profile) -> None:
        """Add what a profile says of the project's own files.

        What a function spends in others' code, and in C, counts for it. Each benchmark has the same
        weight, however long it takes.
        """
        spent: defaultdict[tuple[str, str], float] = defaultdict(float)
        for entry in profile.getstats():
            place = self._place(entry.code)
            if place is None:
                continue
            below = sum(one.totaltime for one in entry.calls or () if self._place(one.code) is None)
            spent[place] += entry.inlinetime + below
        total = sum(spent.values())
        weight = 1.0 / total if self._benchmarks and total else 1.0
        for place, seconds in spent.items():
            self._shares[place] += seconds * weight

    def _place(self, code: Any) -> tuple[str, str] | None:  # noqa: ANN401 - code, or a C name
        """Return file and function of code of the project that is no test."""
        name = getattr(code, "co_filename", None)
        if not isinstance(name, str) or not name.endswith(".py"):
            return None
        path = Path(name)
        if not path.is_relative_to(self._root) or path in self._tests or path.stem == "conftest":
            return None
        below = path.relative_to(self._root)
        if _FOREIGN & set(below.parts):
            return None
        return below.as_posix(), getattr(code, "co_qualname", code.co_name)


def _last_error(text: str) -> str:
    """Return the line of a traceback that says most."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return lines[-1] if lines else text.strip().rpartition("\n")[2]


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take part in the session that has loaded this module."""
    looking = Survey(wanted_here())
    pluginmanager.register(looking)
    pluginmanager.register(looking.registry)
