"""SEARCH/REPLACE blocks: which lines of a file are replaced by which others."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from difflib import SequenceMatcher, get_close_matches
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.encodings import InvalidEditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_QUOTED_LINES = 30
_QUOTED_LINE_LIMIT = 200
_REPORTED_PROBLEMS = 5
#: What was meant as the edge of a block, to the letter or not.
_EDGE = re.compile(r"\s*(?:<{5,}\s*SEARCH|>{5,}\s*REPLACE)\b.*", re.IGNORECASE)
#: What may have been meant as one, cut off or in other words; a run of ``=`` underlines prose.
_DAMAGED = re.compile(r"\s*(?:<{4,}|>{4,})(?:[\s\w].*)?")
#: The same in the words that models know, for places where a file's own lines stand.
_FAMILIAR = re.compile(
    r"\s*(?:<{4,}\s*(?:SEARCH|ORIGINAL)|>{4,}\s*(?:REPLACE|UPDATED))\b.*", re.IGNORECASE
)


@dataclass(slots=True)
class Block:
    """Lines of the file, and those that replace them."""

    #: Its place in the reply, from 1.
    number: int
    search: list[str] = field(default_factory=list)
    replace: list[str] = field(default_factory=list)


def parse_blocks(lines: Iterable[str], width: int) -> list[Block]:
    """Return the blocks of a reply whose markers have this width.

    Raises:
        InvalidEditError: there is none, or one is not of the form that was asked for.
    """
    search, divider, end = "<" * width + " SEARCH", "=" * width, ">" * width + " REPLACE"
    form = f"{search}, the present lines, {divider}, the new lines, {end}"
    blocks: list[Block] = []
    part: list[str] | None = None
    for line in lines:
        marker = line.rstrip()
        if part is None:
            if marker == search:
                blocks.append(Block(len(blocks) + 1))
                part = blocks[-1].search
            elif _EDGE.fullmatch(line):
                # A block that was meant must not be lost between those that are understood.
                raise InvalidEditError(
                    f"the line {marker.strip()!r} is not where or what a marker has to be: a block "
                    f"is {form}, each marker alone on its line"
                )
            continue
        block = blocks[-1]
        if marker == divider and part is block.search:
            part = block.replace
        elif marker == end and part is block.replace:
            part = None
        elif marker in {search, divider, end}:
            raise InvalidEditError(
                f"block {block.number} has the line {marker} where it does not belong: a block is "
                f"{form}"
            )
        else:
            part.append(line)
    if part is not None:
        raise InvalidEditError(f"block {blocks[-1].number} is not closed by {end}")
    if not blocks:
        raise InvalidEditError(
            f"the reply has no SEARCH/REPLACE block: write {form}, each marker on its own line"
        )
    return blocks


def refuse_damaged(around: Iterable[str], content: Iterable[str], present: Iterable[str]) -> None:
    """Refuse lines that may have been meant as a marker, which the file itself does not hold.

    Args:
        around: lines of the reply beside what is applied.
        content: lines that are about to be written.
        present: lines of the file as it is.

    Raises:
        InvalidEditError: there is one; what it began or ended must not be lost in silence.

    """
    known = {line.strip() for line in present}
    for lines, pattern in ((around, _DAMAGED), (content, _FAMILIAR)):
        for line in map(str.strip, lines):
            if pattern.fullmatch(line) and line not in known:
                raise InvalidEditError(
                    f"the line {line[:_QUOTED_LINE_LIMIT]!r} looks like a damaged marker of a "
                    "block: write every block in the form that was asked for, and do not begin "
                    "other lines like one"
                )


def apply_blocks(blocks: Sequence[Block], lines: Sequence[str]) -> list[str]:
    """Return the lines as the blocks change them; what they quote must occur exactly once.

    Raises:
        InvalidEditError: a block that does not match once, or two that overlap; none is applied.
    """
    problems: list[str] = []
    placed: list[tuple[int, Block]] = []
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


def _placement_problem(block: Block, starts: Sequence[int], lines: Sequence[str]) -> str:
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
