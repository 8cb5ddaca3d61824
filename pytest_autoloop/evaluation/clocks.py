"""What a benchmark can be timed with: wall time, CPU time, or instructions.

CPU time leaves out the time in which other processes had the processor, and with it most of a busy
machine's noise; it also leaves out waiting (sleep, files, network), which may be what a user feels.

Instructions hardly vary at all, and mislead where an instruction's cost does: a change that misses
the cache more often, mispredicts more branches or divides instead of adding can execute fewer
instructions and take longer. They are for code that computes, as a second opinion.
"""

from __future__ import annotations

import ctypes
import os
import platform
import struct
import sys
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError

if TYPE_CHECKING:
    from pytest_autoloop.model import Clock

#: Number of perf_event_open in Linux's table of system calls.
_SYSTEM_CALL = {"x86_64": 298, "aarch64": 241}
#: struct perf_event_attr: PERF_TYPE_HARDWARE, its first size, PERF_COUNT_HW_INSTRUCTIONS.
_HARDWARE, _SIZE, _INSTRUCTIONS = 0, 64, 1
#: Flag bits: do not count the kernel (bit 5) and the hypervisor (bit 6).
_FLAGS = 1 << 5 | 1 << 6
#: Instructions are given in thousands of millions, so that one of them counts as a nanosecond:
#: pytest-benchmark plans its rounds by what a clock says.
_SCALE = 1e-9
_descriptor = -1


def timer(clock: Clock) -> str:
    """Return the dotted name of the function that pytest-benchmark is to call.

    Raises:
        UsageError: this machine cannot count instructions.
    """
    if clock == "instructions":
        global _descriptor  # noqa: PLW0603 - pytest-benchmark takes a clock by its name alone
        if _descriptor >= 0:  # in a fork, it still counts what the parent executes
            os.close(_descriptor)
            _descriptor = -1
        _descriptor = _counter()
        return f"{__name__}.instructions"
    return {"wall": "time.perf_counter", "cpu": "time.process_time"}[clock]


def instructions() -> float:
    """Return thousands of millions of instructions, counted since `timer` opened the counter."""
    (count,) = struct.unpack("=Q", os.read(_descriptor, 8))
    return float(count) * _SCALE


def _counter() -> int:
    number = _SYSTEM_CALL.get(platform.machine())
    if sys.platform != "linux" or number is None:
        message = f"cannot count instructions on {platform.system()} {platform.machine()}"
        raise UsageError(f"--autoloop-clock=instructions: {message}; write wall or cpu")
    attributes = struct.pack("=IIQQQQQ", _HARDWARE, _SIZE, _INSTRUCTIONS, 0, 0, 0, _FLAGS)
    buffer = ctypes.create_string_buffer(attributes.ljust(_SIZE, b"\0"), _SIZE)
    library = ctypes.CDLL(None, use_errno=True)
    # This thread (0), on any processor (-1), in no group (-1), closed on exec (8).
    descriptor = library.syscall(number, buffer, 0, -1, -1, 8)
    if descriptor < 0:
        reason = os.strerror(ctypes.get_errno())
        message = (
            f"--autoloop-clock=instructions: the kernel gives no counter ({reason}); lower "
            "/proc/sys/kernel/perf_event_paranoid to 2, use a machine with counters, or write "
            "wall or cpu"
        )
        raise UsageError(message)

    return int(descriptor)
