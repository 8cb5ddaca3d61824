"""Tells which comments speak of knobs, and what they say."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.proposers.sweep.document import Comment

#: Begins a comment up to its other end.
BLOCK = "/*"
_BLOCK_END = "*/"
#: Not a part of another name, an option or an address; and with what knobs are made of behind it,
#: as prose may speak of the program.
_MEANT = re.compile(
    r"(?<![\w./-])autoloop[ \t]*:.*?(?:\b(?:int|float|choice|bool)|\.\.|\|)", re.IGNORECASE
)
#: Directly behind what begins a comment in some language.
_FOREIGN = re.compile(
    r"(?<![A-Za-z_:])(?:#|//|/\*|\*|;|--[ \t]|%|!)[#/*;%!-]*[ \t]*autoloop[ \t]*:", re.IGNORECASE
)
_STRINGS = re.compile(r"\"(?:\\.|[^\"\\])*\"|(?<!\w)'[^']*'")


def words(comment: Comment, leaders: Sequence[str]) -> str | None:
    """Return what a comment says of a knob, without what other comments follow; None for others."""
    leader = "|".join(re.escape(one) for one in leaders)
    mark = re.search(
        rf"(?P<leader>{leader})+[ \t]*autoloop[ \t]*:(?P<words>.*)",
        comment.text,
        re.DOTALL | re.IGNORECASE,
    )
    if mark is None:
        return None
    found = mark["words"]
    if mark["leader"] == BLOCK:
        found = found.partition(_BLOCK_END)[0]
    # What is in quotes ends no comment.
    for piece in re.finditer(rf"\"[^\"]*\"|'[^']*'|\s(?:{leader})(?=\s|$)", found):
        if piece[0][0].isspace():
            return found[: piece.start()].strip()
    return found.strip()


def is_meant(text: str) -> bool:
    """Tell whether a comment seems to speak of a knob."""
    return _MEANT.search(text) is not None


def is_foreign(line: str) -> bool:
    """Tell whether a line has a knob comment in the form of any language, outside of strings."""
    return _FOREIGN.search(_STRINGS.sub("", line)) is not None


def is_alone(text: str) -> bool:
    """Tell whether a comment that begins a line has all of it."""
    return not (text.startswith(BLOCK) and text.partition(_BLOCK_END)[2].strip())
