"""How far experiments are from the baseline, from effects that were measured side by side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.shortening import SIMPLER
from pytest_autoloop.text import LARGEST_LOG

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.model import Effect, Experiment

#: Lower and upper bound; None where there is none.
Interval: TypeAlias = "tuple[float | None, float | None]"
NOWHERE: Interval = (None, None)


@dataclass(frozen=True, slots=True)
class Height:
    """A log gain over the baseline, and the squares of how far its interval reaches.

    Every effect comes from pairs of its own, so errors are independent and their squares add up.
    """

    log_gain: float = 0.0
    below: float = 0.0
    above: float = 0.0

    def lifted(self, effect: Effect) -> Height:
        """Return the height of what is better than this by an effect."""
        return Height(
            self.log_gain + effect.log_gain,
            self.below + (effect.log_gain - effect.low) ** 2,
            self.above + (effect.high - effect.log_gain) ** 2,
        )

    @property
    def interval(self) -> Interval:
        """The interval as factors; none where it has no width."""
        if not self.below and not self.above:
            return NOWHERE
        low, high = math.sqrt(self.below), math.sqrt(self.above)
        return bound(self.log_gain - low), bound(self.log_gain + high)


def heights(experiments: Iterable[Experiment]) -> list[Height | None]:
    """Return each experiment's gain over the last baseline before it; None where not measured.

    An effect is that over the best of its time, but of what was kept as simpler it is that over
    the version that simplifications are held against (see `shortening.standing`).
    """
    found: list[Height | None] = []
    best = anchor = Height()
    level = 0.0
    for one in experiments:
        if one.status == "baseline":
            best, anchor, level = Height(), Height(), 0.0
            found.append(best)
        elif one.effect is None:
            # A keep whose gain is unknown moves nothing.
            found.append(best if one.status == "keep" else None)
        else:
            simpler = one.status == "keep" and one.reason == SIMPLER
            height = (anchor if simpler else best).lifted(one.effect)
            found.append(height)
            if one.status == "keep":
                best = height
                level = one.effect.log_gain if simpler else level + one.effect.log_gain
                if not simpler and level > 0:
                    anchor, level = height, 0.0
    return found


def factor(log_gain: float) -> float:
    """Return a gain as a factor; one that no float can hold is the largest or smallest that can."""
    return math.exp(max(-LARGEST_LOG, min(log_gain, LARGEST_LOG)))


def bound(log_gain: float) -> float | None:
    """Return a bound as a factor; None where there is none."""
    return factor(log_gain) if math.isfinite(log_gain) else None
