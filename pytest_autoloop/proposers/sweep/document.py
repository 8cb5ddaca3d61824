"""A file as text whose positions are known in bytes, and the values that were found in it."""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from functools import cached_property

_BOM = b"\xef\xbb\xbf"
#: What ends a line in Python and in configuration files; `str.splitlines` knows eight more.
_NEWLINE = re.compile(r"\r\n|\r|\n")


class Document:
    """The decoded content of a file.

    Bytes that the encoding does not know survive as surrogates, so that nothing is lost.

    Args:
        source: the file's content.
        encoding: its encoding; a byte order mark is no part of the text.

    """

    def __init__(self, source: bytes, encoding: str = "utf-8") -> None:
        self._mark = len(_BOM) if source.startswith(_BOM) else 0
        self.encoding = "utf-8" if encoding == "utf-8-sig" else encoding
        self.text = source[self._mark :].decode(self.encoding, "surrogateescape")
        ends = [found.span() for found in _NEWLINE.finditer(self.text)]
        self._starts = [0, *(stop for _, stop in ends)]
        self._ends = [*(start for start, _ in ends), len(self.text)]

    @property
    def lines(self) -> list[str]:
        """Return the lines without their ends."""
        spans = zip(self._starts, self._ends, strict=True)
        return [self.text[start:end] for start, end in spans]

    def character(self, line: int, column: int) -> int:
        """Return the position of a column, counted from 0, in a line, counted from 1."""
        return self._starts[line - 1] + column

    def offset(self, character: int) -> int:
        """Return the byte of the file at which a character of the text begins."""
        line = bisect.bisect_right(self._starts, character) - 1
        inside = self.text[self._starts[line] : character]
        return self._line_offsets[line] + len(self.encoded(inside))

    def encoded(self, text: str) -> bytes:
        """Return the bytes of a piece of the text."""
        return text.encode(self.encoding, "surrogateescape")

    @cached_property
    def _line_offsets(self) -> list[int]:
        offsets = [self._mark]
        for start, stop in zip(self._starts, self._starts[1:], strict=False):
            offsets.append(offsets[-1] + len(self.encoded(self.text[start:stop])))
        return offsets


@dataclass(frozen=True, slots=True)
class Slot:
    """A value that is assigned to a name."""

    name: str
    #: What surrounds it, outermost first: classes and functions, sections, keys.
    scope: tuple[str, ...]
    #: Line on which the value begins, counted from 1.
    line: int
    #: Characters of the text that the value takes.
    start: int
    stop: int
    text: str
    #: The value when it is a plain number.
    number: int | float | None = None
    #: What the quotes hold, as characters of the text, when it is one plain string.
    inside: tuple[int, int] | None = None
    #: Whether it may be swept without a comment, when constants are asked for.
    constant: bool = False


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, with what begins it."""

    line: int
    text: str
    #: Whether it has the line for itself.
    alone: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """Everything in a file that may be a knob."""

    document: Document
    slots: tuple[Slot, ...]
    comments: tuple[Comment, ...]
    #: What begins a comment here, the usual one first.
    leaders: tuple[str, ...]
    #: The words for no and yes that the language knows.
    switches: tuple[tuple[str, str], ...]
    #: An assignment with a knob comment, for messages.
    example: str
