"""What pytest-benchmark says a benchmark took, against clocks that were bound before.

Two things must hold: what stands in the statistics is what the runner returned, and what the
runner returned is about what a trusted clock saw around it.
"""

from __future__ import annotations

import functools
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation import clocks
from pytest_autoloop.evaluation.compatible.finding import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pytest_autoloop.model import Clock

# Bound now: a candidate that is imported later replaces what others look up.
_wall, _cpu = time.perf_counter, time.process_time
#: The clock that is to be trusted for each that pytest-benchmark may use.
REFERENCES: dict[Any, Callable[[], float]] = {
    time.perf_counter: time.perf_counter,
    time.monotonic: time.perf_counter,
    time.time: time.perf_counter,
    time.process_time: time.process_time,
}
#: What pytest-benchmark is told to use.
_TIMERS: dict[Clock, Callable[[], float]] = {
    "wall": time.perf_counter,
    "cpu": time.process_time,
    "instructions": clocks.instructions,
}
#: A claim below this share of what was seen is not believed, beyond so many seconds.
_SHARE, _SLACK = 0.5, 1e-3
#: Seconds that a call of the runner may take besides what it times: it sets up and tears down.
_AROUND = 2e-5
#: What a child may take besides its benchmarks, as a multiple of what the untouched target needed,
#: and in seconds.
_REST_FACTOR, _REST_SLACK = 2.0, 1.0


@dataclass(slots=True)
class Seen:
    """The calls of one benchmark's runner."""

    claimed: float = 0.0
    seen: float = 0.0
    calls: int = 0
    returned: set[float] = field(default_factory=set)
    #: Whether its clock is one that can be checked, and whether it is the one that was asked for.
    checked: bool = True
    expected: bool = True


class Claims:
    """Watches every call of pytest-benchmark's runner."""

    def __init__(self, clock: Clock = "wall") -> None:
        self.benchmarks: dict[str, Seen] = {}
        self._timer = _TIMERS[clock]
        self._overhead = 0.0

    def watch(self) -> bool:
        """Put a trusted clock around the runner; False when there is no pytest-benchmark."""
        try:
            from pytest_benchmark.fixture import BenchmarkFixture  # noqa: PLC0415
        except ImportError:
            return False
        make_runner: Callable[..., Any] | None = getattr(BenchmarkFixture, "_make_runner", None)
        if make_runner is None:
            return False
        self._overhead = _overhead(make_runner)
        benchmarks, timer = self.benchmarks, self._timer

        @functools.wraps(make_runner)
        def watched(fixture: Any, *arguments: Any) -> Callable[..., Any]:  # noqa: ANN401
            runner: Callable[..., Any] = make_runner(fixture, *arguments)
            note = benchmarks.setdefault(fixture.fullname, Seen())
            own = getattr(fixture, "_timer", None)
            clock = REFERENCES.get(own)
            note.checked, note.expected = clock is not None, own is timer
            read = clock or _wall

            def run(loops: range | None, *rest: Any, **keywords: Any) -> Any:  # noqa: ANN401
                started, busy = read(), _cpu()
                outcome = runner(loops, *rest, **keywords)
                # While others have the processor no clock is wrong.
                seen = min(read() - started, _cpu() - busy)
                duration = outcome if loops else outcome[0]
                note.seen += seen
                note.claimed += duration
                note.calls += 1
                note.returned.add(duration)
                return outcome

            return run

        fixture_class: Any = BenchmarkFixture
        fixture_class._make_runner = watched
        return True

    def totals(self) -> dict[str, float]:
        """Return the seconds that the runner claimed, by benchmark."""
        return {name: note.claimed for name, note in self.benchmarks.items() if note.checked}

    def findings(self, config: object) -> list[Finding]:
        """Compare what was claimed with what was seen, and with what stands in the statistics."""
        found: list[Finding] = []
        for name, note in self.benchmarks.items():
            if not note.expected:
                found.append(Finding(f"clock:{name}", f"benchmark {name} uses another clock"))
            around = max(2 * self._overhead, _AROUND) * note.calls
            least = _SHARE * (note.seen - around) - _SLACK
            if note.checked and note.claimed < least:
                what = f"{note.claimed * 1e3:.3g} ms of a clock that saw {note.seen * 1e3:.3g} ms"
                found.append(Finding(f"claim:{name}", f"benchmark {name} claims {what}"))
        session = getattr(config, "_benchmarksession", None)
        for entry in [] if session is None else list(session.benchmarks):
            returned = self.benchmarks.get(entry.fullname, Seen()).returned
            known = {duration / entry.iterations for duration in returned}
            data = list(getattr(entry.stats, "data", ()))
            if not set(data) <= known:
                what = f"benchmark {entry.fullname} has results that its runner did not return"
                found.append(Finding(f"forged:{entry.fullname}", what))
        return found


def _overhead(make_runner: Callable[..., Any]) -> float:
    """Return the seconds that one call of the runner takes besides what it times."""

    class Fixture:
        _timer = staticmethod(_wall)
        _disable_gc = False

    try:
        runner = make_runner(Fixture(), int, (), {})
        times: list[float] = []
        for _ in range(20):
            started = _wall()
            claimed = runner(range(1))
            times.append(_wall() - started - claimed)
    except (AttributeError, TypeError):
        # Another version's runner needs more of its fixture.
        return 5e-6
    return max(0.0, sorted(times)[len(times) // 2])


def unclaimed(claimed: Mapping[str, float], busy: float) -> float:
    """Return the seconds of a session in which no benchmark was timed, nor a processor waited for.

    `busy` is what the session took without waiting for a processor, or of processor time.
    """
    return busy - sum(claimed.values())


def plausible(
    claimed: Mapping[str, float], wall: float, busy: float, usual: float | None = None
) -> str:
    """Return why claims cannot be true of a session that the parent's clock saw; empty if not.

    `usual` is what `unclaimed` gave for the untouched target: a slow clock makes room for more
    rounds than the claims account for.
    """
    total = sum(claimed.values())
    if total > wall:
        return f"benchmarks claim {total:.3g} s of a session that took {wall:.3g} s"
    rest = unclaimed(claimed, busy)
    if usual is not None and rest > _REST_FACTOR * usual + _REST_SLACK:
        return f"{rest:.3g} s of the session are claimed by no benchmark, usually {usual:.3g} s"
    return ""
