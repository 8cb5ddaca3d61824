"""Details of experiments, packed: lines that come again are kept once, and blocks are compressed.

Diffs of one campaign are about one file, so most of their lines come again, but far from each
other: farther than the 32 kB that the zlib format looks back. So a block lists the lines that are
new, and texts are numbers of lines. A line's number is written as its distance from the one after
the line before, which is 0 wherever lines follow each other as they did earlier.

`rows.js` undoes it.
"""

from __future__ import annotations

import base64
import json
import zlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.model import Json

#: Experiments in a block, and blocks that share their lines; the next one begins anew, so that
#: neither writer nor reader has to hold all lines of a long campaign.
BLOCK = 64
SHARING = 16
_LEVEL = 9
#: The first characters of a diff's lines, which are kept apart: what is added now was removed once.
_MARKS = frozenset(" +-")


class Packer:
    """Packs details one by one; blocks that are full are compressed once and for all."""

    def __init__(self) -> None:
        self._full: list[str] = []
        self._lines: dict[str, int] = {}
        #: Of the block that is not full: the lines that are new in it, and its details as JSON.
        self._new: list[str] = []
        self._open: list[str] = []

    def add(self, details: Mapping[str, Json]) -> None:
        """Take in what is told of an experiment."""
        packed = dict(details)
        diff, guard = packed.get("diff"), packed.get("guard")
        if isinstance(diff, str):
            lines = diff.split("\n")
            marks = "".join(line[0] if line[:1] in _MARKS and line else "." for line in lines)
            bodies = (
                line if mark == "." else line[1:] for mark, line in zip(marks, lines, strict=True)
            )
            packed["diff"] = [marks, *self._numbered(bodies)]
        if isinstance(guard, dict) and isinstance(guard.get("output"), str):
            output = str(guard["output"]).split("\n")
            packed["guard"] = {**guard, "output": ["", *self._numbered(output)]}
        self._open.append(dumps(packed))
        if len(self._open) == BLOCK:
            self._full.append(_block(self._new, self._open))
            self._new, self._open = [], []
            if len(self._full) % SHARING == 0:
                self._lines.clear()

    def blocks(self) -> list[str]:
        """Return all of it: JSON in the zlib format in base 64, a text for each block."""
        return [*self._full, *([_block(self._new, self._open)] if self._open else [])]

    def _numbered(self, lines: Iterable[str]) -> list[int]:
        found: list[int] = []
        expected = 0
        for line in lines:
            number = self._lines.get(line)
            if number is None:
                number = self._lines[line] = len(self._lines)
                self._new.append(line)
            found.append(number - expected)
            expected = number + 1
        return found


def dumps(value: Json) -> str:
    """Return compact JSON in ASCII.

    Raises:
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(value, allow_nan=False, separators=(",", ":"))


def compressed(content: str) -> str:
    """Return a text in ASCII in the zlib format, in base 64."""
    return base64.b64encode(zlib.compress(content.encode("ascii"), _LEVEL)).decode("ascii")


def _block(lines: Sequence[str], details: Sequence[str]) -> str:
    return compressed(f'{{"lines":{dumps(list(lines))},"details":[{",".join(details)}]}}')
