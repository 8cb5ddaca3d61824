"""The processor clock of a worker, read when it says the truth."""

from __future__ import annotations

import time
from pathlib import Path

from pytest_autoloop.evaluation.isolated.process_clock import cpu_clock

#: A worker that goes on for longer than that, after its answer, is doing something of its own.
_PATIENCE = 0.005


def settled_clock(process: int) -> float:
    """Return the processor seconds of another process, once it sleeps.

    While a process runs, the kernel brings its clock up to date at its ticks alone: read at once
    after an answer, the clock may lack as much as 4 ms, and more of a short window than of a long
    one. A process that sleeps has been accounted for.
    """
    until = time.monotonic() + _PATIENCE
    while _runs(process) and time.monotonic() < until:
        pass
    return cpu_clock(process)


def _runs(process: int) -> bool:
    try:
        stat = Path(f"/proc/{process}/stat").read_bytes()
    except OSError:
        return False
    # The name before the state may hold anything, parentheses too.
    return stat.rpartition(b")")[2].split()[0] == b"R"
