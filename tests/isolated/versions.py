"""Versions of a small module in real workers, and a recording of calls to it."""

from __future__ import annotations

import sys
import textwrap
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.contract import Source, Surroundings
from pytest_autoloop.evaluation.isolated.handle import Worker
from pytest_autoloop.evaluation.isolated.recording import Call, Recording

if TYPE_CHECKING:
    from pathlib import Path

#: Counts pairs the slow way, and refuses what is no whole number.
PAIRS = """
def pairs(nums, total):
    if not isinstance(total, int):
        raise TypeError("total must be an int")
    count = 0
    for i in range(len(nums)):
        for j in range(i + 1, len(nums)):
            if nums[i] + nums[j] == total:
                count += 1
    return count
"""
#: The same in one pass.
FAST_PAIRS = """
def pairs(nums, total):
    if not isinstance(total, int):
        raise TypeError("total must be an int")
    seen = {}
    count = 0
    for x in nums:
        count += seen.get(total - x, 0)
        seen[x] = seen.get(x, 0) + 1
    return count
"""
#: The slow way, remembered from call to call.
MEMO_PAIRS = f"""
import functools
{PAIRS}
_slow = pairs

@functools.lru_cache(maxsize=None)
def _known(nums, total):
    return _slow(list(nums), total)

def pairs(nums, total):
    if type(total) is not int:
        return _slow(nums, total)
    return _known(tuple(nums), total)
"""


class Versions:
    """Starts workers for sources, and ends them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._started: list[Worker] = []

    def start(self, text: str) -> Worker:
        """Start a worker that has loaded this text."""
        home = self._directory / f"home-{len(self._started):03}"
        home.mkdir()
        path = str(self._directory / "counting.py")
        source = Source("counting", path, textwrap.dedent(text).encode())
        surroundings = Surroundings(
            import_roots=(),
            readable=(),
            home=str(home),
            output=f"{home}.out",
            # What is tested here is no layer, and one machine has other ones than the next.
            contained=False,
            memory_bytes=None,
        )
        worker = Worker(source, surroundings, seconds=60)
        self._started.append(worker)
        return worker

    def close(self) -> None:
        """End all that were started."""
        for worker in self._started:
            worker.close()


def recorded(
    function: str, *calls: tuple[Any, ...], benchmark: bool = False, raised: bool = False
) -> Recording:
    """Return a recording of calls with these positional arguments."""
    node = "test_it.py::test_speed" if benchmark else "test_it.py::test_guard"
    return Recording(
        [Call(function, plain.encode((call, {})), node, benchmark, 0.001, raised) for call in calls]
    )


def together(*recordings: Recording) -> Recording:
    """Return one recording with the calls of all."""
    return Recording([call for recording in recordings for call in recording.calls])


def runs_here() -> bool:
    """Tell whether workers can be forked here."""
    return sys.platform == "linux"
