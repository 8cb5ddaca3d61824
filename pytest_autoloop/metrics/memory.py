"""How much memory a command holds, or a call."""

from __future__ import annotations

import gc
import tempfile
import tracemalloc
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias, get_args

from pytest_autoloop.errors import MeasurementError
from pytest_autoloop.metrics.measurement import Measurement
from pytest_autoloop.metrics.programs import TIMEOUT, program, run

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.metrics.measurement import Place
    from pytest_autoloop.metrics.programs import Command

Tool: TypeAlias = Literal["tracemalloc", "memray"]


def peak_memory(
    what: Command | Callable[[], object],
    *,
    timeout: float | None = None,
    shell: bool = False,
    tool: Tool = "tracemalloc",
) -> Measurement:
    """Measure the most memory that a command holds, or a call allocates: KiB, lower is better.

    Of a command it is the resident set of its largest process, as the kernel counts it (wait4(2));
    what needs less than about 10 MB counts as that. Of a function it is what the call allocates on
    top of what was there, seen by Python's own `tracemalloc`; `memray` also sees what C code
    allocates.

    Args:
        what: a command, or a function without arguments.
        timeout: seconds after which a command is ended (60).
        shell: whether the system's shell runs the command, which is one line then.
        tool: what watches a function; `memray` has to be installed.

    Raises:
        ValueError: there is nothing to run, or an argument is out of range.
    """
    if tool not in get_args(Tool):
        raise ValueError(f"tool={tool!r}: write 'tracemalloc' or 'memray'")
    if not callable(what):
        if tool != "tracemalloc":
            raise ValueError(f"tool={tool!r} watches functions; leave it out for a command")
        command = program(what, timeout=TIMEOUT if timeout is None else timeout, shell=shell)

        def take(place: Place) -> float:
            peak = run(command, place, peak=True).peak
            assert peak is not None
            return peak

        return Measurement("lower", "KiB", f"peak memory of `{command}`", take)
    if timeout is not None or shell:
        raise ValueError("timeout and shell are for commands: a function cannot be ended")
    called, watch = what, _traced if tool == "tracemalloc" else _tracked
    name = getattr(called, "__name__", repr(called))
    return Measurement(
        "lower", "KiB", f"peak memory of a call of {name}", lambda _: watch(called) / 1024
    )


def _traced(called: Callable[[], object]) -> int:
    """Return what a call allocates at most at once, in bytes."""
    was_tracing = tracemalloc.is_tracing()
    if not was_tracing:
        tracemalloc.start()
    try:
        # Garbage of others would be freed by the call, or not.
        gc.collect()
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        called()
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not was_tracing:
            tracemalloc.stop()


def _tracked(called: Callable[[], object]) -> int:
    try:
        memray = import_module("memray")
    except ImportError as error:
        message = "tool='memray' needs memray: pip install memray, or leave it out for tracemalloc"
        raise MeasurementError(message) from error
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "allocations")
        gc.collect()
        with memray.Tracker(file):
            called()
        return int(memray.FileReader(file).metadata.peak_memory)
