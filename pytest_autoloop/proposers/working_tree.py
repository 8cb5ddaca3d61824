"""The edit that somebody made by hand: the target as it stands in the user's checkout."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import Brief, Target

NAME = "try"


class WorkingTreeProposer(ProposerBase):
    """Proposes the uncommitted content of the target, once."""

    name = NAME

    def __init__(self, description: str, rootdir: Path) -> None:
        self._description = description
        self._rootdir = rootdir
        self._content: bytes | None = None

    def check(self, target: Target, source: bytes) -> None:
        """Take the target as it is now, so that an edit made meanwhile changes nothing.

        Raises:
            UsageError: it is not there, cannot be read, or is what the last commit holds.
        """
        repository = Repository.open(self._rootdir)
        file = repository.root / target.path
        try:
            # As git would store it: line ends may be converted between checkout and commit.
            self._content = repository.stored(target.path, file.read_bytes())
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror or error}") from error
        if self._content == source:
            raise UsageError(
                f"{target.path} has no uncommitted change to judge: edit and save it, do not "
                "commit, then run --autoloop-try again"
            )

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the edit; None when asked again."""
        content, self._content = self._content, None
        if content is None:
            return None
        return Proposal(self._description, (Edit(brief.target.path, content),), self.name)
