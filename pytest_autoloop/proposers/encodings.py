"""From a file's bytes to the text a model edits, and back without touching another byte."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from difflib import SequenceMatcher

_NUL = "\0"
#: Longest first: the mark of UTF-16 begins that of UTF-32.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
#: PEP 263; editors write the same line into files of other languages.
_DECLARATION = re.compile(rb"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_NO_CODE = re.compile(rb"[ \t\f]*(?:#.*)?")
#: Codecs that no file is stored in; some warn or fail with errors of their own.
_NO_FILE_CODECS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})


class InvalidEditError(Exception):
    """A reply cannot be applied; the message says which part, and how to repair it."""


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a file's text is stored."""

    codec: str
    #: Byte order mark in front of the text.
    mark: bytes = b""


def encoding_of(source: bytes) -> Encoding:
    """Return how a file is stored: by its mark, its declaration, else UTF-8, else Latin-1.

    Only what gives back every byte is taken; Latin-1 always does.
    """
    for mark, codec in _MARKS:
        if source.startswith(mark) and _returns_every_byte(source[len(mark) :], codec):
            return Encoding(codec, mark)
    for codec in (_codec(_declared(source)), "utf-8"):
        if codec and _returns_every_byte(source, codec):
            return Encoding(codec)
    return Encoding("latin-1")


def decode(source: bytes) -> str:
    r"""Return the text a model sees: without byte order mark, lines ended by ``\n``.

    Raises:
        UnicodeDecodeError: the bytes hold a NUL, which no text does.

    """
    encoding = encoding_of(source)
    text = _text(source, encoding)
    if _NUL in text:
        place = len(encoding.mark) + len(text.partition(_NUL)[0].encode(encoding.codec))
        raise UnicodeDecodeError(encoding.codec, source, place, place + 1, "NUL: no text has it")
    return text.replace("\r\n", "\n")


def encode(text: str, like: bytes) -> bytes:
    """Return the bytes of a text, with mark, encoding and line endings as in `like`.

    In a file of mixed line endings unchanged lines keep theirs and new ones get the commoner.

    Raises:
        InvalidEditError: the text holds a character that the encoding cannot express, or declares
            another encoding.

    """
    encoding = encoding_of(like)
    original = _text(like, encoding)
    if not original.startswith("\ufeff"):
        text = text.removeprefix("\ufeff")
    body = _bytes_of(_restore_line_endings(text, original), encoding.codec)
    before, after = _declared(like), _declared(encoding.mark + body)
    # Written as before, the file would be read in another way.
    if (_codec(before) or before or "utf-8") != (_codec(after) or after or "utf-8"):
        wanted = f"keep {before!r}" if before else f"leave out {after!r}"
        raise InvalidEditError(
            f"the new text declares another encoding in its first two lines: {wanted}, the file "
            "stays stored as it is"
        )
    return encoding.mark + body


def _text(source: bytes, encoding: Encoding) -> str:
    return source[len(encoding.mark) :].decode(encoding.codec)


def _bytes_of(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        character = error.object[error.start]
        what = "is no Unicode character"
        if not codec.startswith("utf"):
            what = f"{codec}, the encoding of the file, cannot express"
        raise InvalidEditError(
            f"the new text holds {character!r} (U+{ord(character):04X}), which {what}: write it "
            "as an escape sequence, or do without it"
        ) from error


def _returns_every_byte(source: bytes, codec: str) -> bool:
    try:
        return source.decode(codec).encode(codec) == source
    except (LookupError, ValueError):  # no codec of texts; not in this encoding
        return False


def _declared(source: bytes) -> str:
    """Return the encoding that one of the first two lines declares; empty without one."""
    head = source.removeprefix(codecs.BOM_UTF8)
    for line in re.split(rb"\r\n?|\n", head, maxsplit=2)[:2]:
        if found := _DECLARATION.match(line):
            return found[1].decode("ascii", "replace").lower()
        if not _NO_CODE.fullmatch(line):
            break
    return ""


def _codec(declared: str) -> str:
    """Return a codec's proper name; empty where there is none that files are stored in."""
    try:
        name = codecs.lookup(declared).name if declared else ""
    except LookupError:
        return ""
    return "" if name in _NO_FILE_CODECS else name


def _restore_line_endings(text: str, original: str) -> str:
    windows = original.count("\r\n")
    unix = original.count("\n") - windows
    if not windows:
        return text
    if not unix:
        return text.replace("\n", "\r\n")
    old = original.split("\n")
    bare = [line.removesuffix("\r") for line in old[:-1]]
    new = text.split("\n")
    carriage_return = [windows >= unix] * (len(new) - 1)
    matcher = SequenceMatcher(None, bare, new[:-1])
    for old_start, new_start, size in matcher.get_matching_blocks():
        for offset in range(size):
            carriage_return[new_start + offset] = old[old_start + offset].endswith("\r")
    ends = ["\r\n" if is_windows else "\n" for is_windows in carriage_return]
    return "".join(line + end for line, end in zip(new, [*ends, ""], strict=True))
