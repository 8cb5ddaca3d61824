"""What a benchmark can be timed with."""

from __future__ import annotations

import importlib
import platform
import time
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.evaluation import clocks

if TYPE_CHECKING:
    from collections.abc import Callable


def named(name: str) -> Callable[[], float]:
    """Return the function that a dotted name stands for."""
    module, _, function = name.rpartition(".")
    found: Callable[[], float] = getattr(importlib.import_module(module), function)
    return found


@pytest.fixture
def instructions() -> Callable[[], float]:
    """Open the counter, where the kernel gives one."""
    try:
        return named(clocks.timer("instructions"))
    except UsageError as error:
        pytest.skip(str(error))


def test_clocks_go_by_names_that_pytest_benchmark_takes() -> None:
    """It wants the dotted name of a function without arguments."""
    assert named(clocks.timer("wall")) is time.perf_counter
    assert named(clocks.timer("cpu")) is time.process_time


def test_more_work_is_more_instructions(instructions: Callable[[], float]) -> None:
    """Ten times the work takes about ten times the instructions, on a machine of any load."""

    def counted(size: int) -> float:
        before = instructions()
        sum(range(size))
        return instructions() - before

    counted(10)
    small, large = counted(100_000), counted(1_000_000)
    assert 5 < large / small < 20
    # Given in thousands of millions: some instructions for each number.
    assert 1e6 * 1e-9 < large < 1e9 * 1e-9


def test_waiting_takes_no_instructions(instructions: Callable[[], float]) -> None:
    """Only what executes is counted."""
    before = instructions()
    time.sleep(0.02)
    waited = instructions() - before
    before = instructions()
    sum(range(1_000_000))
    assert waited < (instructions() - before) / 5


def test_a_machine_without_a_counter_is_told_what_to_write(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the option, the machine, and what works instead."""
    monkeypatch.setattr(platform, "machine", lambda: "mips")
    with pytest.raises(UsageError, match=r"--autoloop-clock=instructions: .* mips; write wall or"):
        clocks.timer("instructions")


def test_a_kernel_that_refuses_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here because the event that is asked for does not exist."""
    if platform.machine() not in clocks._SYSTEM_CALL or platform.system() != "Linux":
        pytest.skip("there is no such system call")
    monkeypatch.setattr(clocks, "_HARDWARE", 10_000)
    with pytest.raises(UsageError, match=r"the kernel gives no counter .*perf_event_paranoid"):
        clocks.timer("instructions")
