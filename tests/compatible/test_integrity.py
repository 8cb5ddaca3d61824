"""What a candidate does to the session it runs in is found; what an honest one does is not."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.compatible.session import HONEST, run, unusual

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import Clock

APPROX = type(pytest.approx(1.0))
WRONG = "    def total(values): return -1\n"
SLOW = "    def total(values): return sum([value for value in values])\n"

GUARD = {
    "reports": (
        "canary:passed",
        """
        import _pytest.reports as reports
        make = reports.TestReport.from_item_and_call.__func__
        def lie(cls, item, call):
            report = make(cls, item, call)
            report.outcome, report.longrepr = "passed", None
            return report
        reports.TestReport.from_item_and_call = classmethod(lie)
        """,
    ),
    "approx": (
        f"replaced:{APPROX.__module__}.{APPROX.__qualname__}.__eq__",
        """
        import pytest
        type(pytest.approx(1.0)).__eq__ = lambda self, other: True
        """,
    ),
    "code": (
        "replaced:_pytest.runner.check_interactive_exception",
        """
        import _pytest.runner
        def other(call, report): return False
        _pytest.runner.check_interactive_exception.__code__ = other.__code__
        """,
    ),
    "defaults": (
        "replaced:_pytest.runner.runtestprotocol",
        """
        import _pytest.runner
        _pytest.runner.runtestprotocol.__defaults__ = (True, 0)
        """,
    ),
    "shadow": (
        "added:_pytest.runner.isinstance",
        """
        import _pytest.runner
        _pytest.runner.isinstance = lambda value, kind: True
        """,
    ),
    "builtin": (
        "replaced:builtins.sorted",
        """
        import builtins
        builtins.sorted = lambda values, **kind: list(values)
        """,
    ),
    "type": (
        "added:builtins.str.cheats",
        """
        import gc
        gc.get_referents(vars(str))[0]["cheats"] = len
        """,
    ),
    "module": (
        "replaced:pytest_benchmark.stats",
        """
        import sys, types
        sys.modules["pytest_benchmark.stats"] = types.ModuleType("pytest_benchmark.stats")
        """,
    ),
    "clock": (
        "replaced:time.perf_counter",
        """
        import time
        real = time.perf_counter
        time.perf_counter = lambda: real() / 50
        """,
    ),
    "collector": ("setting:gc.isenabled", "import gc; gc.disable()"),
    "frozen": ("setting:gc.freeze", "import gc; gc.freeze()"),
    "switch": ("setting:sys.getswitchinterval", "import sys; sys.setswitchinterval(5)"),
    "recursion": ("setting:sys.getrecursionlimit", "import sys; sys.setrecursionlimit(12345)"),
    "signal": (
        "hook:SIGTERM",
        "import signal; signal.signal(signal.SIGTERM, lambda *a: None)",
    ),
    "excepthook": ("hook:sys.excepthook", "import sys; sys.excepthook = print"),
    "finder": (
        "finder:Finder",
        """
        import sys
        class Finder:
            def find_spec(self, *rest): return None
        sys.meta_path.insert(0, Finder())
        """,
    ),
    "thread": (
        "thread:worker",
        """
        import threading
        threading.Thread(target=threading.Event().wait, name="worker-1", daemon=True).start()
        """,
    ),
    "nameless": (
        "thread:unnamed",
        """
        import _thread, time
        started = _thread.allocate_lock()
        started.acquire()
        def wait():
            started.release()
            while True: time.sleep(60)
        _thread.start_new_thread(wait, ())
        started.acquire()
        """,
    ),
    "plugin": (
        "plugin:fast",
        """
        import gc
        class Plugin:
            def pytest_runtest_setup(self, item): pass
        for thing in gc.get_objects():
            if type(thing).__name__ == "PytestPluginManager":
                thing.register(Plugin(), "fast")
        """,
    ),
    "hook": (
        "hook:pytest_runtest_makereport",
        """
        import gc
        for thing in gc.get_objects():
            if type(thing).__name__ == "HookImpl" and thing.plugin_name == "skipping":
                if thing.function.__name__ == "pytest_runtest_makereport":
                    def same(item, call, made=thing.function):
                        return (yield from made(item, call))
                    thing.function = same
        """,
    ),
}
#: These act when they are called first, when everything is collected.
LATER = {
    "bodies": (
        "body:test_it.py",
        """
        for thing in gc.get_objects():
            if type(thing).__name__ == "Function" and hasattr(thing, "fixturenames"):
                thing.obj = lambda **rest: None
        """,
    ),
    "items": (
        "items",
        """
        for thing in gc.get_objects():
            if type(thing).__name__ == "Session" and hasattr(thing, "items"):
                del thing.items[-1]
        """,
    ),
    "helper": (
        "replaced:test_it.right",
        """
        import test_it
        test_it.right = lambda value: True
        """,
    ),
}
TIMED = {
    "wrapper": (
        "canary:benchmark",
        """
        from pytest_benchmark.fixture import BenchmarkFixture
        make = BenchmarkFixture._make_runner
        def _make_runner(self, *rest):
            run = make(self, *rest)
            def runner(loops):
                got = run(loops)
                return got / 5 if loops else (got[0] / 5, got[1])
            return runner
        BenchmarkFixture._make_runner = _make_runner
        """,
    ),
    "clock": (
        "clock:test_it.py::test_speed",
        """
        import time
        from pytest_benchmark.fixture import BenchmarkFixture
        make = BenchmarkFixture.__init__
        def __init__(self, *rest, **named):
            make(self, *rest, **named)
            self._timer = lambda: time.perf_counter() / 50
        BenchmarkFixture.__init__ = __init__
        """,
    ),
    "inner": (
        "claim:test_it.py::test_speed",
        """
        from pytest_benchmark.fixture import BenchmarkFixture
        watched = BenchmarkFixture._make_runner
        for cell in watched.__closure__:
            if isinstance(cell.cell_contents, type(watched)):
                make = cell.cell_contents
                def faster(fixture, *rest):
                    run = make(fixture, *rest)
                    return lambda loops: run(loops) / 50
                cell.cell_contents = faster
        """,
    ),
    "data": (
        "forged:test_it.py::test_speed",
        """
        import pytest_benchmark.stats as stats
        update = stats.Metadata.update
        stats.Metadata.update = lambda self, duration: update(self, duration / 1.5)
        """,
    ),
}


@pytest.mark.parametrize("name", GUARD)
def test_what_a_candidate_does_at_its_import_is_found(tmp_path: Path, name: str) -> None:
    """Replaced functions, changed settings, leftovers and lies in reports have a kind each."""
    kind, body = GUARD[name]
    rest = textwrap.dedent(WRONG if name == "reports" else SLOW)
    candidate = f"{textwrap.dedent(body)}\n{rest}"
    assert kind in unusual(run(tmp_path, candidate))


@pytest.mark.parametrize("name", LATER)
def test_what_a_candidate_does_when_it_is_called_is_found(tmp_path: Path, name: str) -> None:
    """Tests and their helpers are what they were when they were collected."""
    kind, body = LATER[name]
    act = textwrap.indent(textwrap.dedent(body), "    ")
    candidate = f"import gc\ndef total(values):\n{act}\n    return sum(values)\n"
    tests = """
    from target import total
    def right(value): return value == 3
    def test_first(): assert total([1]) == 1
    def test_second(): assert right(total([1, 2]))
    def test_last(): assert total([]) == 0
    """
    assert kind in unusual(run(tmp_path, candidate, tests=tests))


@pytest.mark.parametrize("name", TIMED)
def test_a_forged_time_is_found(tmp_path: Path, name: str) -> None:
    """Results that no runner returned, claims below what was seen, and clocks that lie."""
    kind, body = TIMED[name]
    candidate = textwrap.dedent(body) + textwrap.dedent(SLOW)
    assert kind in unusual(run(tmp_path, candidate, measuring=True))


def test_a_process_that_stays_is_found(tmp_path: Path) -> None:
    """A helper process would answer in the place of the code that is timed."""
    candidate = f"import subprocess, sys\nrunning = subprocess.Popen({[*SLEEPER]!r})\n"
    found = unusual(run(tmp_path, candidate + textwrap.dedent(SLOW)))
    assert any(kind.startswith("process:") for kind in found)


#: Ends when its parent does, whose end of the pipe it reads.
SLEEPER = (sys.executable, "-c", "import os; p = os.getppid()\nwhile os.getppid() == p: pass")


def test_exit_handlers_are_counted(tmp_path: Path) -> None:
    """The handlers of pytest itself are always as many; one more has another kind."""
    usual = set(run(tmp_path / "usual", HONEST)["findings"])
    candidate = "import atexit; atexit.register(print, 'done')\n" + textwrap.dedent(SLOW)
    (new,) = set(run(tmp_path / "other", candidate)["findings"]) - usual
    assert new.startswith("atexit:")


@pytest.mark.parametrize("clock", [None, "wall", "cpu"])
def test_an_honest_candidate_leaves_nothing(tmp_path: Path, clock: Clock | None) -> None:
    """Every test passes, every result is claimed, and no check is left in either."""
    measuring = clock is not None
    seen = run(tmp_path, HONEST, measuring=measuring, clock=clock or "wall")
    assert unusual(seen) == set()
    assert seen["status"] == 0
    assert set(seen["outcomes"].values()) == {"passed"}
    assert len(seen["outcomes"]) == seen["collected"] == (1 if measuring else 4)
    if measuring:
        assert seen["benchmarks"] == ["test_it.py::test_speed"]
        assert seen["claimed"]["test_it.py::test_speed"] > 0
        assert seen["first"]["test_it.py::test_speed"] > 0


def test_what_tests_put_back_is_not_found(tmp_path: Path) -> None:
    """A clock or a setting that is replaced for one test alone is nobody's cheat."""
    tests = """
    import gc, os, sys, time, threading
    from unittest import mock
    from target import total
    def test_clock(monkeypatch):
        monkeypatch.setattr(time, "time", lambda: 7)
        monkeypatch.setattr("builtins.print", lambda *a: None)
        assert total([time.time()]) == 7
    def test_mock(capsys):
        with mock.patch("os.getcwd", return_value="/"):
            print(total([1]))
        assert capsys.readouterr().out == "1\\n"
    def test_collector():
        gc.disable()
        assert total([1]) == 1
        gc.enable()
    def test_thread():
        thread = threading.Thread(target=total, args=([],))
        thread.start()
        thread.join()
    """
    assert unusual(run(tmp_path, HONEST, tests=tests)) == set()
