"""What the loop lends a proposer: the records' directory, and the candidate's checkout to edit."""

from __future__ import annotations

import stat
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.base import Found

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.worktrees import WorktreePool

_WORKTREE = "candidate"
#: Bytes from which on a file is no source that somebody has written.
_LARGEST = 64 * 2**20
_LISTED = 5


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
        if not self.path.is_dir():
            return Found(None)
        elsewhere = {*self.pool.altered(_WORKTREE), *self.pool.changes(_WORKTREE)}
        return Found(self._content(), tuple(sorted(elsewhere - {self.target})))

    def _content(self) -> bytes | None:
        file = self.path / self.target
        try:
            status = file.lstat()
            whole = stat.S_ISREG(status.st_mode) and status.st_size <= _LARGEST
            return file.read_bytes() if whole else None
        except OSError:
            return None


@dataclass(frozen=True, slots=True)
class CampaignWorkbench:
    """The workbench of one campaign."""

    pool: WorktreePool
    repository: Repository
    #: POSIX path of the target below the repository's root.
    target: str
    records: Path
    _notices: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Root of the user's checkout."""
        return self.repository.root

    @contextmanager
    def checkout(self, source: bytes) -> Iterator[LentCheckout]:
        """Lend the candidate's worktree with this content of the target; put all of it back.

        Who edits there runs outside of the sandbox, so what changed in the user's own checkout and
        branches meanwhile is noticed: the user may have done it, and nothing of it is put back.
        """
        self.pool.write(_WORKTREE, self.target, source)
        refs, files = self._refs(), set(self.repository.changed_tracked())
        try:
            yield LentCheckout(self.pool, self.target, self.pool.path(_WORKTREE))
        finally:
            self.pool.reset_all()
            now = self._refs()
            moved = sorted(ref for ref in {*refs, *now} if refs.get(ref) != now.get(ref))
            edited = sorted(set(self.repository.changed_tracked()) - files)
            self._notice("moved meanwhile, and not put back: ", moved)
            self._notice("edited in your checkout meanwhile: ", edited)

    def take_notices(self) -> tuple[str, ...]:
        """Return what was noticed since the last call."""
        taken = tuple(self._notices)
        self._notices.clear()
        return taken

    def _refs(self) -> dict[str, str]:
        return {"HEAD": self.repository.head(), **self.repository.refs("refs/")}

    def _notice(self, what: str, names: list[str]) -> None:
        if names:
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            self._notices.append(f"{what}{', '.join(names[:_LISTED])}{more}")
