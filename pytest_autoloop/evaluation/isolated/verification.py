"""What timing from outside says about a gain, from pairs of windows."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.decision import student

if TYPE_CHECKING:
    from collections.abc import Sequence

Inputs: TypeAlias = Literal["fresh", "given", "recorded"]

#: Chance of taking no gain for one, over all looks together.
_LEVEL = 0.005
#: Identical code differs by so much between two processes, for their whole life.
_LAYOUT = 0.003
#: From that many blocks on their differences tell something.
_LEAST_BLOCKS = 3
#: Below this share of the wall clock, code waits rather than computes.
_WAITING = 0.25
#: No window is taken for less busy than this share of the wall clock.
LEAST_BUSY = 0.2
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
    #: The calls are too short for a clock outside, and no inputs were found to make more of them:
    #: confirmed only in that nothing contradicts the claim.
    blind: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds of one window of one side."""

    #: Processor time and wall time of the calls.
    cpu: float
    wall: float
    #: Processor time with what was done before and after the calls.
    total: float
    #: Processor time since the window before: nothing was asked of the worker then.
    idle: float


@dataclass(frozen=True, slots=True)
class Twin:
    """The same inputs on both sides."""

    benchmark: str
    block: int
    incumbent: Cost
    candidate: Cost


#: Windows of less wall time than that are mostly the signals around them, in seconds.
_VISIBLE = 1e-4


def is_blind(twins: Sequence[Twin], inputs: Inputs) -> bool:
    """Tell whether recorded calls, of which there are only so many, are too short to be timed."""
    walls = [twin.incumbent.wall for twin in twins]
    return inputs == "recorded" and bool(walls) and statistics.median(walls) < _VISIBLE


@dataclass(frozen=True, slots=True)
class Interval:
    """An estimate with its bounds."""

    mean: float
    low: float
    high: float


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
    cpu = sum(twin.incumbent.cpu for twin in twins)
    waits = cpu < _WAITING * sum(twin.incumbent.wall for twin in twins)
    return [_log(twin, "wall" if waits else "cpu") for twin in twins]


def _log(twin: Twin, clock: str) -> float:
    before, after = getattr(twin.incumbent, clock), getattr(twin.candidate, clock)
    return math.log(max(before, _CLOCK) / max(after, _CLOCK))


def interval(groups: Sequence[Sequence[float]], level: float, floor: float) -> Interval:
    """Return the mean of the groups' means, which count alike, with its confidence bounds.

    `floor` is a standard error that no number of values makes smaller.
    """
    means = [statistics.fmean(group) for group in groups]
    mean = statistics.fmean(means)
    degrees = sum(len(group) - 1 for group in groups)
    if not degrees:
        return Interval(mean, min(0.0, mean) - 1.0, max(0.0, mean) + 1.0)
    error = math.sqrt(sum(_variance(g) / len(g) for g in groups if len(g) > 1)) / len(groups)
    reach = student.quantile(1 - level, degrees) * math.hypot(error, floor)
    return Interval(mean, mean - reach, mean + reach)


def _variance(values: Sequence[float]) -> float:
    return statistics.variance(values)


def gain(twins: Sequence[Twin]) -> Interval:
    """Return the mean gain over the benchmarks.

    The interval is looked at after each block: the level of one look falls with their number, so
    that the chance of an error stays bounded over all of them.
    """
    groups = by_benchmark(twins).values()
    blocks = sorted({twin.block for twin in twins})
    level = _LEVEL / (len(blocks) * (len(blocks) + 1))
    floor = _LAYOUT / math.sqrt(len(blocks))
    found = interval([log_gains(group) for group in groups], level, floor)
    if len(blocks) <= _LEAST_BLOCKS:
        return found
    # Two processes may differ in a way that no number of windows in them shows.
    each = [[t for t in twins if t.block == block] for block in blocks]
    per_block = [
        statistics.fmean(
            statistics.fmean(log_gains(group)) for group in by_benchmark(block).values()
        )
        for block in each
    ]
    error = math.sqrt(statistics.variance(per_block) / len(blocks))
    reach = max(found.high - found.mean, student.quantile(1 - _LEVEL, len(blocks) - 1) * error)
    return Interval(found.mean, found.mean - reach, found.mean + reach)


def contradiction(twins: Sequence[Twin]) -> str:
    """Return what speaks against a gain that the calls themselves show; "" if nothing does."""
    groups = by_benchmark(twins).values()
    # In shares of the incumbent's window, so that benchmarks of any length count alike.
    hidden = [
        [
            (_saving(twin, "total") - _SHARE_OF_SAVING * _saving(twin, "cpu"))
            / max(twin.incumbent.cpu, _CLOCK)
            for twin in group
        ]
        for group in groups
    ]
    if interval(hidden, _LEVEL, _LAYOUT).high < 0:
        return "work outside the timed part: what the calls save is spent before or after them"
    if any(_works_behind(group) for group in groups):
        return "background work: the processor is busy when nothing is asked of the candidate"
    wall = interval([[_log(twin, "wall") for twin in group] for group in groups], _LEVEL, _LAYOUT)
    if wall.high < 0:
        return f"slower by the wall clock, {times(wall.mean)}"
    return ""


def _saving(twin: Twin, clock: str) -> float:
    return float(getattr(twin.incumbent, clock) - getattr(twin.candidate, clock))


def _works_behind(twins: Sequence[Twin]) -> bool:
    # The median: a process does odd things once, and work behind the back shows each time.
    idle = statistics.median(twin.candidate.idle for twin in twins)
    usual = statistics.median(twin.incumbent.idle for twin in twins)
    call = statistics.median(twin.candidate.cpu for twin in twins)
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
