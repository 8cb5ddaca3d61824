"""Splits a Markdown file with the headings Change, Check, Stop and Instructions into fields.

Other loops configure themselves by such a file: part of it is for programs, the rest is a brief.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What the headings are called, in lower case; other ones are text.
SECTIONS = ("change", "check", "stop", "instructions")
_HEADING = re.compile(r"(#{1,3})\s+(.*?)\s*#*\s*")
#: ``run: command``, in a list or not, with or without emphasis around the name.
_FIELD = re.compile(
    r"\s*(?:[-*+]\s+)?[*_`]{0,3}([A-Za-z][A-Za-z _-]{0,30}?)[*_`]{0,3}:[*_`]{0,3}(?:\s+(.*))?"
)
_BULLET = re.compile(r"\s*(?:[-*+]|[0-9]+[.)])\s+(.*)")
_FENCE = re.compile(r"\s*(`{3,}|~{3,})")
_COMMENT = re.compile(r"(?:^|\s+)#\s.*$|<!--.*?-->")


@dataclass(slots=True)
class Field:
    """A name with what stands behind it; a line without a name has an empty one."""

    name: str
    line: int
    values: list[str] = field(default_factory=list)
    #: Whether the value was fenced: code, line by line as it was written.
    fenced: bool = False
    #: Whether nothing stood behind the name, so that lines below it are its values.
    listed: bool = False


@dataclass(slots=True)
class Sections:
    """A file, taken apart."""

    #: Fields of the first three sections by the section's name, in their order.
    fields: dict[str, list[Field]] = field(default_factory=dict)
    #: Lines of the section Instructions, without its heading.
    instructions: str = ""
    #: Other headings before the instructions, with their lines.
    others: list[tuple[str, int]] = field(default_factory=list)


def read(text: str) -> Sections:
    """Take a file apart.

    What follows the heading Instructions is text, headings too, until one of the other three comes
    that is not deeper.
    """
    found = Sections()
    section, level, told = "", 0, list[str]()
    fence = ""
    for number, line in enumerate(text.splitlines(), 1):
        mark = _FENCE.match(line)
        heading = None if fence else _HEADING.fullmatch(line)
        if heading is not None:
            name, depth = _name(heading[2]), len(heading[1])
            if name in SECTIONS and not (section == "instructions" and depth > level):
                section, level = name, depth
                found.fields.setdefault(name, [])
                continue
            if section != "instructions":
                if depth <= level:
                    section = ""
                found.others.append((name, number))
                continue
        if section == "instructions":
            told.append(line)
        elif section:
            _take(found.fields[section], line, number, inside=bool(fence), mark=mark is not None)
        if mark is not None:
            fence = "" if fence and line.strip().startswith(fence) else fence or mark[1]
    found.fields.pop("instructions", None)
    found.instructions = "\n".join(told).strip()
    return found


def _name(heading: str) -> str:
    """Return a heading's first words in lower case: of ``Check: how to measure`` it is check."""
    plain = re.sub(r"[*_`]", "", heading)
    return re.split(r"\s*[:(–—]\s*|\s+-\s+", plain, maxsplit=1)[0].strip().lower()


def _take(fields: list[Field], line: str, number: int, *, inside: bool, mark: bool) -> None:
    """Read one line of a section that has fields."""
    last = fields[-1] if fields else None
    if mark:
        if inside:
            return
        if last is None or not last.listed or last.values:
            last = Field("", number)
            fields.append(last)
        last.fenced = True
        return
    if inside and last is not None and last.fenced:
        last.values.append(line.strip())
        return
    plain = _COMMENT.sub("", line).rstrip()
    if not plain.strip():
        return
    named = _FIELD.fullmatch(plain)
    if named is not None:
        value = (named[2] or "").strip()
        name = re.sub(r"[\s_-]+", " ", named[1]).strip().lower()
        values = [unquoted(value)] if value else []
        fields.append(Field(name, number, values, listed=not value))
        return
    bullet = _BULLET.fullmatch(plain)
    value = unquoted((bullet[1] if bullet else plain).strip())
    if last is not None and last.listed and (bullet or not last.values):
        last.values.append(value)
        return
    fields.append(Field("", number, [value]))


def unquoted(value: str) -> str:
    """Return a value without the quotes around all of it, as in YAML; a pattern keeps its own."""
    for quote in ("`", '"', "'"):
        if len(value) > 1 and value[0] == value[-1] == quote and quote not in value[1:-1]:
            inner = value[1:-1]
            return inner.replace("\\\\", "\\") if quote == '"' else inner
    return value


def unfenced(fields: list[Field]) -> Iterator[Field]:
    """Yield fields; a fenced block of nothing but ``name: value`` lines as what these say."""
    for one in fields:
        lines = [line for line in one.values if line]
        if one.fenced and not one.name and lines and all(map(_FIELD.fullmatch, lines)):
            inner: list[Field] = []
            for offset, line in enumerate(one.values, 1):
                _take(inner, line, one.line + offset, inside=False, mark=False)
            yield from inner
        else:
            yield one
