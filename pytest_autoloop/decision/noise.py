"""How much pairs of one comparison differ: pooled over the campaign, started by an A/A run."""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Before anything is measured: a spread of 1% with the weight of three pairs.
_PRIOR_SIGMA = 0.01
_PRIOR_DEGREES = 3.0
#: Older pairs fade: a machine's noise changes over a night.
_MEMORY_DEGREES = 20.0
#: Two processes differ by about this much for their whole life (layout), however still a machine.
FLOOR = 0.001
#: Evidence from one pair is capped here: beyond a factor of two it says "much better", not more.
CLIP = math.log(2)
#: A comparison whose own spread is this many times the campaign's is called out as noisy.
_NOISY = 3.0


def clip(gain: float) -> float:
    """Bound one pair's gain, so that no single pair decides alone."""
    return max(-CLIP, min(CLIP, gain))


@dataclass(frozen=True, slots=True)
class Noise:
    """Pooled standard deviation of a pair's gain."""

    variance: float = _PRIOR_SIGMA**2
    degrees: float = _PRIOR_DEGREES

    @property
    def sigma(self) -> float:
        """Standard deviation of one pair's gain, not below the floor."""
        return max(math.sqrt(self.variance), FLOOR)

    def calibrated(self, gains: Sequence[float]) -> Noise:
        """Add pairs of a file with itself: their mean is known to be zero."""
        return self._pooled([gain * gain for gain in map(clip, gains)], len(gains))

    def observed(self, gains: Sequence[float]) -> Noise:
        """Add the pairs of one comparison, around their own mean.

        Pairs beyond the clip are left out: their spread is that of a ratio to almost nothing.
        """
        inside = _inside(gains)
        if len(inside) < 2:  # noqa: PLR2004 - one value has no spread
            return self
        mean = statistics.fmean(inside)
        return self._pooled([(gain - mean) ** 2 for gain in inside], len(inside) - 1)

    def noisier(self, gains: Sequence[float]) -> bool:
        """Say whether these pairs spread so much more than the campaign's that it needs saying."""
        inside = _inside(gains)
        return len(inside) > 2 and statistics.stdev(inside) > _NOISY * self.sigma  # noqa: PLR2004

    def _pooled(self, squares: list[float], degrees: int) -> Noise:
        total = self.degrees + degrees
        variance = (self.variance * self.degrees + sum(squares)) / total
        return Noise(variance, min(total, _MEMORY_DEGREES))


def _inside(gains: Sequence[float]) -> list[float]:
    return [gain for gain in gains if abs(gain) < CLIP]
