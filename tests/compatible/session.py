"""Runs one real pytest session with the checks in it, as a program of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from pytest_autoloop.model import Clock

#: What most candidates are tried with: one test that is right and one that a cheat would pass.
TESTS = """
    import pytest
    from target import total

    @pytest.mark.parametrize("values, expected", [([], 0), ([1, 2], 3)])
    def test_total(values, expected):
        assert total(values) == expected

    class TestMore:
        def test_keeps_order(self):
            assert total([3, 1]) == 4

    def test_speed(benchmark):
        assert benchmark(total, list(range(1000))) == 499500
"""
HONEST = """
    def total(values):
        return sum(values)
"""


class Watched:
    """A child's own plugin object, as far as the checks need one."""

    def __init__(self, measuring: bool, clock: Clock) -> None:
        self.measuring = measuring
        self.clock = clock
        self.first: dict[str, float] = {}
        self.outcomes: dict[str, str] = {}
        self.result: dict[str, Any] = {}
        self.integrity: Any = None

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Wrap pytest-benchmark's runner before it is taken as it is."""
        from pytest_autoloop.evaluation.timed import plan_by_wall_time, record_first_calls

        if self.measuring:
            record_first_calls(self.first)
            if self.clock != "wall":
                plan_by_wall_time()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Any:
        """Set the options that a child sets."""
        from pytest_autoloop.evaluation import options

        options.reset(config.option)
        if self.measuring:
            options.for_measuring(config.option, 0.02, self.clock)
        else:
            options.for_guards(config, 0)
        return (yield)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep what is measured."""
        if self.measuring:
            items[:] = [i for i in items if "benchmark" in getattr(i, "fixturenames", ())]

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Note every outcome."""
        if report.failed or report.when == "call" or report.skipped:
            self.outcomes[report.nodeid] = report.outcome

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> None:
        """Ask the checks, as a child does before it writes its verdict."""
        benchmarks = getattr(session.config, "_benchmarksession", None)
        self.result = {
            "status": int(exitstatus),
            "outcomes": self.outcomes,
            "collected": session.testscollected,
            "findings": {one.kind: one.what for one in self.integrity.findings()},
            "claimed": self.integrity.claimed,
            "first": self.first,
            "benchmarks": [entry.fullname for entry in getattr(benchmarks, "benchmarks", ())],
        }


def main() -> None:
    """Run the session in the working directory and write what it saw to a file."""
    options = json.loads(sys.argv[1])
    sys.dont_write_bytecode = True
    sys.path.insert(0, str(Path.cwd()))
    from pytest_autoloop.evaluation.compatible.integrity import Integrity

    watched = Watched(options["measuring"], options["clock"])
    watched.integrity = Integrity(
        options["seed"].encode() or None,
        measuring=options["measuring"],
        clock=options["clock"],
        hide_current_test=options["hide"],
    )
    arguments = ["-q", "-p", "no:cacheprovider", "-p", "no:rerunfailures", "--rootdir", "."]
    pytest.main([*arguments, *options["args"]], plugins=[watched, watched.integrity])
    Path(options["result"]).write_text(json.dumps(watched.result), encoding="utf-8")


def run(
    directory: Path,
    candidate: str,
    *,
    tests: str = TESTS,
    measuring: bool = False,
    clock: Clock = "wall",
    seed: str = "",
    hide: bool = True,
    args: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Run a candidate against tests; return what the session says of itself."""
    directory.mkdir(exist_ok=True)
    (directory / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    (directory / "target.py").write_text(textwrap.dedent(candidate), encoding="utf-8")
    (directory / "test_it.py").write_text(textwrap.dedent(tests), encoding="utf-8")
    result = directory / "result.json"
    options = {
        "measuring": measuring,
        "clock": clock,
        "seed": seed,
        "hide": hide,
        "args": list(args),
        "result": str(result),
    }
    subprocess.run(
        [sys.executable, __file__, json.dumps(options)],
        cwd=directory,
        # pytest-benchmark measures nothing below a worker of xdist.
        env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_XDIST_")},
        check=True,
        timeout=120,
        stdout=subprocess.DEVNULL,
    )
    seen: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
    return seen


def unusual(seen: dict[str, Any]) -> set[str]:
    """Return the kinds of what was found, without the exit handlers of pytest's own."""
    return {kind for kind in seen["findings"] if not kind.startswith("atexit:")}


if __name__ == "__main__":
    main()
