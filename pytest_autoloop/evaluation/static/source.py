"""What a file is as text: its size, its characters, its lines."""

from __future__ import annotations

import io
import re
import tokenize
import unicodedata
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static.facts import Fact

if TYPE_CHECKING:
    from collections.abc import Iterator

LARGEST = 64 * 1024
GROWTH = 4
#: Below this size a file may grow as it likes: four times nothing is nothing.
SMALL = 4096
LONGEST_LINE = 500
_COOKIE = re.compile(rb"^[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
#: Characters without a picture that Unicode does not count as formatting.
_BLANK = frozenset("\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\u2028\u2029")
_BOM = b"\xef\xbb\xbf"


def size_facts(candidate: bytes, baseline: bytes) -> Iterator[Fact]:
    """Find a file that has become much larger."""
    size, before = len(candidate), len(baseline)
    if size > LARGEST and size > before * 5 // 4:
        what = f"has {size} bytes: a candidate may have {LARGEST}"
        yield Fact(("size",), 1, what)
    elif size > SMALL and size > before * GROWTH:
        what = f"has {size} bytes, more than {GROWTH} times the baseline's {before}"
        yield Fact(("size",), 1, what)


def longest_line(content: bytes) -> int:
    """Return how long a candidate's lines may be: the baseline's own are fine."""
    return max(LONGEST_LINE, *(len(line) for line in _lines(content)))


def text_facts(content: bytes, longest: int = LONGEST_LINE) -> Iterator[Fact]:
    """Find what makes a file read differently from how it looks."""
    yield from _encoding(content)
    text = content.decode("utf-8", "replace")
    for number, line in enumerate(_lines(content), 1):
        if len(line) > longest:
            what = f"has a line of {len(line)} characters: {longest} are allowed"
            yield Fact(("long",), number, what)
        if not line.isascii() or not line.isprintable():
            yield from _characters(number, line)
    if not text.isascii():
        yield from _identifiers(text)


def _lines(content: bytes) -> list[str]:
    return re.split(r"\r\n|\n", content.decode("utf-8", "replace"))


def _encoding(content: bytes) -> Iterator[Fact]:
    if content.startswith(_BOM):
        yield Fact(("bom",), 1, "begins with a byte order mark")
    for number, line in enumerate(content.split(b"\n", 2)[:2], 1):
        cookie = _COOKIE.match(line)
        if cookie:
            name = cookie[1].decode("ascii", "replace")
            yield Fact(("cookie", name), number, f"declares the encoding {name}")
    try:
        content.decode("utf-8")
    except UnicodeDecodeError as error:
        yield Fact(("encoding",), content.count(b"\n", 0, error.start) + 1, "is not UTF-8")


def _characters(number: int, line: str) -> Iterator[Fact]:
    """Find characters that hide text, turn it round or end a line without looking like it."""
    for character in sorted(set(line)):
        category = unicodedata.category(character)
        variation = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
        hidden = category in {"Cf", "Cc", "Cs", "Co"} or character in _BLANK or variation
        # A byte order mark at the very beginning has its own finding.
        if not hidden or character in "\t\f" or (character == "\ufeff" and number == 1):
            continue
        name = unicodedata.name(character, "control character")
        what = f"holds the invisible character U+{ord(character):04X} ({name.lower()})"
        yield Fact(("character", character), number, what)


def _identifiers(text: str) -> Iterator[Fact]:
    """Find names with letters beyond ASCII: Python reads several of them as an ASCII name."""
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            if token.type == tokenize.NAME and not token.string.isascii():
                what = f"uses the name {token.string!r}, which is not ASCII"
                yield Fact(("identifier", token.string), token.start[0], what)
    except (tokenize.TokenError, SyntaxError):
        # Whatever the tokenizer cannot read is for the parser to refuse.
        return
