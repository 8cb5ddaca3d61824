"""Random edits of random files, written as a model would and applied."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pytest_autoloop.proposers.edits import (
    InvalidEditError,
    apply_reply,
    decode,
    fence_for,
    marker_width,
)
from pytest_autoloop.proposers.scope import other_path

#: First line, codec and mark of the files that are made.
STORED = [
    ("# plain", "utf-8", b""),
    ("# marked", "utf-8", codecs.BOM_UTF8),
    ("# é", "utf-16-le", codecs.BOM_UTF16_LE),
    ("# é", "utf-16-be", codecs.BOM_UTF16_BE),
    ("# coding: cp1252", "cp1252", b""),
    ("# -*- coding: koi8-r -*-", "koi8-r", b""),
    ("# é is no UTF-8 like this", "latin-1", b""),
]
LOOKS_LIKE_MARKERS = [
    "=======",
    "<<<<<<< SEARCH",
    ">>>>>>> REPLACE",
    "```",
    "~~~",
    "tests/test_a.py",
]


@dataclass(frozen=True)
class Case:
    """A file before and after an edit, line by line, and how it is stored."""

    codec: str
    mark: bytes
    newline: str
    final: bool
    old: list[str]
    new: list[str]
    #: Present lines and those that replace them, from top to bottom.
    pieces: list[tuple[list[str], list[str]]]

    def stored(self, lines: list[str]) -> bytes:
        """Return the bytes of lines."""
        end = self.newline if self.final else ""
        return self.mark + (self.newline.join(lines) + end).encode(self.codec)

    def blocks(self) -> str:
        """Write the edit as SEARCH/REPLACE blocks, the last one first."""
        width = marker_width(decode(self.stored(self.old)))
        written = [
            "\n".join(["<" * width + " SEARCH", *old, "=" * width, *new, ">" * width + " REPLACE"])
            for old, new in reversed(self.pieces)
        ]
        return "DESCRIPTION: edit it\n" + "\nand\n".join(written) + "\n"

    def whole(self) -> str:
        """Write the edit as a whole file."""
        fence = fence_for("\n".join([*self.old, *self.new]))
        return "\n".join(["DESCRIPTION: edit it", "", f"{fence}python", *self.new, fence, ""])


def lines_of(codec: str) -> st.SearchStrategy[str]:
    """Return lines that an encoding can hold; they may hold anything but a line's end."""
    beyond = {"cp1252": "éü€", "latin-1": "éü\x85", "koi8-r": "жи"}.get(codec, "é世\u2028𝄞")
    text = st.text("ab_ =<>`~#:/.\t\x0c\x1c" + beyond, max_size=12)
    return text | st.sampled_from(LOOKS_LIKE_MARKERS)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Make a file of unique lines and two edits of it."""
    first, codec, mark = draw(st.sampled_from(STORED))
    line = lines_of(codec)
    body = draw(st.lists(line, min_size=2, max_size=15))
    # Numbered, so that every line occurs once; the first one says how the file is stored.
    old = [first, "pass", *(f"{number} {text}" for number, text in enumerate(body))]
    cuts = sorted(draw(st.lists(st.integers(2, len(old)), min_size=3, max_size=3)))
    spans = list(pairwise(cuts))
    pieces = [
        (old[start:stop], draw(st.lists(line, max_size=4))) for start, stop in spans if start < stop
    ]
    assume(pieces)
    replaced = [text for _, new in pieces for text in new]
    new = [*old[: cuts[0]], *replaced, *old[cuts[2] :]]
    ends = draw(st.sampled_from(["\n", "\r\n"])), draw(st.booleans())
    return Case(codec, mark, *ends, old, new, pieces)


def markers(case: Case) -> set[str]:
    """Return the lines that mean something in a reply about this file."""
    width = marker_width(decode(case.stored(case.old)))
    return {"<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE"}


def is_plain(case: Case) -> bool:
    """Tell whether no new line is a marker itself, which no reply could express."""
    return not any(text.rstrip() in markers(case) for text in case.new)


@settings(deadline=None)
@given(cases())
def test_edit_written_as_blocks_is_applied_to_the_byte(case):
    """What the blocks say is changed, and no other byte, whatever the file looks like."""
    assume(is_plain(case))
    source = case.stored(case.old)
    assert other_path(case.blocks(), source, "a.py") == ""
    # The end of the last line belongs to no line: it stays, whichever line is the last one.
    assert apply_reply(case.blocks(), source, "blocks") == case.stored(case.new)


@settings(deadline=None)
@given(cases())
def test_edit_written_as_a_whole_file_is_applied_to_the_byte(case):
    """A whole file of the same lines has the same bytes, where no line is a fence's."""
    assume(is_plain(case))
    assume(case.final or case.new[-1] != "")  # else the reply's own last line ends the file
    source = case.stored(case.old)
    assert other_path(case.whole(), source, "a.py") == ""
    assert apply_reply(case.whole(), source, "whole") == case.stored(case.new)


@settings(deadline=None)
@given(cases(), st.data())
def test_damaged_blocks_are_never_applied(case, data):
    """One wrong line in what is quoted, or one lost marker, and nothing is changed."""
    assume(is_plain(case))
    lines = case.blocks().split("\n")
    quoted = {text for old, _ in case.pieces for text in old}
    places = [
        number for number, text in enumerate(lines) if text in quoted or text in markers(case)
    ]
    place = data.draw(st.sampled_from(places))
    kind = data.draw(st.sampled_from(["drop", "change", "double", "indent"]))
    text = lines[place]
    is_marker = text in markers(case)
    lines[place : place + 1] = {
        "drop": [],
        "change": [f"{text}!"],
        "double": [text, text],
        "indent": [f" {text}"],
    }[kind]
    # What is quoted may be fewer lines than were meant, as long as it is there: that is no damage.
    assume(is_marker or kind != "drop")
    with pytest.raises(InvalidEditError):
        apply_reply("\n".join(lines), case.stored(case.old), "blocks")
