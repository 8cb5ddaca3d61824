"""Edit formats: from a model's reply to the target's new bytes, exactly or not at all.

Short files are replaced whole, longer ones by SEARCH/REPLACE blocks. Nothing is guessed: a reply
that cannot be applied to the letter raises `InvalidEditError`, whose message is written for the
model that has to repair it.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

EditFormat: TypeAlias = Literal["whole", "blocks"]

#: Targets of up to this many lines are replaced whole; models elide code in longer ones.
WHOLE_FILE_LINES = 200
DESCRIPTION_LIMIT = 200

_QUOTED_LINES = 30
_QUOTED_LINE_LIMIT = 200
_REPORTED_PROBLEMS = 5
_DEFAULT_MARKER_WIDTH = 7

_FENCE = re.compile(r" {0,3}(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
_BLOCK_EDGE = re.compile(r"<{7,} SEARCH\s*|>{7,} REPLACE\s*")
_MARKER_RUN = re.compile(r"^(?:<{7,}|={7,}|>{7,})", re.MULTILINE)
_DESCRIPTION = re.compile(r"[\s#*_>-]*description[\s*_]*:(?P<text>.*)", re.IGNORECASE)
#: Unicode categories that print nothing: controls, formatting, surrogates, private, unassigned.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_TERMINAL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


class InvalidEditError(Exception):
    """A reply cannot be applied; the message says which part, and how to repair it."""


def decode(source: bytes) -> str:
    r"""Return the text a model sees: UTF-8 without byte order mark, lines ended by ``\n``.

    Raises:
        UnicodeDecodeError: the bytes are not UTF-8.

    """
    return source.removeprefix(codecs.BOM_UTF8).decode("utf-8").replace("\r\n", "\n")


def encode(text: str, like: bytes) -> bytes:
    """Return the bytes of a text that `decode` gave, with mark and line endings as in `like`.

    In a file of mixed line endings unchanged lines keep theirs and new ones get the commoner.

    Raises:
        InvalidEditError: the text holds a character that UTF-8 cannot express.

    """
    mark = codecs.BOM_UTF8 if like.startswith(codecs.BOM_UTF8) else b""
    original = like.removeprefix(codecs.BOM_UTF8).decode("utf-8")
    ended = _restore_line_endings(text.removeprefix("\ufeff"), original)
    try:
        return mark + ended.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidEditError(
            f"the new text holds {error.object[error.start]!r}, which is no Unicode character: "
            "write it as an escape sequence"
        ) from error


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


def edit_format(source: bytes) -> EditFormat:
    """Return how this target is edited: whole when it is short, by blocks when it is not.

    Raises:
        UnicodeDecodeError: the bytes are not UTF-8.

    """
    return "whole" if len(_lines(decode(source))) <= WHOLE_FILE_LINES else "blocks"


def fence_for(text: str) -> str:
    """Return a run of backticks that no run of backticks in the text can close."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    return "`" * max(3, longest + 1)


def marker_width(text: str) -> int:
    """Return how many ``<``, ``=`` or ``>`` make a block marker no line of the text looks like."""
    longest = max((len(run) for run in _MARKER_RUN.findall(text)), default=0)
    return max(_DEFAULT_MARKER_WIDTH, longest + 1)


def clean_text(text: str, limit: int, *, keep_lines: bool = False) -> str:
    """Return printable text of at most `limit` characters, on one line unless `keep_lines`.

    Terminal sequences, control characters and invisible formatting are removed, so that the
    text can neither move a cursor nor hide what it says.
    """
    text = _TERMINAL_SEQUENCE.sub("", text)
    text = re.sub(r"\r\n?", "\n", text).expandtabs() if keep_lines else " ".join(text.split())
    plain = "".join(
        character
        for character in text.strip()
        if character == "\n" or unicodedata.category(character) not in _INVISIBLE
    )
    return plain if len(plain) <= limit else plain[: limit - 1].rstrip() + "…"


def visible_reply(reply: str) -> str:
    """Return a reply without the reasoning that some models write in front of it."""
    if not reply.lstrip().startswith("<think>"):
        return reply
    _, closed, answer = reply.partition("</think>")
    return answer if closed else reply


def parse_description(reply: str) -> str:
    """Return the reply's one-line description, at most 200 characters, empty when it has none.

    It is looked for outside the code only: a line ``DESCRIPTION: …``, else the first line.
    """
    before, after = _prose(reply.split("\n"))
    for line in (*before, *after):
        if found := _DESCRIPTION.fullmatch(line.rstrip()):
            return clean_text(found["text"].strip(" *_"), DESCRIPTION_LIMIT)
    first = next((line for line in before if line.strip()), "")
    return clean_text(first, DESCRIPTION_LIMIT)


def _prose(lines: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Return what stands before the first and after the last line that delimits code."""
    delimiters = [
        number
        for number, line in enumerate(lines)
        if _FENCE.fullmatch(line) or _BLOCK_EDGE.fullmatch(line)
    ]
    if not delimiters:
        return lines, ()
    return lines[: delimiters[0]], lines[delimiters[-1] + 1 :]


def apply_reply(reply: str, source: bytes) -> bytes:
    """Return the target's new content: the source as the reply changes it.

    Raises:
        InvalidEditError: the reply cannot be applied to the letter; nothing was applied.
        UnicodeDecodeError: the source is not UTF-8.

    """
    text = decode(source)
    if "\r" not in text:  # a target that holds lone carriage returns must not lose them
        reply = reply.replace("\r\n", "\n")
    lines = reply.split("\n")
    width = marker_width(text)
    begins = "<" * width + " SEARCH"
    # Blocks are understood for short files too: they say without doubt what they mean.
    if edit_format(source) == "blocks" or any(line.rstrip() == begins for line in lines):
        new = _apply_blocks(_parse_blocks(lines, width), _lines(text))
    else:
        new = _last_fenced_block(lines, text)
        if text.strip() and not any(line.strip() for line in new):
            raise InvalidEditError("the fenced block is empty: it must hold the whole new file")
    end = "\n" if new and (text.endswith("\n") or not text) else ""
    return encode("\n".join(new) + end, source)


def _lines(text: str) -> list[str]:
    """Return the lines without their ends; a final newline does not begin another line.

    `str.splitlines` is not used: it also breaks at form feeds and Unicode separators.
    """
    return text.removesuffix("\n").split("\n") if text else []


# Whole file


def _last_fenced_block(lines: Sequence[str], text: str) -> list[str]:
    shortest = {mark: _shortest_fence(text, mark) for mark in "`~"}
    opening = ""
    block: list[str] = []
    found: list[str] | None = None
    for line in lines:
        fence = _FENCE.fullmatch(line)
        if not opening:
            if fence and len(fence["mark"]) >= shortest[fence["mark"][0]]:
                opening, block = fence["mark"], []
        elif fence and fence["mark"].startswith(opening) and not fence["info"].strip():
            opening, found = "", block
        else:
            block.append(line)
    wanted = fence_for(text)
    if opening:
        raise InvalidEditError(
            f"the fenced block that begins with {opening} is not closed: close it with the same "
            f"fence, and take a longer one than {wanted} when the file itself holds such fences"
        )
    if found is None:
        raise InvalidEditError(
            f"the reply has no fenced block: write the whole new file between two {wanted} lines"
        )
    return found


def _shortest_fence(text: str, mark: str) -> int:
    """Return the length from which a fence cannot be one that is part of the target."""
    fences = (_FENCE.fullmatch(line) for line in _lines(text))
    runs = [len(fence["mark"]) for fence in fences if fence and fence["mark"][0] == mark]
    return max(runs, default=2) + 1


# SEARCH/REPLACE blocks


@dataclass(slots=True)
class _Block:
    number: int
    search: list[str] = field(default_factory=list)
    replace: list[str] = field(default_factory=list)


def _parse_blocks(lines: Iterable[str], width: int) -> list[_Block]:
    search, divider, end = "<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE"
    blocks: list[_Block] = []
    part: list[str] | None = None
    for line in lines:
        marker = line.rstrip()
        if part is None:
            if marker == search:
                blocks.append(_Block(len(blocks) + 1))
                part = blocks[-1].search
            continue
        block = blocks[-1]
        if marker == divider and part is block.search:
            part = block.replace
        elif marker == end and part is block.replace:
            part = None
        elif marker in {search, divider, end}:
            raise InvalidEditError(
                f"block {block.number} has the line {marker} where it does not belong: a block is "
                f"{search}, the present lines, {divider}, the new lines, {end}"
            )
        else:
            part.append(line)
    if part is not None:
        raise InvalidEditError(f"block {blocks[-1].number} is not closed by {end}")
    if not blocks:
        raise InvalidEditError(
            f"the reply has no SEARCH/REPLACE block: write {search}, the present lines, {divider}, "
            f"the new lines, {end}, each marker on its own line"
        )
    return blocks


def _apply_blocks(blocks: Sequence[_Block], lines: Sequence[str]) -> list[str]:
    problems: list[str] = []
    placed: list[tuple[int, _Block]] = []
    for block in blocks:
        starts = _occurrences(block.search, lines)
        if len(starts) == 1:
            placed.append((starts[0], block))
        else:
            problems.append(_placement_problem(block, starts, lines))
    if problems:
        raise InvalidEditError("\n\n".join(problems[:_REPORTED_PROBLEMS]))
    result: list[str] = []
    position = 0
    last = 0
    for start, block in sorted(placed, key=lambda item: item[0]):
        if start < position:
            raise InvalidEditError(
                f"blocks {last} and {block.number} change the same lines: make them one block"
            )
        result += [*lines[position:start], *block.replace]
        position, last = start + len(block.search), block.number
    return [*result, *lines[position:]]


def _occurrences(wanted: list[str], lines: Sequence[str]) -> list[int]:
    if not wanted:
        return []
    return [
        start
        for start in range(len(lines) - len(wanted) + 1)
        if lines[start] == wanted[0] and lines[start : start + len(wanted)] == wanted
    ]


def _placement_problem(block: _Block, starts: Sequence[int], lines: Sequence[str]) -> str:
    if not block.search:
        return (
            f"block {block.number} has an empty SEARCH part: quote the lines beside the place "
            "where the new ones belong, and repeat them in the REPLACE part"
        )
    if starts:
        where = ", ".join(str(start + 1) for start in starts[:_QUOTED_LINES])
        return (
            f"block {block.number}: its SEARCH part occurs {len(starts)} times (at lines {where}): "
            "add lines around it until it occurs once"
        )
    problem = f"block {block.number}: its SEARCH part is not in the file, to the letter."
    if nearest := _nearest_text(block.search, lines):
        return f"{problem} The nearest text in the file is:\n{nearest}"
    return f"{problem} Copy the lines from the file as it is now."


def _nearest_text(wanted: Sequence[str], lines: Sequence[str]) -> str:
    """Return the lines of the file most like the wanted ones, empty when nothing is alike."""
    anchor, line = max(enumerate(wanted), key=lambda item: len(item[1].strip()))
    short = [present[:_QUOTED_LINE_LIMIT] for present in lines]
    alike = get_close_matches(line[:_QUOTED_LINE_LIMIT], dict.fromkeys(short), n=3)
    places = [number for number, present in enumerate(short) if present in alike]
    if not places:
        return ""

    def window(place: int) -> Sequence[str]:
        start = max(0, place - anchor)
        return short[start : start + min(len(wanted), _QUOTED_LINES)]

    def likeness(place: int) -> tuple[float, int]:
        same_lines = SequenceMatcher(None, window(place), wanted).ratio()
        return same_lines, -alike.index(short[place])

    return "\n".join(window(max(places[:_QUOTED_LINES], key=likeness)))
