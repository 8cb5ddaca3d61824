"""What a proposer has handed out, in a file of the campaign's records: a line each.

It tells a campaign that goes on what a row cannot: which item of a queue, or which place of a file,
an earlier proposal was. It is never the truth about what was tried; the rows are.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.errors import ProposerError

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import Json


_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
#: Characters of a description that a row has.
_COMPARED = 200


def known_as(description: str) -> str:
    """Return what a row makes of a description."""
    words = text.visible(" ".join(_CONTROL.sub(" ", description).split()))
    return words[:_COMPARED]


class Handed:
    """Lines of JSON that only grow.

    Args:
        path: the file; it need not exist.

    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> list[dict[str, Json]]:
        """Return all entries, oldest first; a line that was cut short is left out.

        Raises:
            ProposerError: the file cannot be read.
        """
        try:
            lines = self._path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._fault("read", error) from error
        return [entry for line in lines if isinstance(entry := _parsed(line), dict)]

    def add(self, entry: dict[str, Json]) -> None:
        """Append an entry.

        It is not forced to the disk: what a failing machine loses costs a second try at most.

        Raises:
            ProposerError: the file cannot be written.
        """
        # A line break on both sides: what a killed process left behind spoils no other line.
        line = f"\n{json.dumps(entry)}\n".encode()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open("ab") as stream:
                stream.write(line)
        except OSError as error:
            raise self._fault("written", error) from error

    def _fault(self, what: str, error: OSError) -> ProposerError:
        return ProposerError(
            f"{self._path} cannot be {what}: {error.strerror or error}; make room and allow it, "
            "then run the same command again"
        )


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except ValueError:
        return None
