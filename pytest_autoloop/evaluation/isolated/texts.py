"""Other texts of the same shape: classes of characters stay, so that formats stay."""

from __future__ import annotations

import re
import string
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

_TOKENS = re.compile(r"(\s+)")


def letters(rng: random.Random) -> dict[int, int]:
    """Return a table for `str.translate`: letters to letters of their case, digits to digits.

    It is one to one, so that equal words stay equal and different ones different.
    """
    lower = list(string.ascii_lowercase)
    rng.shuffle(lower)
    moved = "".join(lower)
    table = str.maketrans(string.ascii_lowercase + string.ascii_uppercase, moved + moved.upper())
    return table | digits(rng)


def digits(rng: random.Random) -> dict[int, int]:
    """Return a table that replaces digits by digits: zero stays, so that no number grows one."""
    others = list("123456789")
    rng.shuffle(others)
    return str.maketrans("123456789", "".join(others))


def swapped(text: str, rng: random.Random) -> str:
    """Return the text with lines, or else words, in another order."""
    lines = text.splitlines(keepends=True)
    if len(lines) > 2:  # noqa: PLR2004 - the last one may lack its end
        head = lines[:-1]
        rng.shuffle(head)
        return "".join([*head, lines[-1]])
    parts = _TOKENS.split(text)
    words = parts[::2]
    rng.shuffle(words)
    parts[::2] = words
    return "".join(parts)


def resized(text: str, rng: random.Random) -> str:
    """Return a text of another length from the words of this one."""
    parts = _TOKENS.split(text)
    if len(parts) < 3:  # noqa: PLR2004 - a single word
        count = rng.randint(0, 2 * len(text) + 1)
        return "".join(rng.choices(text, k=count)) if text else ""
    words, spaces = parts[::2], parts[1::2]
    count = rng.randint(0, min(2 * len(words), 400))
    return "".join(rng.choice(words) + rng.choice(spaces) for _ in range(count)).rstrip()
