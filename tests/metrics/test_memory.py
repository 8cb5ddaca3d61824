"""Memory of commands and of calls."""

from __future__ import annotations

import importlib.util
import sys
import tracemalloc
from typing import Any

import pytest

from pytest_autoloop.metrics import MeasurementError, peak_memory

MEGABYTES = 50
KIBIBYTES = MEGABYTES * 1024
#: Written to, so that the pages are there.
FILL = f"held = bytearray(b'x') * ({MEGABYTES} << 20)"

unix = pytest.mark.skipif(sys.platform == "win32", reason="no wait4 on Windows")


@unix
def test_a_command_holds_what_it_allocates_and_an_interpreter() -> None:
    """Not what this process holds, which is more, and which the kernel counts before the start."""
    ours = bytearray(b"x") * (4 * MEGABYTES << 20)
    measurement = peak_memory(["{python}", "-I", "-S", "-c", FILL])
    assert (measurement.direction, measurement.unit) == ("lower", "KiB")
    assert KIBIBYTES < measurement() < 2 * KIBIBYTES < len(ours) / 1024


@unix
def test_the_largest_process_of_a_command_counts() -> None:
    """Also where a shell starts it and waits for it."""
    line = f'"{{python}}" -I -S -c "{FILL}"; true'
    assert KIBIBYTES < peak_memory(line, shell=True)() < 2 * KIBIBYTES


@unix
def test_a_launcher_that_is_killed_is_an_error() -> None:
    """No number rather than one of another process."""
    with pytest.raises(MeasurementError, match="was ended by SIGKILL"):
        peak_memory("kill -9 $PPID; sleep 1000", shell=True)()


def test_a_call_holds_what_it_allocates() -> None:
    """The peak, not what is left; what was there before does not count."""
    held = bytearray(MEGABYTES << 20)

    def call() -> None:
        bytearray(MEGABYTES << 20)
        bytearray(MEGABYTES << 20)

    measurement = peak_memory(call)
    assert measurement.description == "peak memory of a call of call"
    assert [measurement(), measurement()] == pytest.approx([KIBIBYTES] * 2, rel=0.01)
    assert not tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        # What others hold, or have held, is not the call's.
        held += bytearray(3 * MEGABYTES << 20)
        del held[MEGABYTES << 20 :]
        assert measurement() == pytest.approx(KIBIBYTES, rel=0.01)
        assert tracemalloc.is_tracing()
    finally:
        tracemalloc.stop()
    assert len(held) == MEGABYTES << 20


def test_memray_sees_the_same() -> None:
    """Where it is installed; where it is not, the error says how to get it."""
    measurement = peak_memory(lambda: bytearray(MEGABYTES << 20), tool="memray")
    if importlib.util.find_spec("memray") is not None:
        assert measurement() == pytest.approx(KIBIBYTES, rel=0.1)
        return
    with pytest.raises(MeasurementError, match="pip install memray, or leave it out"):
        measurement()


@pytest.mark.parametrize(
    ("what", "options", "message"),
    [
        (print, {"tool": "valgrind"}, "tool='valgrind': write 'tracemalloc' or 'memray'"),
        ("true", {"tool": "memray"}, "tool='memray' watches functions"),
        (print, {"timeout": 3}, "timeout and shell are for commands"),
    ],
    ids=str,
)
def test_arguments_out_of_range_are_refused(
    what: Any, options: dict[str, Any], message: str
) -> None:
    """Where they are written."""
    with pytest.raises(ValueError, match=message):
        peak_memory(what, **options)
