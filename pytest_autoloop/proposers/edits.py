"""Edit formats: from a model's reply to the target's new bytes, exactly or not at all.

Short files are replaced whole, longer ones by SEARCH/REPLACE blocks. Nothing is guessed: a reply
that cannot be applied to the letter, or holds more code than can be applied, raises
`InvalidEditError`, whose message is written for the model that has to repair it.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Literal, TypeAlias

from pytest_autoloop.proposers.blocks import apply_blocks, parse_blocks, refuse_damaged
from pytest_autoloop.proposers.encodings import InvalidEditError, decode, encode

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = [
    "DESCRIPTION_LIMIT",
    "FENCE",
    "WHOLE_FILE_LINES",
    "EditFormat",
    "InvalidEditError",
    "apply_reply",
    "clean_text",
    "decode",
    "edit_format",
    "encode",
    "fence_for",
    "is_aside",
    "marker_width",
    "parse_description",
    "shortest_fences",
    "visible_reply",
]

EditFormat: TypeAlias = Literal["whole", "blocks"]

#: Targets of up to this many lines are replaced whole; models elide code in longer ones.
WHOLE_FILE_LINES = 200
DESCRIPTION_LIMIT = 200

_LONGEST_COMMENT = 200
_DEFAULT_MARKER_WIDTH = 7

#: A line that opens or closes a fenced block.
FENCE = re.compile(r" {0,3}(?P<mark>`{3,}(?=[^`]*$)|~{3,})(?P<info>.*)")
#: Languages of what models show beside a file: how to run it, what it prints, what it changes.
_ASIDE = (
    "bash sh zsh fish shell shellscript console terminal shell-session powershell ps1 bat cmd "
    "text txt plaintext output log json jsonl diff patch"
)
#: Those of them that may be meant to be applied, beside blocks that are.
_CHANGES = "diff patch"
_SHELL_SCRIPT = re.compile(r"#!.*sh\b")
_BLOCK_EDGE = re.compile(r"<{7,} SEARCH\s*|>{7,} REPLACE\s*")
_MARKER_RUN = re.compile(r"^(?:<{7,}|={7,}|>{7,})", re.MULTILINE)
_DESCRIPTION = re.compile(r"[\s#*_>-]*description[\s*_]*:(?P<text>.*)", re.IGNORECASE)
#: A comment that stands for code, as in ``# ... rest of the code unchanged ...``. What is left
#: out is either dotted and named, or said to stay as it is.
_COMMENT = r"(?:\.\.\.|…)?\s*(?:#+|//+|/\*+|<!--|--+|;+|%+|\(\*)\s*"
_CODE = r"(?:code|file|functions?|class(?:es)?|modules?|methods?|implementations?|imports?|body)\b"
_DOTTED = (
    r"[\[(]?\s*(?:\.{3,}|…).*\b(?:rest|remain\w*|existing|unchanged|unmodified|same|as before"
    rf"|omitted|previous|other {_CODE}).*"
)
_SAID = (
    r"(?:the )?(?:(?:rest|remainder) of|existing|remaining) (?:the |this |your )?(?:\w+ )?"
    rf"{_CODE}.*(?:\b(?:unchanged|same|as before|as is|omitted|here)\b|\.\.\.|…).*"
)
_LEFT_OUT = re.compile(f"{_COMMENT}(?:{_DOTTED}|{_SAID})", re.IGNORECASE)
#: Unicode categories that print nothing: controls, formatting, surrogates, private, unassigned.
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_TERMINAL_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)")


def edit_format(source: bytes) -> EditFormat:
    """Return how this target is edited: whole when it is short, by blocks when it is not.

    Raises:
        UnicodeDecodeError: the bytes are no text.

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
        if FENCE.fullmatch(line) or _BLOCK_EDGE.fullmatch(line)
    ]
    if not delimiters:
        return lines, ()
    return lines[: delimiters[0]], lines[delimiters[-1] + 1 :]


def apply_reply(reply: str, source: bytes, edit_format: EditFormat, *, path: str = "") -> bytes:
    """Return the target's new content: the source as the reply changes it.

    What else stands in fences must be shell, output or data by its info string, and the file at
    `path` must be nothing of that: else nobody knows for sure what was meant.

    Raises:
        InvalidEditError: the reply cannot be applied to the letter; nothing was applied.
        UnicodeDecodeError: the source is no text.

    """
    text = decode(source)
    if "\r" not in text:  # a target that holds lone carriage returns must not lose them
        reply = reply.replace("\r\n", "\n")
    lines, present = reply.split("\n"), _lines(text)
    width = marker_width(text)
    begins, ends = "<" * width + " SEARCH", ">" * width + " REPLACE"
    suffix = PurePosixPath(path).suffix.removeprefix(".")
    may_be_aside = not (is_aside(suffix) or _SHELL_SCRIPT.match(text))
    # Blocks are understood for short files too: they say without doubt what they mean.
    if edit_format == "blocks" or any(line.rstrip() == begins for line in lines):
        blocks = parse_blocks(lines, width)
        beside = _beside(lines, begins, ends)
        _refuse_code_beside(beside, begins, may_be_aside)
        written = [line for block in blocks for line in block.replace]
        around = [line for line in beside if line != begins]
        refuse_damaged(around, written, present)
        new = apply_blocks(blocks, present)
    else:
        new = _fenced_file(lines, text, may_be_aside)
        if text.strip() and not any(line.strip() for line in new):
            raise InvalidEditError("the fenced block is empty: it must hold the whole new file")
    _refuse_left_out_code(new, present)
    end = "\n" if new and (text.endswith("\n") or not text) else ""
    return encode("\n".join(new) + end, source)


def _refuse_left_out_code(new: Iterable[str], present: Iterable[str]) -> None:
    known = {line.strip() for line in present}
    for line in map(str.strip, new):
        # Short ones only: whoever leaves code out is brief, and the pattern is slow on long ones.
        if len(line) <= _LONGEST_COMMENT and line not in known and _LEFT_OUT.fullmatch(line):
            raise InvalidEditError(
                f"the line {line!r} stands for code that is left out: "
                "write every line in its place, a whole file complete"
            )


def _lines(text: str) -> list[str]:
    """Return the lines without their ends; a final newline does not begin another line.

    `str.splitlines` is not used: it also breaks at form feeds and Unicode separators.
    """
    return text.removesuffix("\n").split("\n") if text else []


# Fences


@dataclass(slots=True)
class _Fenced:
    """What stands between two fences."""

    mark: str
    info: str
    #: Blanks in front of the opening fence, which its lines have too.
    indentation: int
    lines: list[str] = field(default_factory=list)
    closed: bool = False

    def add(self, line: str) -> None:
        """Take a line without the fence's own indentation."""
        blanks = len(line) - len(line.lstrip(" "))
        self.lines.append(line[min(blanks, self.indentation) :])


def is_aside(info: str) -> bool:
    """Tell whether an info string is that of commands, output or data rather than of code."""
    return _language(info) in _ASIDE.split()


def _language(info: str) -> str:
    return re.split(r"[\s,:{}]+", info.strip().lower(), maxsplit=1)[0]


def _fenced(lines: Iterable[str], shortest: Mapping[str, int]) -> tuple[list[_Fenced], list[str]]:
    """Return what stands in fences of at least these lengths, and the lines around them."""
    found: list[_Fenced] = []
    around: list[str] = []
    for line in lines:
        fence = FENCE.fullmatch(line)
        if found and not found[-1].closed:
            opened = found[-1]
            if fence and fence["mark"].startswith(opened.mark) and not fence["info"].strip():
                opened.closed = True
            else:
                opened.add(line)
        elif fence and len(fence["mark"]) >= shortest[fence["mark"][0]]:
            indentation = len(line) - len(line.lstrip(" "))
            found.append(_Fenced(fence["mark"], fence["info"], indentation))
        else:
            around.append(line)
    return found, around


def _fenced_file(lines: Sequence[str], text: str, may_be_aside: bool) -> list[str]:
    """Return the one fenced block that is the file; commands beside it are not taken for it."""
    found, around = _fenced(lines, shortest_fences(text))
    wanted = fence_for(text)
    if found and not found[-1].closed:
        raise InvalidEditError(
            f"the fenced block that begins with {found[-1].mark} is not closed: close it with the "
            f"same fence, and take a longer one than {wanted} when the file itself holds such "
            "fences"
        )
    if not found:
        raise InvalidEditError(
            f"the reply has no fenced block: write the whole new file between two {wanted} lines"
        )
    files = found
    if may_be_aside and len(found) > 1:
        files = [block for block in found if not is_aside(block.info)]
    if len(files) != 1:
        raise InvalidEditError(
            f"the reply has {len(found)} fenced blocks: send the complete file in one, and no other"
        )
    refuse_damaged(around, files[0].lines, _lines(text))
    return files[0].lines


def _beside(lines: Iterable[str], begins: str, ends: str) -> list[str]:
    """Return the lines outside of blocks; of each block its first line stays for it."""
    beside: list[str] = []
    in_block = False
    for line in lines:
        if in_block:
            in_block = line.rstrip() != ends
            continue
        in_block = line.rstrip() == begins
        beside.append(begins if in_block else line)
    return beside


def _refuse_code_beside(beside: Sequence[str], begins: str, may_be_aside: bool) -> None:
    """Refuse what may have been meant as a change and is in no block."""
    for block in _fenced(beside, {"`": 3, "~": 3})[0]:
        aside = (
            may_be_aside and is_aside(block.info) and _language(block.info) not in _CHANGES.split()
        )
        if begins not in block.lines and any(map(str.strip, block.lines)) and not aside:
            raise InvalidEditError(
                f"the fenced block that begins with {block.mark}{block.info.rstrip()} holds no "
                "SEARCH/REPLACE block: write what it changes as one, or leave it out"
            )


def shortest_fences(text: str) -> dict[str, int]:
    """Return the length from which a fence of each mark cannot be one that the text holds."""
    shortest = {"`": 3, "~": 3}
    for line in _lines(text):
        if fence := FENCE.fullmatch(line):
            mark = fence["mark"]
            shortest[mark[0]] = max(shortest[mark[0]], len(mark) + 1)
    return shortest
