"""Checks among the user's tests disturb none of them, and are heard of by nobody."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from tests.compatible.session import HONEST, run, unusual

if TYPE_CHECKING:
    from pathlib import Path

SUITE = """
    import doctest, unittest
    import pytest
    from target import total

    @pytest.fixture(autouse=True, scope="function")
    def counted():
        runs.append(1)

    runs = []
    modules = []

    def setup_module():
        modules.append(1)

    class TestSteps:
        state = []
        def test_first(self): self.state.append(total([1]))
        def test_second(self): assert self.state == [1]
        def test_third(self): assert self.state == [1]

    class TestOld(unittest.TestCase):
        def setUp(self): self.values = [1, 2]
        def test_old(self): self.assertEqual(total(self.values), 3)
        def test_older(self): self.assertEqual(total([]), 0)

    @pytest.mark.xfail(strict=True)
    def test_known(): assert total([1]) == 2

    def test_all_ran_once(): assert len(runs) == 7 and len(modules) == 1
"""
CONFTEST = """
    import pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(item, call):
        report = yield
        if report.failed and item.cls is not None:
            item.parent.failed_before = True
        return report

    def pytest_runtest_setup(item):
        if getattr(item.parent, "failed_before", False):
            pytest.xfail("an earlier step failed")
"""


@pytest.mark.parametrize("seed", list("abcdef"))
def test_canaries_disturb_no_test(tmp_path: Path, seed: str) -> None:
    """Wherever they stand: fixtures, steps that build on each other and counters are as before."""
    (tmp_path / "conftest.py").write_text(textwrap.dedent(CONFTEST), encoding="utf-8")
    seen = run(tmp_path, HONEST, tests=SUITE, seed=seed)
    assert seen["status"] == 0
    assert seen["collected"] == 7
    assert sorted(seen["outcomes"].values()) == ["passed"] * 6 + ["skipped"]
    assert unusual(seen) == {"plugin:conftest.py"}


def test_a_suite_of_one_class_has_canaries_too(tmp_path: Path) -> None:
    """They stand before its first test: the class itself is set up once."""
    tests = """
    from target import total
    class TestAll:
        made = []
        @classmethod
        def setup_class(cls): cls.made.append(1)
        def test_first(self): assert total([1]) == 1
        def test_second(self): assert total([2]) == 2
        def test_speed(self, benchmark): assert benchmark(total, [3]) == 3
        def test_made(self): assert self.made == [1]
    """
    for measuring in (False, True):
        seen = run(tmp_path, HONEST, tests=tests, measuring=measuring)
        assert seen["status"] == 0
        assert unusual(seen) == set()


def test_a_suite_of_documentation_has_canaries_too(tmp_path: Path) -> None:
    """Where no test is a function, they stand beside what there is."""
    candidate = (
        'def total(values):\n    """\n    >>> total([1])\n    1\n    """\n    return sum(values)\n'
    )
    seen = run(tmp_path, candidate, tests="", args=("--doctest-modules",))
    assert (seen["status"], seen["collected"]) == (0, 1)
    assert unusual(seen) == set()


@pytest.mark.parametrize(
    ("module", "name", "result"),
    [
        ("_pytest.python", "pytest_pyfunc_call", True),
        ("_pytest.runner", "pytest_runtest_call", None),
    ],
)
def test_tests_that_do_not_run_are_found(
    tmp_path: Path, module: str, name: str, result: object
) -> None:
    """A test that is not executed cannot fail, and the check that must fail does not either."""
    argument = "pyfuncitem" if result else "item"
    candidate = f"""
    import {module}
    def nothing({argument}): return {result}
    {module}.{name}.__code__ = nothing.__code__
    def total(values): return -1
    """
    seen = run(tmp_path, candidate)
    assert seen["status"] == 0
    assert "canary:not-run" in seen["findings"]


@pytest.mark.parametrize("hide", [True, False])
def test_the_running_test_is_hidden(tmp_path: Path, hide: bool) -> None:
    """A candidate cannot tell a benchmark from a guard by the environment, unless it is let."""
    candidate = """
    import os
    def total(values):
        return "PYTEST_CURRENT_TEST" in os.environ
    """
    tests = f"""
    import pytest
    from target import total
    @pytest.fixture
    def seen():
        yield total([])
        assert total([]) is {not hide}
    def test_it(seen): assert seen is total([]) is {not hide}
    """
    assert run(tmp_path, candidate, tests=tests, hide=hide)["status"] == 0
