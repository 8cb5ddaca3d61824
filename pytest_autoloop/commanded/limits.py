"""Limits as people write them: times, amounts of money, counts of rounds and of failures."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_UNITS = (("days?", "d"), ("hours?|hrs?", "h"), ("minutes?|mins?", "m"), ("seconds?|secs?", "s"))
_TIME = re.compile(r"(?:\d+(?:\.\d+)?\s*[dhms]\s*)+")
_MONEY = re.compile(r"\$\s*(\d+(?:\.\d+)?)|(\d+(?:\.\d+)?)\s*(?:\$|usd|dollars?)", re.IGNORECASE)
_ROUNDS = re.compile(
    r"(\d+)(?:\s*(?:rounds?|iterations?|experiments?|tries|attempts?))?", re.IGNORECASE
)
_FAILURES = re.compile(
    r"(\d+)\s+(?:consecutive\s+|failed\s+)?(?:failures?|discards?|stale|misses)\b.*", re.IGNORECASE
)


def time_of(text: str) -> str:
    """Return a time as options take it: of ``4 hours`` it is 4h."""
    for words, letter in _UNITS:
        text = re.sub(rf"(?<=[\d\s])\s*(?:{words})\b", letter, text, flags=re.IGNORECASE)
    return text.strip()


def limits(text: str) -> Iterator[tuple[str, str]]:
    """Yield the limits that a text can be read as: ini key and value."""
    plain = re.sub(r"^(?:stop\s+)?(?:after|at)\s+", "", text.strip(), flags=re.IGNORECASE)
    if (money := _MONEY.fullmatch(plain)) is not None:
        yield "autoloop_max_cost", money[1] or money[2]
    elif (failures := _FAILURES.fullmatch(plain)) is not None:
        yield "autoloop_patience", failures[1]
    elif _TIME.fullmatch(time_of(plain)):
        yield "autoloop_max_time", time_of(plain)
    elif (rounds := _ROUNDS.fullmatch(plain)) is not None:
        yield "rounds", rounds[1]
