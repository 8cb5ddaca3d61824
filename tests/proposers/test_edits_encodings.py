"""Files in other encodings than plain UTF-8, byte for byte."""

from __future__ import annotations

import codecs

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_autoloop.proposers.edits import InvalidEditError, apply_reply, decode, encode
from pytest_autoloop.proposers.encodings import Encoding, encoding_of

#: A file with "é" or "и" in it, and how it is stored.
FILES = {
    "utf-8": ("x = 'é'\n".encode(), Encoding("utf-8")),
    "utf-8 with mark": (codecs.BOM_UTF8 + "x = 'é'\n".encode(), Encoding("utf-8", codecs.BOM_UTF8)),
    "utf-16 little": (
        codecs.BOM_UTF16_LE + "x = 'é'\n".encode("utf-16-le"),
        Encoding("utf-16-le", codecs.BOM_UTF16_LE),
    ),
    "utf-16 big": (
        codecs.BOM_UTF16_BE + "x = 'é'\n".encode("utf-16-be"),
        Encoding("utf-16-be", codecs.BOM_UTF16_BE),
    ),
    "utf-32": (
        codecs.BOM_UTF32_LE + "x = 'é'\n".encode("utf-32-le"),
        Encoding("utf-32-le", codecs.BOM_UTF32_LE),
    ),
    "declared": ("# coding: cp1252\nx = 'é'\n".encode("cp1252"), Encoding("cp1252")),
    "declared in Emacs's way": (
        "#!/usr/bin/python\n# -*- coding: koi8-r -*-\nx = 'и'\n".encode("koi8-r"),
        Encoding("koi8-r"),
    ),
    "declared in Vim's way": (
        "# vim: set fileencoding=latin-1 :\nx = 'é'\n".encode("latin-1"),
        Encoding("iso8859-1"),
    ),
    "declared in vain": ("x = 1\ny = 2\n# coding: cp1252\nz = 'é'\n".encode(), Encoding("utf-8")),
    "declared after code": ("x = 1\n# coding: cp1252\nz = 'é'\n".encode(), Encoding("utf-8")),
    "declared as nothing known": ("# coding: klingon\nx = 'é'\n".encode(), Encoding("utf-8")),
    "declared as no file's": ("# coding: unicode_escape\nx = 'é'\n".encode(), Encoding("utf-8")),
    "declared as no text's": ("# coding: rot13\nx = 'é'\n".encode(), Encoding("utf-8")),
    "declared wrongly": ("# coding: ascii\nx = 'é'\n".encode(), Encoding("utf-8")),
    "none of them": ("x = 'é'\n".encode("latin-1"), Encoding("latin-1")),
    "half a pair": (codecs.BOM_UTF16_LE + b"\x31", Encoding("latin-1")),
}


@pytest.mark.parametrize("name", FILES)
def test_encoding_is_found_and_every_byte_comes_back(name):
    """Mark, declaration, UTF-8, Latin-1: the first that gives back every byte."""
    source, expected = FILES[name]
    assert encoding_of(source) == expected
    assert encode(decode(source), source) == source


@pytest.mark.parametrize("name", [name for name, (source, _) in FILES.items() if b"x" in source])
def test_edit_touches_no_other_byte(name):
    """An edited file is stored as it was."""
    source, encoding = FILES[name]
    old, new = (text.encode(encoding.codec) for text in ("x = ", "value = "))
    search = next(line for line in decode(source).splitlines() if line.startswith("x = "))
    replace = search.replace("x = ", "value = ")
    reply = f"<<<<<<< SEARCH\n{search}\n=======\n{replace}\n>>>>>>> REPLACE\n"
    assert apply_reply(reply, source, "blocks") == source.replace(old, new)


@pytest.mark.parametrize(
    ("name", "character", "words"),
    [
        ("declared", "и", "cp1252, the encoding of the file, cannot express"),
        ("none of them", "€", "latin-1, the encoding of the file, cannot express"),
        ("utf-8", "\ud800", "is no Unicode character"),
        ("utf-16 big", "\ud800", "is no Unicode character"),
    ],
)
def test_character_that_the_file_cannot_hold_is_named(name, character, words):
    """The model is told which character it is, and what to write instead."""
    source, _ = FILES[name]
    with pytest.raises(InvalidEditError) as caught:
        encode(decode(source) + f"y = '{character}'\n", source)
    assert f"{character!r} (U+{ord(character):04X})" in str(caught.value)
    assert words in str(caught.value)
    assert "escape sequence" in str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    [
        ("# coding: latin-1\nx\n", "# coding: utf-8\nx\n", True),
        ("# coding: latin-1\nx\n", "x\n", True),
        ("x\n", "# coding: latin-1\nx\n", True),
        ("# coding: latin-1\nx\n", "y\nx\n# coding: latin-1\n", True),
        ("# coding: latin-1\nx\n", "# coding: klingon\nx\n", True),
        ("# coding: klingon\nx\n", "# coding: utf-8\nx\n", True),
        ("# coding: klingon\nx\n", "# coding: klingon\ny\n", False),
        ("# coding: latin-1\nx\n", "# coding: iso-8859-1\nx\n", False),
        ("# coding: utf-8\nx\n", "x\n", False),
        ("x\n", "# -*- coding: UTF8 -*-\nx\n", False),
        ("# coding: latin-1\nx\n", "#!python\n# coding: latin-1\nx\n", False),
    ],
)
def test_declaration_stays_what_it_is(old, new, refused):
    """An edit that would have the same bytes read in another way is refused."""
    if not refused:
        assert encode(new, old.encode()) == new.encode()
        return
    with pytest.raises(InvalidEditError, match="declares another encoding"):
        encode(new, old.encode())


@pytest.mark.parametrize(
    "source", [b"\0", b"\x7fELF\0\0", codecs.BOM_UTF8 + b"x\0", codecs.BOM_UTF16_LE + b"x\0\0\0"]
)
def test_binary_file_is_no_text(source):
    """A NUL is in no text, whatever the encoding."""
    with pytest.raises(UnicodeDecodeError) as caught:
        decode(source)
    assert caught.value.start in {source.index(b"\0"), 4}


@settings(deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.booleans())
def test_decode_and_encode_are_inverse(text, has_mark):
    """What a model sees of a file and does not change comes back as the same bytes."""
    source = (codecs.BOM_UTF8 if has_mark else b"") + text.encode()
    assert encode(decode(source), source) == source


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_come_back(source):
    """Whatever a file holds, it comes back or is no text."""
    try:
        text = decode(source)
    except UnicodeDecodeError:
        assert 0 in source
        return
    assert encode(text, source) == source
