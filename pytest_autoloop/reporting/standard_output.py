"""Keeps standard output for one JSON document: whatever else is printed goes to standard error."""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Json

_OUTPUT, _ERROR = 1, 2


class StandardOutput:
    """Redirects the descriptor itself, so that conftest files and child processes follow.

    Made before pytest captures anything: capturing puts back the descriptor that it found.
    """

    def __init__(self) -> None:
        sys.stdout.flush()
        self._saved = os.dup(_OUTPUT)
        os.dup2(_ERROR, _OUTPUT)

    def finish(self, document: Mapping[str, Json]) -> None:
        """Write the document, and give the descriptor back."""
        sys.stdout.flush()
        os.dup2(self._saved, _OUTPUT)
        os.close(self._saved)
        with os.fdopen(os.dup(_OUTPUT), "w", encoding="utf-8") as stream:
            stream.write(json.dumps(document, indent=2) + "\n")
