"""How pytest was called for a campaign, as its header tells it, so that it can be called again."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Json

#: What stands in the place of a name and a key in an address: candidates may read the header.
MASK = "***"
_USER = re.compile(r"(?<=://)[^/@\s]+(?=@)")


def call_document(
    arguments: Sequence[str | os.PathLike[str]], directory: Path, root: Path
) -> dict[str, Json]:
    """Return what the header tells of a call.

    Args:
        arguments: what pytest was given.
        directory: where it was called.
        root: the directory that holds the records.

    """
    told = [_USER.sub(MASK, os.fspath(argument)) for argument in arguments]
    place = os.path.relpath(directory.resolve(), root.resolve())
    return {"arguments": [*told], "directory": place}


def is_masked(argument: str) -> bool:
    """Say whether something was left out of an argument."""
    return f"://{MASK}@" in argument
