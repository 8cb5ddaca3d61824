"""What timing from outside says about a gain, from pairs of windows."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.decision import student

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.evaluation.isolated.handle import Window

Inputs: TypeAlias = Literal["fresh", "given", "recorded"]

#: One-sided; the interval is looked at after each block.
_CONFIDENCE = 0.995
#: Identical code differs by so much between two processes, for their whole life.
_LAYOUT = 0.003
#: Below this share of the wall clock, code waits rather than computes.
_WAITING = 0.2
#: A saving in the calls must show at least to this share in the whole.
_SHARE_OF_SAVING = 0.5
#: Work between the windows, in seconds for each and as a share of a window.
_IDLE_SECONDS, _IDLE_SHARE = 0.001, 0.05
#: A claim beyond this multiple of what is verified is worth a word.
_OVERCLAIMED = 2.0
#: Below it a clock reads noise, and zero has no logarithm.
_CLOCK = 1e-7


@dataclass(frozen=True, slots=True)
class Verification:
    """Whether a gain is real: seconds of the incumbent over seconds of the candidate."""

    confirmed: bool
    #: Mean over the benchmarks, with bounds; a gain is above zero.
    log_gain: float
    low: float
    high: float
    #: Pairs of windows.
    windows: int
    inputs: Inputs
    per_benchmark: dict[str, float] = field(default_factory=dict)
    #: With caches across calls allowed: on inputs seen for the first time, and again.
    cold: float | None = None
    warm: float | None = None
    #: Why it is not confirmed: "unverified-gain" or "differential"; "" if it is.
    reason: str = ""
    #: One line with the gain claimed and the gain verified.
    detail: str = ""
    overclaimed: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one window of one side."""

    call_cpu: float
    call_wall: float
    total_cpu: float
    idle_cpu: float


@dataclass(frozen=True, slots=True)
class Twin:
    """The same inputs on both sides."""

    benchmark: str
    block: int
    incumbent: Cost
    candidate: Cost


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds."""

    mean: float
    low: float
    high: float


def cost(windows: Sequence[Window]) -> Cost:
    """Return what several batches took together."""
    return Cost(
        call_cpu=sum(window.call_cpu for window in windows),
        call_wall=sum(window.call_wall for window in windows),
        total_cpu=sum(window.total_cpu for window in windows),
        idle_cpu=sum(window.idle_cpu for window in windows),
    )


def by_benchmark(twins: Sequence[Twin]) -> dict[str, list[Twin]]:
    """Return the pairs of each benchmark."""
    found: dict[str, list[Twin]] = {}
    for twin in twins:
        found.setdefault(twin.benchmark, []).append(twin)
    return found


def log_gains(twins: Sequence[Twin]) -> list[float]:
    """Return the log-ratio of each pair of one benchmark, by the clock that speaks of it.

    That is processor time, which no other process disturbs, unless the code waits.
    """
    cpu = sum(twin.incumbent.call_cpu for twin in twins)
    waits = cpu < _WAITING * sum(twin.incumbent.call_wall for twin in twins)
    return [_log(twin, "call_wall" if waits else "call_cpu") for twin in twins]


def _log(twin: Twin, clock: str) -> float:
    before, after = getattr(twin.incumbent, clock), getattr(twin.candidate, clock)
    return math.log(max(before, _CLOCK) / max(after, _CLOCK))


def interval(groups: Sequence[Sequence[float]], floor: float = 0.0) -> Interval:
    """Return the mean of the groups' means, which count alike, with its confidence bounds.

    `floor` is a standard error that no number of values makes smaller.
    """
    means = [statistics.fmean(group) for group in groups]
    mean = statistics.fmean(means)
    degrees = sum(len(group) - 1 for group in groups)
    if not degrees:
        return Interval(mean, -math.inf, math.inf)
    spread = sum((value - m) ** 2 for g, m in zip(groups, means, strict=True) for value in g)
    variance = spread / degrees
    error = math.sqrt(sum(variance / len(group) for group in groups)) / len(groups)
    reach = student.quantile(_CONFIDENCE, degrees) * math.hypot(error, floor)
    return Interval(mean, mean - reach, mean + reach)


def gain(twins: Sequence[Twin]) -> Interval:
    """Return the mean gain over the benchmarks."""
    groups = [log_gains(group) for group in by_benchmark(twins).values()]
    blocks = len({twin.block for twin in twins})
    return interval(groups, _LAYOUT / math.sqrt(blocks))


def contradiction(twins: Sequence[Twin]) -> str:
    """Return what speaks against a gain that the calls themselves show; "" if nothing does."""
    groups = by_benchmark(twins).values()
    # In shares of the incumbent's window, so that benchmarks of any length count alike.
    hidden = [
        [
            (_saving(twin, "total_cpu") - _SHARE_OF_SAVING * _saving(twin, "call_cpu"))
            / max(twin.incumbent.call_cpu, _CLOCK)
            for twin in group
        ]
        for group in groups
    ]
    if interval(hidden, _LAYOUT).high < 0:
        return "work outside the timed part: what the calls save is spent before or after them"
    if any(_works_behind(group) for group in groups):
        return "background work: the processor is busy when nothing is asked of the candidate"
    wall = interval([[_log(twin, "call_wall") for twin in group] for group in groups], _LAYOUT)
    if wall.high < 0:
        return f"slower by the wall clock, {times(wall.mean)}"
    return ""


def _saving(twin: Twin, clock: str) -> float:
    before, after = getattr(twin.incumbent, clock), getattr(twin.candidate, clock)
    return float(before - after)


def _works_behind(twins: Sequence[Twin]) -> bool:
    # The median: a process does odd things once, and work behind the back shows each time.
    idle = statistics.median(twin.candidate.idle_cpu for twin in twins)
    usual = statistics.median(twin.incumbent.idle_cpu for twin in twins)
    call = statistics.median(twin.candidate.call_cpu for twin in twins)
    return idle - 2 * usual > max(_IDLE_SECONDS, _IDLE_SHARE * call)


def is_overclaimed(claimed: float, verified: float) -> bool:
    """Tell whether a claim is far beyond what was verified."""
    return claimed - verified > math.log(_OVERCLAIMED)


def times(log_gain: float) -> str:
    """Return a gain as a factor: 3.1×."""
    return f"{math.exp(log_gain):.3g}×"


def told(claimed: float, found: Interval, inputs: Inputs, why: str) -> str:
    """Return one line with both numbers."""
    kind = {
        "fresh": "fresh inputs",
        "given": "inputs of autoloop_inputs",
        "recorded": "recorded inputs, each once in a process (no varied input is accepted)",
    }[inputs]
    low, high = times(found.low), times(found.high)
    text = f"claimed {times(claimed)}, verified {times(found.mean)} [{low}, {high}] on {kind}"
    return f"{text}; {why}" if why else text
