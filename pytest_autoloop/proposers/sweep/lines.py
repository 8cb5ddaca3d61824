"""Finds the values and comments of files that have one `key = value` on a line."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from pytest_autoloop.proposers.sweep import comments, grammar
from pytest_autoloop.proposers.sweep.document import Comment, Document, Reading, Slot

_LOWER = (("false", "true"),)
#: In the order in which a value is looked up.
_ANY = tuple(
    pair
    for no, yes in (("false", "true"), ("no", "yes"), ("off", "on"))
    for pair in ((no, yes), (no.title(), yes.title()), (no.upper(), yes.upper()))
)
_KEY = r"\"[^\"\r\n]*\"|'[^'\r\n]*'|"
_HEADER = re.compile(r"\s*\[+\s*(?P<name>[^\[\]]+?)\s*\]+\s*(?:[#;].*)?")
_QUOTED = re.compile(r"\"(?:\\.|[^\"\\])*\"|'[^']*'")
#: An apostrophe inside a word opens no string.
_OPENING = re.compile(r"(?<![\w'\"])[\"']")


@dataclass(frozen=True, slots=True)
class Language:
    """How a kind of file is written."""

    #: A line's start up to the value; the groups are `indent` and `key`.
    assignment: re.Pattern[str]
    #: What begins a comment, the usual one first.
    leaders: tuple[str, ...]
    #: What may follow a value.
    trailing: str
    example: str
    switches: tuple[tuple[str, str], ...] = _ANY
    #: Whether a comment needs white space before it.
    spaced: bool = True
    #: Whether `[header]` lines begin sections; else indentation does.
    sections: bool = True


def _assignment(key: str, separator: str, before: str = r"") -> re.Pattern[str]:
    return re.compile(rf"(?P<indent>\s*){before}(?P<key>{_KEY}{key})(?:{separator})")


YAML = Language(
    _assignment(r"[^\s#:\"'\[\]{},&*!|>%@`-][^#:\[\]{},]*?", r"\s*:(?=\s|$)\s*", r"(?:-\s+)*"),
    ("#",),
    "",
    "block_size: 64  # autoloop: int 1..512 log",
    sections=False,
)
TOML = Language(
    _assignment(r"[\w.\"' -]+?", r"\s*=\s*"),
    ("#",),
    "",
    "block_size = 64  # autoloop: int 1..512 log",
    switches=_LOWER,
    spaced=False,
)
JSON = Language(
    _assignment(r"[\w$]+", r"\s*:\s*", r"(?:\{\s*)?"),
    ("//", comments.BLOCK),
    ",",
    '"block_size": 64,  // autoloop: int 1..512 log',
    switches=_LOWER,
    spaced=False,
    sections=False,
)
INI = Language(
    _assignment(r"[^\s#;=:\[][^#;=:]*?", r"\s*[=:]\s*"),
    (";", "#"),
    "",
    "block_size = 64  ; autoloop: int 1..512 log",
)
CONF = Language(
    _assignment(r"[\w./-]+", r"\s*=\s*|\s*:(?=\s)\s*|[^\S\r\n]+"),
    ("#",),
    ";,",
    "block_size = 64  # autoloop: int 1..512 log",
)
LANGUAGES = {
    ".yaml": YAML,
    ".yml": YAML,
    ".toml": TOML,
    ".json": JSON,
    ".json5": JSON,
    ".jsonc": JSON,
    ".ini": INI,
    ".cfg": INI,
}


def read(source: bytes, suffix: str) -> Reading:
    """Find what is assigned to a key; files of an unknown suffix are read like `.conf` ones."""
    language = LANGUAGES.get(suffix, CONF)
    document = Document(source)
    slots: list[Slot] = []
    found: list[Comment] = []
    scopes = _Scopes(language)
    for number, line in enumerate(document.lines, 1):
        slot, comment = _line(line, number, document, language)
        scope = scopes.of(line, slot)
        if slot is not None:
            slots.append(replace(slot, scope=scope))
        if comment is not None:
            found.append(comment)
        if comments.is_foreign(line) and not (comment and comments.is_foreign(comment.text)):
            # Not a comment of this language: to be told, as it is no knob.
            found.append(Comment(number, line.strip(), alone=False))
    return Reading(
        document=document,
        slots=tuple(slots),
        comments=tuple(found),
        leaders=language.leaders,
        switches=language.switches,
        example=language.example,
    )


def _line(
    line: str, number: int, document: Document, language: Language
) -> tuple[Slot | None, Comment | None]:
    """Take a line apart: what it assigns, and its comment."""
    bare = line.lstrip()
    if bare.startswith(language.leaders):
        return None, Comment(number, bare, alone=comments.is_alone(bare))
    found = language.assignment.match(line)
    begin = found.end() if found else 0
    end = _comment_at(line, begin, language)
    comment = Comment(number, line[end:], alone=False) if end < len(line) else None
    if not found:
        return None, comment
    length = len(line[begin:end].rstrip().rstrip(language.trailing).rstrip())
    text = line[begin : begin + length]
    start = document.character(number, begin)
    value = grammar.number(text)
    whole = _QUOTED.fullmatch(text)
    # What a backslash means is the language's own affair.
    inside = (start + 1, start + length - 1) if whole and "\\" not in text else None
    return Slot(
        name=found["key"].strip("\"'"),
        scope=(),
        line=number,
        start=start,
        stop=start + length,
        text=text,
        number=None if _padded(text) else value,
        inside=inside,
        constant=value is not None and not _padded(text),
    ), comment


def _padded(text: str) -> bool:
    """Tell whether a number begins with a needless zero: an octal one, a code, a date."""
    digits = text.lstrip("+-")
    return len(digits) > 1 and digits[0] == "0" and digits[1].isdigit()


def _comment_at(line: str, begin: int, language: Language) -> int:
    """Return where the comment begins, behind the quoted strings; the line's end without one."""
    position = begin
    while position < len(line):
        quoted = _QUOTED.match(line, position) if _OPENING.match(line, position) else None
        if quoted:
            position = quoted.end()
            continue
        spaced = position == begin or line[position - 1].isspace() or line[position - 1] in ",;"
        if line.startswith(language.leaders, position) and (spaced or not language.spaced):
            return position
        position += 1
    return len(line)


class _Scopes:
    """Remembers the section or the keys that surround a line."""

    def __init__(self, language: Language) -> None:
        self._sections = language.sections
        self._section: tuple[str, ...] = ()
        self._open: list[tuple[int, str]] = []

    def of(self, line: str, slot: Slot | None) -> tuple[str, ...]:
        """Return what surrounds a line; each line must be shown once, in order."""
        if self._sections:
            header = _HEADER.fullmatch(line)
            if header:
                self._section = (header["name"],)
            return self._section
        if slot is None:
            return ()
        indent = len(line) - len(line.lstrip(" \t-"))
        while self._open and self._open[-1][0] >= indent:
            self._open.pop()
        scope = tuple(name for _, name in self._open)
        if slot.text in {"", "{", "["}:
            self._open.append((indent, slot.name))
        return scope
