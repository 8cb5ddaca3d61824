"""The processor seconds of another process, all its threads together.

Written after the systems' own documentation; only the Linux part has been run by the tests.
"""

from __future__ import annotations

import ctypes
import sys
import time

#: rusage_info_v0 of sys/resource.h: an identity of 16 bytes, then user and system time, and more.
_USAGE_BYTES, _USER_TIME, _SYSTEM_TIME = 160, 16, 24
#: PROCESS_QUERY_LIMITED_INFORMATION of winnt.h.
_QUERY = 0x1000
#: A FILETIME counts in 100 ns.
_FILETIME = 1e-7


def cpu_clock(process: int) -> float:
    """Return the processor seconds of a process.

    Raises:
        OSError: there is no such process, or it may not be asked.
    """
    if sys.platform == "win32":
        return _on_windows(process)
    if sys.platform == "darwin":
        return _on_macos(process)
    # MAKE_PROCESS_CPUCLOCK with CPUCLOCK_SCHED, linux/posix-timers.h.
    return time.clock_gettime((~process << 3) | 2)


def _on_macos(process: int) -> float:
    library = ctypes.CDLL("/usr/lib/libSystem.dylib", use_errno=True)
    usage = ctypes.create_string_buffer(_USAGE_BYTES)
    if library.proc_pid_rusage(process, 0, usage):
        raise OSError(ctypes.get_errno(), "proc_pid_rusage")
    ticks = sum(
        int.from_bytes(usage.raw[at : at + 8], sys.byteorder) for at in (_USER_TIME, _SYSTEM_TIME)
    )
    base = (ctypes.c_uint32 * 2)()
    # Ticks are nanoseconds on Intel alone.
    library.mach_timebase_info(base)
    return ticks * base[0] / base[1] * 1e-9


def _on_windows(process: int) -> float:
    if sys.platform != "win32":
        return 0.0
    kernel = ctypes.windll.kernel32
    handle = kernel.OpenProcess(_QUERY, False, process)
    if not handle:
        raise ctypes.WinError()
    times = [ctypes.c_uint64() for _ in range(4)]
    done = kernel.GetProcessTimes(handle, *map(ctypes.byref, times))
    kernel.CloseHandle(handle)
    if not done:
        raise ctypes.WinError()
    # Creation and exit come first, then kernel and user time.
    return float(times[2].value + times[3].value) * _FILETIME
