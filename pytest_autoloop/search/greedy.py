"""Always go on from the last keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Experiment


class Greedy:
    """The incumbent is the last experiment that was kept, at first the baseline."""

    def parent(self, experiments: Sequence[Experiment]) -> str:
        """Return the commit of the last keep."""
        return next(e.commit for e in reversed(experiments) if e.status in {"keep", "baseline"})
