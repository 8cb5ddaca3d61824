"""Which other file a reply means to edit, where it leaves no doubt about that."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.edits import (
    FENCE,
    decode,
    is_aside,
    marker_width,
    shortest_fences,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_LABEL = re.compile(r"(?:file|filename|file\s?name|path|file\s?path)\s*[:=]\s*", re.IGNORECASE)
#: What surrounds a path that is written as a heading or in bold.
_DECORATION = " \t*`#'\"<>"
_PATH = re.compile(r"[\w.@+-]+(?:/[\w.@+-]+)*")
#: Ends of paths that are files.
_SUFFIXES = (
    "bash c cc cfg conf cpp css csv cu go h hpp html ini ipynb java jl js json jsonl jsx kt lock "
    "lua m md mjs pxd php pl proto pxi py pyi pyx r rb rs rst scala sh sql swift tex toml ts tsv "
    "tsx txt xml yaml yml"
)
#: Those that make a file of a name without a folder: ``self.lock`` and ``response.json`` are none.
_PLAIN_SUFFIXES = "cfg cpp hpp ini ipynb md pxd pxi py pyi pyx rst toml txt yaml yml"
#: Files without an end, where a label says that they are files.
_NAMES = (
    "Makefile makefile GNUmakefile Dockerfile Containerfile Jenkinsfile Procfile Pipfile Rakefile "
    "Gemfile Vagrantfile Justfile justfile LICENSE README BUILD WORKSPACE"
)
_LONGEST_PATH = 200
#: What is added to a path: ``tests/test_a.py (new)``.
_REMARK = re.compile(r"\s*\([^()]*\)$")
#: A line that is a comment and nothing else.
_COMMENT = re.compile(r"\s*(?:#|//|--|;|/\*|<!--)\s*(?P<text>[^\s#].*?)\s*(?:\*/|-->)?\s*")


def other_path(reply: str, source: bytes, target: str) -> str:
    """Return the first path beside the target that a block or fenced file is labelled with.

    A label is a path alone on the line above a block or fence (one blank line may lie between),
    one in the fence's info string, or, where the fence holds a whole file, one in a comment that is
    its first line and not the source's. Empty when there is none, and when in doubt.
    """
    text = decode(source)
    lines = reply.replace("\r\n", "\n").split("\n")
    begins = "<" * marker_width(text) + " SEARCH"
    is_whole = not any(line.rstrip() == begins for line in lines)
    present = text.partition("\n")[0].strip()
    for number in _openings(lines, text):
        fence = FENCE.fullmatch(lines[number])
        paths = [_in_info(fence["info"], target) if fence else "", _above(lines, number)]
        if fence and is_whole and not is_aside(fence["info"]):
            first = "".join(lines[number + 1 : number + 2])
            paths.append("" if first.strip() == present else _in_comment(first))
        for path in paths:
            if path and not _same(path, target):
                return path
    return ""


def _openings(lines: Sequence[str], text: str) -> Iterator[int]:
    """Yield the numbers of the lines that open a block or a fence; content is passed over."""
    width = marker_width(text)
    shortest = shortest_fences(text)
    begins, ends = "<" * width + " SEARCH", ">" * width + " REPLACE"
    fence, in_block = "", False
    for number, line in enumerate(lines):
        if in_block:
            in_block = line.rstrip() != ends
        elif line.rstrip() == begins:
            in_block = True
            yield number
        elif found := FENCE.fullmatch(line):
            mark, info = found["mark"], found["info"]
            if not fence and len(mark) >= shortest[mark[0]]:
                fence = mark
                yield number
            elif fence and mark.startswith(fence) and not info.strip():
                fence = ""


def _above(lines: Sequence[str], number: int) -> str:
    """Return the path that stands alone above a line; a fence on the way names none itself."""
    above = [line for line in lines[max(0, number - 2) : number][::-1] if line.strip()]
    return _alone(above[0]) if above else ""


def _alone(line: str) -> str:
    """Return the path that a line consists of; empty when it says anything else."""
    plain = line.strip(_DECORATION).rstrip(":")
    plain = _REMARK.sub("", plain).strip(_DECORATION).rstrip(":").strip(_DECORATION)
    label = _LABEL.match(plain)
    path = plain[label.end() :].strip(_DECORATION) if label else plain
    if len(path) > _LONGEST_PATH or not _PATH.fullmatch(path.removeprefix("/")):
        return ""
    if label and ("/" in path or "." in path.strip(".") or path in _NAMES.split()):
        return path
    suffix = PurePosixPath(path).suffix.removeprefix(".").lower()
    return path if suffix in (_SUFFIXES if "/" in path else _PLAIN_SUFFIXES).split() else ""


def _in_comment(line: str) -> str:
    """Return the path that a comment consists of."""
    comment = _COMMENT.fullmatch(line) if len(line) <= 2 * _LONGEST_PATH else None
    return _alone(comment["text"]) if comment else ""


def _in_info(info: str, target: str) -> str:
    """Return the path of an info string such as ``python tests/test_a.py`` or ``title="a.py"``."""
    for word in re.split(r"[\s,{}]+|:(?!//)", info):
        key, equals, value = word.rpartition("=")
        path = _alone(value.strip("\"'"))
        # A name without a folder may be a language: ``node.js`` is.
        named = "/" in path or PurePosixPath(path).suffix == PurePosixPath(target).suffix
        if path and (named or (equals and key.lower() in {"title", "file", "filename", "path"})):
            return path
    return ""


def _same(path: str, target: str) -> bool:
    """Tell whether a path may be the target's: its end, or all of it written from another root.

    A longer one is another file's, unless it is absolute or begins as in ``./`` and diffs.
    """
    one = [part for part in PurePosixPath(path).parts if part not in {"/", "."}]
    other = list(PurePosixPath(target).parts)
    if len(one) <= len(other):
        return other[-len(one) :] == one
    if path.startswith("/"):
        return one[-len(other) :] == other
    return one[0] in {"a", "b"} and one[1:] == other
