"""What proposals cost: tokens and dollars; None means unknown, never zero."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Usage:
    """What one proposal cost; None means unknown, never zero."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    cost_usd: float | None = None

    @property
    def tokens(self) -> int | None:
        """Prompt and completion tokens together, None when neither is known."""
        known = [n for n in (self.prompt_tokens, self.completion_tokens) if n is not None]
        return sum(known) if known else None

    @classmethod
    def of(cls, tokens: int | None, cost_usd: float | None) -> Usage:
        """Return a cost whose tokens are known as one sum alone."""
        return cls(completion_tokens=tokens, cost_usd=cost_usd)

    def __add__(self, other: Usage) -> Usage:
        """Return both together: known tokens add up, and so do dollars if no price is unknown."""
        unpriced = any(one.tokens is not None and one.cost_usd is None for one in (self, other))
        return Usage(
            _sum(self.prompt_tokens, other.prompt_tokens),
            _sum(self.completion_tokens, other.completion_tokens),
            None if unpriced else _sum(self.cost_usd, other.cost_usd),
        )


@dataclass(frozen=True, slots=True)
class Spending:
    """What a campaign has cost so far; None means unknown."""

    tokens: int | None
    #: Dollars of all tokens with a known price, and the tokens without one.
    cost_usd: float | None
    unpriced: int

    @classmethod
    def of(cls, parts: Iterable[Usage]) -> Spending:
        """Add up what was used."""
        used = list(parts)
        priced = sum((one for one in used if one.cost_usd is not None), start=Usage())
        unpriced = [one.tokens or 0 for one in used if one.cost_usd is None]
        counts = [one.tokens for one in used if one.tokens is not None]
        return cls(sum(counts) if counts else None, priced.cost_usd, sum(unpriced))

    def __add__(self, other: Spending) -> Spending:
        """Return both together."""
        return Spending(
            _sum(self.tokens, other.tokens),
            _sum(self.cost_usd, other.cost_usd),
            self.unpriced + other.unpriced,
        )


_Number = TypeVar("_Number", int, float)


def _sum(a: _Number | None, b: _Number | None) -> _Number | None:
    known = [number for number in (a, b) if number is not None]
    return sum(known[1:], start=known[0]) if known else None
