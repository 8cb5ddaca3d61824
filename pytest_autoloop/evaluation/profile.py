"""Where in the target the benchmarks spend their time, by sampling the child that runs them."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING

from pytest_autoloop.model import HotLine

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from types import FrameType

#: Seconds of processor time between two samples.
_INTERVAL = 0.001
_LISTED = 20


class Sampler:
    """Counts, sample by sample, the target's innermost line that is being executed.

    A call that leaves the target, into C or another module, counts for the line that made it.
    Python looks for signals where a loop goes round and where a function begins, no oftener: a
    long call is noticed at its end, and a function that was just called counts for its caller.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        #: Line, as text for JSON, to samples; ``"0"`` are those without a line of the target.
        self.samples: dict[str, int] = {}

    @contextmanager
    def running(self) -> Iterator[None]:
        """Sample while the block runs; without such a timer (Windows) nothing is seen."""
        if not hasattr(signal, "setitimer"):
            yield
            return
        before = signal.signal(signal.SIGPROF, self._take)
        signal.setitimer(signal.ITIMER_PROF, _INTERVAL, _INTERVAL)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, before)

    def _take(self, _: int, frame: FrameType | None) -> None:
        found = 0
        while frame is not None:
            if frame.f_code.co_filename == self._path:
                found = frame.f_lineno
                if found != frame.f_code.co_firstlineno:
                    break
            elif found:
                break
            frame = frame.f_back
        line = str(found)
        self.samples[line] = self.samples.get(line, 0) + 1


def hot_lines(samples: Mapping[str, object]) -> tuple[HotLine, ...]:
    """Return the hottest lines first; what a child wrote may be anything, and counts if it can."""
    counts = {
        int(line): count
        for line, count in samples.items()
        if line.isdecimal() and isinstance(count, int) and count > 0
    }
    total = sum(counts.values())
    found = [HotLine(line, count / total) for line, count in counts.items() if line]
    return tuple(sorted(found, key=lambda hot: (-hot.share, hot.line))[:_LISTED])
