"""Replays a folder of ready versions of the target, in the order of their names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Brief

_LEADING_NUMBER = re.compile(r"^\d+[-_. ]*")


class ReplayProposer(ProposerBase):
    """Proposes each file of a folder once; the file's name is its description."""

    name = "replay"

    def __init__(self, files: Sequence[Path]) -> None:
        self._files = list(files)

    @classmethod
    def from_folder(cls, folder: Path) -> ReplayProposer:
        """Queue the files of a folder, hidden ones left out.

        Raises:
            UsageError: there is no such folder, or nothing in it.
        """
        if not folder.is_dir():
            what = "is not a folder" if folder.exists() else "does not exist"
            message = (
                f"the proposer 'replay' has no candidates: {folder} {what}; name a folder that "
                "holds one file for each version of the target to try"
            )
            raise UsageError(message)
        files = sorted(
            path for path in folder.iterdir() if path.is_file() and not path.name.startswith(".")
        )
        if not files:
            message = (
                f"the proposer 'replay' has no candidates: the folder {folder} holds no files; "
                "put one file into it for each version of the target to try"
            )
            raise UsageError(message)
        return cls(files)

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the next file as the target's new content, None after the last.

        Raises:
            ProposerError: the file cannot be read.
        """
        if not self._files:
            return None
        path = self._files.pop(0)
        try:
            content = path.read_bytes()
        except OSError as error:
            message = f"cannot read the candidate {path}: {error.strerror}"
            raise ProposerError(message) from error
        return Proposal(
            description=describe(path.stem),
            edits=(Edit(brief.target.path, content),),
            proposer=self.name,
        )


def describe(stem: str) -> str:
    """Turn a file name such as `01_memoise_with_a_dict` into a description."""
    words = re.sub(r"[-_]+", " ", _LEADING_NUMBER.sub("", stem)).strip()
    return words or stem
