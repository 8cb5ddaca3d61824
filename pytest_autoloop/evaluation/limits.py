"""How long child sessions may take."""

from __future__ import annotations

from dataclasses import dataclass

#: A child's wall-clock limit in seconds, unless the user sets one: this, or a multiple of the
#: baseline's time, whichever is longer.
_SHORTEST_LIMIT = 60.0
_LIMIT_FACTOR = 5.0


@dataclass(slots=True)
class Limits:
    """Wall-clock limits of child sessions, in seconds."""

    guard: float
    measure: float

    @classmethod
    def after(cls, guard_seconds: float, chosen: float | None) -> Limits:
        """Derive limits from the baseline's guard time, or from the user's choice."""
        limit = chosen or max(_SHORTEST_LIMIT, _LIMIT_FACTOR * guard_seconds)
        return cls(limit, limit)
