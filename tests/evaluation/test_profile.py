"""The lines in which benchmarks spend their time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.profile import Sampler, hot_lines
from pytest_autoloop.model import HotLine
from tests.pitfalls.bench import open_bench

if TYPE_CHECKING:
    from tests.projects import Project

TARGET = """\
def busy(n):
    total = 0
    for i in range(n):
        total += sum(range(50))
    return total


def idle():
    return 1
"""
RECURSION = """\
def fib(n):
    if n < 2:
        return n
    return fib(n - 1) + fib(n - 2)
"""
CALLS = """\
    from busy import fib

    def test_fib(benchmark):
        assert benchmark(fib, 15) == 610
"""
BENCHMARK = """\
    from busy import busy, idle

    def test_busy(benchmark):
        assert idle() == 1
        assert benchmark(busy, 200) == 200 * 1225
"""


def test_the_hottest_line_is_found(project: Project) -> None:
    """In a real session of benchmarks, the line that calls the sum is where the time goes."""
    project.commit({"busy.py": TARGET, "test_busy.py": BENCHMARK})
    with open_bench(project, "busy.py") as bench:
        hot = bench.evaluator.profile()
    assert hot[0].line == 4
    assert hot[0].share > 0.5
    assert {line.line for line in hot} <= {1, 2, 3, 4, 5}


def test_a_function_that_was_just_called_counts_for_the_calling_line(project: Project) -> None:
    """In a recursion without a loop, Python looks for signals only where a call begins."""
    project.commit({"busy.py": RECURSION, "test_busy.py": CALLS})
    with open_bench(project, "busy.py") as bench:
        hot = bench.evaluator.profile()
    assert hot[0].line == 4
    assert hot[0].share > 0.5


def test_shares_are_of_all_samples() -> None:
    """Time outside of the target counts for no line; what is no count is left out."""
    samples = {"0": 50, "7": 40, "3": 10, "x": 5, "9": "many", "8": -1}
    assert hot_lines(samples) == (HotLine(7, 0.4), HotLine(3, 0.1))
    assert hot_lines({}) == ()


def test_the_innermost_line_of_the_target_counts() -> None:
    """What a line calls elsewhere is that line's time."""
    sampler = Sampler("target.py")
    code = compile("def call(f):\n    return f()\n", "target.py", "exec")
    names: dict[str, object] = {}
    exec(code, names)
    import sys

    names["call"](lambda: sampler._take(0, sys._getframe()))  # type: ignore[operator]
    sampler._take(0, sys._getframe())
    assert sampler.samples == {"2": 1, "0": 1}
