"""What the loop lends a proposer: the records' directory, and the candidate's checkout to edit."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.base import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.history.worktrees import WorktreePool

_WORKTREE = "candidate"


@dataclass(frozen=True, slots=True)
class LentCheckout:
    """The candidate's worktree, in the hands of a proposer."""

    pool: WorktreePool
    target: str
    path: Path

    def found(self) -> Found:
        """Return what is there now, by content: what git says of it could have been forged.

        Raises:
            RepositoryError: git's own settings or hooks are not what they were.
        """
        elsewhere = {*self.pool.altered(_WORKTREE), *self.pool.changes(_WORKTREE)}
        file = self.path / self.target
        try:
            content = file.read_bytes() if stat.S_ISREG(file.lstat().st_mode) else None
        except OSError:
            content = None
        return Found(content, tuple(sorted(elsewhere - {self.target})))


@dataclass(frozen=True, slots=True)
class CampaignWorkbench:
    """The workbench of one campaign."""

    pool: WorktreePool
    #: POSIX path of the target below the repository's root.
    target: str
    root: Path
    records: Path

    @contextmanager
    def checkout(self, source: bytes) -> Iterator[LentCheckout]:
        """Lend the candidate's worktree with this content of the target; put all of it back."""
        self.pool.write(_WORKTREE, self.target, source)
        try:
            yield LentCheckout(self.pool, self.target, self.pool.path(_WORKTREE))
        finally:
            self.pool.reset(_WORKTREE)
