"""Which guards have failed lately: they are run first."""

from __future__ import annotations

import threading

#: Guards that are remembered.
_MOST = 20


class Killers:
    """Guards that have failed lately, the last one first; evaluators in several threads add."""

    def __init__(self) -> None:
        self._nodes: list[str] = []
        self._lock = threading.Lock()

    def add(self, node: str) -> None:
        """Remember a guard's node id as the last that failed."""
        with self._lock:
            self._nodes = [node, *(other for other in self._nodes if other != node)][:_MOST]

    def all(self) -> list[str]:
        """Return their node ids."""
        with self._lock:
            return list(self._nodes)

    def forget(self) -> None:
        """Remember none."""
        with self._lock:
            self._nodes = []
