"""The seam between the loop and the strategy that chooses where to go on from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Experiment


class SearchStrategy(Protocol):
    """Chooses the commit that the next candidate changes and is compared with."""

    def parent(self, experiments: Sequence[Experiment]) -> str:
        """Return that commit, given all experiments so far, baseline first."""
