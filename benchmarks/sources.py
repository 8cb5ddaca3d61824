"""Where times come from: simulated noise, or a function really run in forked processes.

A *level* is a true log-gain on the original code, known by construction: log(1.05) is code that
needs 1/1.05 of the time.
"""

from __future__ import annotations

import gc
import math
import os
import random
import struct
import time
from collections.abc import Callable
from typing import Protocol, TypeAlias

Draw: TypeAlias = Callable[[], float]
#: Share of experiments in a burst of noise.
_BURSTS = 0.2
#: Passes of the real function's loop, and how often one process calls it.
_PASSES = 8000
_ROUNDS = 10


class Source(Protocol):
    """Runs code of a known level, and adds up what that takes."""

    #: All measuring so far.
    seconds: float

    def begin(self) -> None:
        """Begin an experiment, which may have a noise of its own."""

    def run(self, level: float, *, candidate: bool) -> float:
        """Run once, in a process of its own; return what the clock says."""


def student(rng: random.Random, degrees: int, deviation: float) -> Draw:
    """Return draws of Student's t, scaled to a standard deviation."""
    scale = deviation / math.sqrt(degrees / (degrees - 2))

    def draw() -> float:
        chi = sum(rng.gauss(0, 1) ** 2 for _ in range(degrees))
        return scale * rng.gauss(0, 1) / math.sqrt(chi / degrees)

    return draw


def noises(rng: random.Random) -> dict[str, Callable[[], tuple[Draw, float]]]:
    """Return the kinds of noise of one run.

    Each makes, for one experiment, the draws and what layout does to the candidate.
    """

    def normal(deviation: float, layout: float = 0.0) -> tuple[Draw, float]:
        return lambda: rng.gauss(0, deviation), rng.gauss(0, layout) if layout else 0.0

    return {
        "normal, sd 0.5%": lambda: normal(0.005),
        "t3, sd 1%": lambda: (student(rng, 3, 0.01), 0.0),
        "t4, sd 3% (loaded)": lambda: (student(rng, 4, 0.03), 0.0),
        "bursts: 20% x 6": lambda: normal(0.03 if rng.random() < _BURSTS else 0.005),
        "layout 0.4% + sd 0.5%": lambda: normal(0.005, layout=0.004),
    }


class Simulated:
    """Draws times instead of taking them."""

    def __init__(self, kind: str, seed: int) -> None:
        self.seconds = 0.0
        self._make = noises(random.Random(seed))[kind]
        self.begin()

    def begin(self) -> None:
        """Draw what lasts for an experiment."""
        self._draw, self._layout = self._make()

    def run(self, level: float, *, candidate: bool) -> float:
        """Return one second, divided by the speed, with noise."""
        seconds = math.exp(self._draw() - level - (self._layout if candidate else 0.0))
        self.seconds += seconds
        return seconds


def work(passes: int) -> int:
    """Do what is measured: its time is proportional to its passes."""
    total = 0
    for number in range(passes):
        total += number * number % 7
    return total


class Real:
    """Forks a warm process for each run and takes the fastest of a few rounds in it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.seconds = 0.0
        self._clock = clock

    def begin(self) -> None:
        """Begin: the machine's noise asks nobody."""

    def run(self, level: float, *, candidate: bool) -> float:  # noqa: ARG002 - the same for both
        """Run the function in a fork; what it takes in all is wall time, whatever the clock."""
        passes = round(_PASSES * math.exp(-level))
        started = time.perf_counter()
        receive, send = os.pipe()
        process = os.fork()
        if process == 0:
            # Not sys.exit: the exit handlers belong to the parent.
            try:
                os.write(send, struct.pack("d", self._fastest(passes)))
            finally:
                os._exit(0)
        os.close(send)
        answer = os.read(receive, 8)
        os.close(receive)
        os.waitpid(process, 0)
        self.seconds += time.perf_counter() - started
        (fastest,) = struct.unpack("d", answer)
        return float(fastest)

    def _fastest(self, passes: int) -> float:
        gc.disable()
        times = []
        for _ in range(_ROUNDS):
            started = self._clock()
            work(passes)
            times.append(self._clock() - started)
        return min(times)


class Load:
    """Busy child processes; each ends with the program, or when it is told to."""

    def __init__(self, count: int) -> None:
        self._processes = [self._busy() for _ in range(count)]

    @staticmethod
    def _busy() -> int:
        parent = os.getpid()
        process = os.fork()
        if process == 0:
            try:
                while os.getppid() == parent:
                    work(_PASSES)
            finally:
                os._exit(0)
        return process

    def end(self) -> None:
        """End them, by their ids."""
        while self._processes:
            process = self._processes.pop()
            os.kill(process, 9)
            os.waitpid(process, 0)
