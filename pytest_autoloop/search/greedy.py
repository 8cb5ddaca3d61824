"""Always go on from the last keep."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.search.base import Start, best

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.history.rows import Row


class Greedy:
    """Starts from the last experiment that was kept, at first the baseline."""

    name = "greedy"

    def start(self, number: int, rows: Sequence[Row]) -> Start:  # noqa: ARG002 - all are alike
        """Return the commit of the last keep."""
        return Start(best(rows).commit)
