"""The checkouts in which candidates run: made once, under the system's temporary directory.

Nothing that a run leaves in such a checkout is believed. Its ``.git`` file may have been replaced,
its index may claim that changed files are unchanged, its HEAD may name one of the user's branches.
Every command therefore names git's directory and an index that lies outside of the checkout, and
none moves a branch.
"""

from __future__ import annotations

import os
import stat
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.copies import Copies, find_copies, stamp
from pytest_autoloop.history.files import (
    holds,
    real_parent,
    relative_path,
    remove_tree,
    replace_file,
)
from pytest_autoloop.history.gitparts import GitRefs, GitSettings
from pytest_autoloop.history.integrity import Seal
from pytest_autoloop.history.leftovers import remove_leftovers
from pytest_autoloop.history.looks import Digests
from pytest_autoloop.history.sealed import SealedWorktree, check_settings
from pytest_autoloop.history.worktree import Worktree

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.sealed import Alterations

_PERMISSIONS = 0o777
#: Of what git keeps of a checkout elsewhere: what says where the rest is read from.
_LINKS = ("commondir", "gitdir", "config.worktree")


class WorktreePool:
    """Private checkouts of a repository, to be used in a ``with`` statement.

    `targets` are the files that `write` writes; all others are sealed.
    `copy` holds patterns, relative to `project` (the repository's root unless given), of files that
    git does not carry; they are copied into every checkout and restored with it.

    Several threads may use a pool, each its own checkouts.
    """

    def __init__(
        self,
        repository: Repository,
        *,
        copy: Sequence[str] = (),
        project: Path | None = None,
        targets: tuple[str, ...] = (),
    ) -> None:
        self._repository = repository
        self._targets = targets
        self._digests = Digests()
        self._settings: Seal | None = None
        origin = (project or repository.root).resolve()
        self._copied = find_copies(repository.root, origin, tuple(copy))
        self._stamps = {name: stamp(repository.root / name) for name in self._copied}
        self._worktrees: dict[str, Worktree] = {}
        self._lent: list[str] = []
        self._idle: list[str] = []
        #: For the list of checkouts, ours and git's; and for the last time stamp.
        self._lock = threading.RLock()
        self._stamping = threading.Lock()
        self._owner = os.getpid()
        self._closed = False
        self._last_modified = 0
        place = Path(tempfile.gettempdir()).resolve()
        if place.is_relative_to(repository.root):
            raise UsageError(
                f"the temporary directory {place} lies inside the repository {repository.root}, "
                "where nothing may be written. Set TMPDIR to a directory outside of it."
            )
        remove_leftovers(repository, place)
        self.directory = Path(tempfile.mkdtemp(prefix=f"pytest-autoloop-{self._owner}-", dir=place))

    def __enter__(self) -> WorktreePool:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, name: str, commit: str) -> Path:
        """Check a commit out under a name and return the directory.

        Raises:
            RepositoryError: git refused, or a file cannot be copied.
        """
        path = self.directory / name
        with self._lock:
            self._repository.add_worktree(path, commit)
            worktree = self._adopt(path, commit)
            self._worktrees[name] = worktree
            if self._settings is not None:
                # Sealed after the others: nothing has run in it yet. Its HEAD is the campaign's.
                link = f".git/worktrees/{worktree.git_dir.name}/"
                self._settings.renew(*(link + file for file in _LINKS))
        return path

    @contextmanager
    def lend(self, like: str) -> Iterator[str]:
        """Lend a checkout that nobody else uses, of the commit of another; yields its name.

        As many are made as are lent at once. One that comes back is reset.

        Raises:
            RepositoryError: git refused, or it cannot be restored.
        """
        with self._lock:
            name = self._idle.pop() if self._idle else f"lent-{len(self._lent)}"
            commit = self._worktrees[like].commit
            if name not in self._lent:
                self.add(name, commit)
                self._lent.append(name)
        try:
            self.reset(name, commit)
            yield name
        finally:
            # Closed meanwhile, there is nothing to put back.
            if name in self._worktrees:
                self._worktrees[name].written.clear()
                self.reset(name)
                self._idle.append(name)

    def __contains__(self, name: str) -> bool:
        """Tell whether there is a checkout of this name."""
        return name in self._worktrees

    def path(self, name: str) -> Path:
        """Return the directory of a checkout."""
        return self._worktrees[name].path

    def write(self, name: str, path: str, content: bytes) -> None:
        """Put the target's bytes into a checkout, where they stay until it gets another commit.

        The file's mode is kept, its time stamp differs from that of every earlier content, and
        nothing is written through a link.

        Raises:
            UsageError: the path leaves the checkout.
            RepositoryError: a link stands in the way, or the file cannot be written.
        """
        worktree = self._worktrees[name]
        self._put(worktree, path, content)
        worktree.written[path] = content

    def written(self, name: str, path: str) -> bytes:
        """Return what `write` has put there, whatever a run made of it; else what is there.

        Raises:
            OSError: nothing was written, and there is no such file.
        """
        worktree = self._worktrees[name]
        content = worktree.written.get(path)
        return (worktree.path / path).read_bytes() if content is None else content

    def reset(self, name: str, commit: str | None = None) -> None:
        """Bring a checkout back to its commit, or to another one.

        Files the run changed, left or removed are as they were; copied files are kept, or copied
        again when they were touched; what `write` wrote is written again unless the commit is a
        new one.

        Raises:
            RepositoryError: the checkout could not be restored, nor made anew.
        """
        worktree = self._worktrees[name]
        if commit is None or commit == worktree.commit:
            self._mend(name, worktree.sealed.alterations(worktree.written))
            return
        worktree.commit = commit
        worktree.written.clear()
        self._restore(name, sealed_anew=True)

    def put_back(self, name: str) -> list[str]:
        """Return what a run changed, as `altered`, and bring the checkout back, as `reset`.

        One look at the files serves both.

        Raises:
            RepositoryError: as both.
        """
        found = self._look(name)
        self._mend(name, found)
        return [one.name for one in found.altered]

    def reset_all(self) -> None:
        """Bring every checkout back to its commit, as `reset` does, but those that are lent.

        Nobody else may be using one.

        Raises:
            RepositoryError: one could not be restored, nor made anew.
        """
        for name in list(self._worktrees):
            if name not in self._lent:
                self.reset(name)

    def seal(self, *, refs: bool = False) -> None:
        """Take note of git's settings, hooks and links, when all checkouts are there.

        With `refs` also of what every ref names: a user who commits meanwhile moves some, too.
        """
        root = self._repository.root
        common = root / GitCommand(root).line("rev-parse", "--git-common-dir")
        own = frozenset(tree.git_dir.name for tree in self._worktrees.values())
        more = [GitRefs(common, own_worktrees=own)] if refs else []
        self._settings = Seal.of(GitSettings(common), *more)

    def altered(self, name: str) -> list[str]:
        """Return what a run changed in a checkout, by content, mode and kind, without asking git.

        Files that were there, those that `write` had put there, and new ones that act by being
        there: code, settings of tools, links. What else it left is not of interest.

        Raises:
            RepositoryError: git's own settings or hooks are not what they were: nothing of git may
                be run there before somebody has looked.
        """
        return [one.name for one in self._look(name).altered]

    def _look(self, name: str) -> Alterations:
        if self._settings is not None:
            check_settings(self._settings, self._repository.root)
        worktree = self._worktrees[name]
        return worktree.sealed.alterations(worktree.written)

    def _mend(self, name: str, found: Alterations) -> None:
        """Bring a checkout back to its commit, by git only where more is needed than to remove."""
        worktree = self._worktrees[name]
        whole = False
        with suppress(RepositoryError, OSError):
            # What a target holds that was not written here is not sealed either.
            known = worktree.written.keys() >= set(self._targets)
            whole = known and worktree.sealed.sweep(found) and worktree.settle()
        if not whole:
            self._restore(name)
            return
        for path, content in worktree.written.items():
            if not holds(worktree.path / path, content):
                self._put(worktree, path, content)

    def _restore(self, name: str, *, sealed_anew: bool = False) -> None:
        worktree = self._worktrees[name]
        whole = False
        with suppress(RepositoryError, OSError):
            worktree.restore()
            if sealed_anew:
                worktree.sealed = self._sealed(worktree.path)
            whole = worktree.sealed.mend()
        if not whole:
            # A run can leave what git cannot sweep away, and that is no reason to end a campaign.
            worktree = self._rebuild(name, worktree)
        for path, content in worktree.written.items():
            self._put(worktree, path, content)

    def changes(self, name: str) -> list[str]:
        """Return all files that differ from the commit or are new, as git sees them.

        Ignored files are left out, and so are those that were copied. What a run is believed by is
        `altered`; this is for telling somebody what was put back.
        """
        worktree = self._worktrees[name]
        private = {"GIT_INDEX_FILE": str(worktree.index)}
        every = ("ls-files", "-z", "--modified", "--deleted", "--others")
        changed = set(worktree.git.names(*every, "--exclude-standard", variables=private))
        if any(path.rpartition("/")[2] == ".gitignore" for path in changed):
            # What is ignored is then the run's own choice.
            changed |= set(worktree.git.names(*every, variables=private))
        return sorted(changed - set(self._copied))

    def close(self) -> None:
        """Remove every checkout and the directory; a second call does nothing.

        Raises:
            RepositoryError: something could not be removed.
        """
        if self._closed or os.getpid() != self._owner:  # a forked child leaves what is its parent's
            return
        try:
            for path in self._repository.worktrees():
                if path.parent == self.directory:
                    self._repository.remove_worktree(path)
        finally:
            self._worktrees.clear()
            remove_tree(self.directory)
        self._closed = True

    def _adopt(self, path: Path, commit: str) -> Worktree:
        """Learn all there is to know of a checkout before anything has run in it."""
        copies = Copies(self._repository.root, path, self._stamps)
        worktree = Worktree(path, commit, copies, self._sealed(path), self._digests)
        worktree.adopt()
        worktree.sealed = self._sealed(path)
        return worktree

    def _sealed(self, path: Path) -> SealedWorktree:
        return SealedWorktree(path, self._targets, self._digests)

    def _rebuild(self, name: str, broken: Worktree) -> Worktree:
        with self._lock:
            self._repository.remove_worktree(broken.path)
            self._repository.add_worktree(broken.path, broken.commit)
            worktree = self._adopt(broken.path, broken.commit)
            worktree.written = broken.written
            self._worktrees[name] = worktree
        return worktree

    def _put(self, worktree: Worktree, path: str, content: bytes) -> None:
        pure = relative_path(path)
        file = worktree.path / pure
        try:
            target = real_parent(worktree.path, pure) / pure.name
            found = target.lstat() if os.path.lexists(target) else None
            regular = found is not None and stat.S_ISREG(found.st_mode)
            if regular and worktree.written.get(path) == content and holds(target, content):
                return
            before = int(found.st_mtime) if found is not None else 0
            # Whole seconds, because that is all a .pyc file remembers of its source.
            with self._stamping:
                modified = max(self._last_modified + 1, before + 1, int(time.time()))
                self._last_modified = modified
            if regular:  # over another file its content would be sent to the disk at once (ext4)
                target.unlink()
            replace_file(
                target,
                content,
                mode=stat.S_IMODE(found.st_mode) & _PERMISSIONS if found and regular else None,
                modified=modified,
                durable=False,
            )
        except OSError as error:
            raise RepositoryError(
                f"{file} cannot be written: {error.strerror or error}. "
                "See that the disk has room and that the path names a file, then start again."
            ) from error
