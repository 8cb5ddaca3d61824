"""What the commands' text looks like in a terminal."""

from __future__ import annotations

import os
import shutil
import sys
import unicodedata
from dataclasses import dataclass
from typing import TextIO

_CODES = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "purple": 35, "cyan": 36}
#: Colour of a status, as in pytest's own session.
STATUS = {
    "baseline": "cyan",
    "keep": "green",
    "explore": "cyan",
    "discard": "yellow",
    "crash": "red",
    "timeout": "purple",
}
#: Columns that are assumed of what is no terminal.
_WIDE = 10_000


@dataclass(frozen=True, slots=True)
class Style:
    """Whether colours are used, and how long a line may be."""

    colored: bool
    columns: int = _WIDE

    @classmethod
    def of(cls, color: str, stream: TextIO | None = None) -> Style:
        """Return the style of a stream (standard output) for a value of `--color`.

        With ``auto`` there are colours in a terminal, unless NO_COLOR is set or TERM is ``dumb``;
        FORCE_COLOR has them anywhere.
        """
        stream = stream or sys.stdout
        terminal = stream.isatty()
        columns = shutil.get_terminal_size().columns if terminal else _WIDE
        if color != "auto":
            return cls(color == "yes", columns)
        if os.environ.get("NO_COLOR"):
            return cls(colored=False, columns=columns)
        able = terminal and os.environ.get("TERM") != "dumb"
        return cls(bool(os.environ.get("FORCE_COLOR")) or able, columns)

    def paint(self, text: str, *names: str) -> str:
        """Return a text in a colour, or as it is."""
        if not (self.colored and names and text):
            return text
        codes = ";".join(str(_CODES[name]) for name in names)
        return f"\x1b[{codes}m{text}\x1b[0m"

    def fitted(self, text: str, taken: int) -> str:
        """Return a text that ends where the line does, after so many columns; never empty."""
        left = max(self.columns - taken, 20)
        if width(text) <= left:
            return text
        kept, used = "", 1
        for character in text:
            used += width(character)
            if used > left:
                break
            kept += character
        return f"{kept}…"


def width(text: str) -> int:
    """Return how many columns a text takes in a terminal."""
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def padded(text: str, columns: int) -> str:
    """Return a text filled up with blanks to a width in columns."""
    return text + " " * (columns - width(text))
