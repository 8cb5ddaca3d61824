"""What the loop lends a proposer: the records' directory, and the candidate's checkout to edit."""

from __future__ import annotations

import stat
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.base import Found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
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
    #: What the pool calls it.
    name: str = _WORKTREE

    def found(self) -> Found:
        """Return what is there now, by content: what git says of it could have been forged.

        Raises:
            RepositoryError: git's own settings or hooks are not what they were.
        """
        if not self.path.is_dir():
            return Found(None)
        elsewhere = {*self.pool.altered(self.name), *self.pool.changes(self.name)}
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
    #: Content of the targets that stand still, by path.
    frozen: Mapping[str, bytes] = field(default_factory=dict)
    #: Whether several checkouts may be lent at the same time.
    parallel: bool = False
    _notices: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        """Root of the user's checkout."""
        return self.repository.root

    @contextmanager
    def checkout(self, source: bytes) -> Iterator[LentCheckout]:
        """Lend a worktree with this content of the target; put all of it back.

        It is the candidate's, or where others may be lent at the same time one of its own.

        Who edits there runs outside of the sandbox, so what changed in the user's own checkout and
        branches meanwhile is noticed: the user may have done it, and nothing of it is put back.
        """
        refs, files = self._refs(), set(self.repository.changed_tracked())
        try:
            with self.pool.lend(_WORKTREE) if self.parallel else nullcontext(_WORKTREE) as name:
                for path, content in {**self.frozen, self.target: source}.items():
                    self.pool.write(name, path, content)
                yield LentCheckout(self.pool, self.target, self.pool.path(name), name)
        finally:
            if not self.parallel:
                self.pool.reset_all()
            now = self._refs()
            moved = sorted(ref for ref in {*refs, *now} if refs.get(ref) != now.get(ref))
            edited = sorted(set(self.repository.changed_tracked()) - files)
            self._notice("moved meanwhile, and not put back: ", moved)
            self._notice("edited in your checkout meanwhile: ", edited)

    def take_notices(self) -> tuple[str, ...]:
        """Return what was noticed since the last call."""
        return tuple(self._notices.pop(0) for _ in range(len(self._notices)))

    def _refs(self) -> dict[str, str]:
        """Return what the user's refs name; the campaign moves its own while others are asked."""
        refs = self.repository.refs("refs/")
        own = ("refs/autoloop/", "refs/heads/autoexp/") if self.parallel else ()
        told = {ref: commit for ref, commit in refs.items() if not ref.startswith(own)}
        return {"HEAD": self.repository.head(), **told}

    def _notice(self, what: str, names: list[str]) -> None:
        if names:
            more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
            self._notices.append(f"{what}{', '.join(names[:_LISTED])}{more}")
