"""What several turns of one side come to."""

from __future__ import annotations

import statistics
from typing import TYPE_CHECKING

from pytest_autoloop.model import Sample

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pytest_autoloop.model import Statistic


def reduced(turns: Sequence[Sample], statistic: Statistic) -> Sample:
    """Return what several turns of one side come to.

    Of times the fastest, as of rounds, or their geometric mean when rounds are reduced to a
    median; of first calls the fastest; of metrics the mean.
    """
    if len(turns) == 1:
        return turns[0]
    reduce = min if statistic == "min" else _geometric_mean
    return Sample(
        warm=_merged([turn.warm for turn in turns], reduce),
        first=_merged([turn.first for turn in turns], min),
        metrics=_merged([turn.metrics for turn in turns], statistics.fmean),
    )


def _merged(
    parts: Sequence[dict[str, float]], reduce: Callable[[list[float]], float]
) -> dict[str, float]:
    shared = set.intersection(*(set(part) for part in parts))
    return {name: reduce([part[name] for part in parts]) for name in sorted(shared)}


def _geometric_mean(values: list[float]) -> float:
    # A clock that did not move gives zero, which has no geometric mean.
    return statistics.geometric_mean(values) if min(values) > 0 else min(values)
