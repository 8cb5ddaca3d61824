"""What the sessions see that look at a project: tests, time, calls."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.onboarding.start import record, survey
from tests.projects import snapshot

if TYPE_CHECKING:
    from tests.projects import Project

FILES = {
    "pytest.ini": """
        [pytest]
        pythonpath = src
        filterwarnings = error
        addopts = -n 2
    """,
    "src/hot.py": '''
        import random
        from functools import lru_cache

        from cold import twice

        def work(text: str, times: int = 1, *, upper=False) -> list[str]:
            """Split."""
            words = [word for _ in range(50 * times) for word in text.split()]
            return sorted({twice(word.upper() if upper else word) for word in words})

        @lru_cache
        def cached(n):
            return n + 1

        def check(n):
            if n < 0:
                raise KeyError(n)

        def chance():
            return random.random()

        def clear(values):
            values.clear()

        def opaque(thing):
            return thing

        def _private(n):
            return n

        def never(n: int):
            return n
    ''',
    "src/cold.py": "def twice(word):\n    return word + word\n",
    "tests/test_hot.py": """
        import pytest

        import hot

        def test_work():
            assert hot.work("b a") == ["aa", "bb"]
            assert hot.work("b", 2, upper=True) == ["BB"]
            assert hot.cached(1) == 2
            hot._private(3)

        def test_others():
            with pytest.raises(KeyError):
                hot.check(-1)
            hot.chance()
            hot.clear([1])
            hot.opaque(object())
    """,
}


def test_time_is_shared_out_to_files_and_functions(project: Project) -> None:
    """Of the project alone, without its tests; options that spread a run are undone."""
    project.commit(FILES)
    before = snapshot(project.root)
    found = survey(project.root, [])
    assert (found.guards, found.benchmarks, found.basis) == (2, (), "tests")
    assert (found.tests_in, found.failed, found.targets) == ("tests", (), ())
    (first, share), (second, rest) = found.proposals()
    assert (first, second) == ("src/hot.py", "src/cold.py")
    assert share > rest
    assert share + rest == pytest.approx(1)
    assert "work" in found.files["src/hot.py"]
    assert snapshot(project.root) == before


def test_benchmarks_come_before_tests(project: Project) -> None:
    """Where the time matters is what they run."""
    bench = "import cold\n\ndef test_speed(benchmark):\n    benchmark(cold.twice, 'a')\n"
    project.commit({**FILES, "tests/test_bench.py": bench})
    found = survey(project.root, [])
    assert found.benchmarks == ("tests/test_bench.py::test_speed",)
    assert found.basis == "benchmarks"
    assert [name for name, _ in found.proposals()] == ["src/cold.py"]


def test_what_is_declared_and_what_fails_is_told(project: Project) -> None:
    """A test that waits for the target that is to be declared does not count."""
    project.write(
        {
            "test_a.py": """
                import pytest_autoloop as autoloop

                @autoloop.metric
                def size():
                    return 1

                def test_waits(target): ...
                def test_fails():
                    assert 1 == 2
            """,
        }
    )
    found = survey(project.root, [])
    assert found.metrics == ("size",)
    assert found.failed == ("test_a.py::test_fails",)
    assert found.said == "assert 1 == 2"


def test_calls_are_recorded_with_what_they_give(project: Project) -> None:
    """Of public functions, called from outside with plain data."""
    project.commit(FILES)
    module, functions = record(project.root, project.root / "src" / "hot.py", [])
    by_name = {one.name: one for one in functions}
    assert (module.name, module.hidden) == ("hot", False)
    assert "_private" not in by_name
    assert "twice" not in by_name
    work = by_name["work"]
    assert [case.arguments for case in work.cases] == [("b a", 1), ("b", 2)]
    assert [case.keywords for case in work.cases] == [{"upper": False}, {"upper": True}]
    assert work.cases[0].result == "['aa', 'bb']"
    assert work.parameters[0].annotation == "str"
    assert work.plain
    assert by_name["cached"].plain
    assert by_name["check"].cases[0].raised == "KeyError"
    assert by_name["check"].work is None, "what only refuses is no work"
    assert by_name["clear"].cases[0].changes
    assert by_name["chance"].unsteady
    assert by_name["opaque"].cases == ()
    assert by_name["never"].cases == ()


def test_a_call_is_made_long_enough_to_be_timed(project: Project) -> None:
    """Its longest text is repeated as often as it is accepted."""
    project.commit(FILES)
    _, functions = record(project.root, project.root / "src" / "hot.py", [])
    work = next(one for one in functions if one.name == "work").work
    assert work is not None
    assert work.place == 0
    assert work.times > 1


def test_pytest_that_does_not_start_is_told(project: Project) -> None:
    """With what it says."""
    project.write({"pytest.ini": "[pytest]\naddopts = --no-such-option\n"})
    with pytest.raises(UsageError, match="no-such-option"):
        survey(project.root, [])
