"""The checkouts in which candidates run: made once, under the system's temporary directory.

Nothing that a run leaves in such a checkout is believed. Its ``.git`` file may have been replaced,
its index may claim that changed files are unchanged, its HEAD may name one of the user's branches.
Every command therefore names git's directory and an index that lies outside of the checkout, and
none moves a branch.
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.copies import Copies, find_copies, stamp
from pytest_autoloop.history.files import (
    real_parent,
    relative_path,
    remove_tree,
    replace_file,
)
from pytest_autoloop.history.gitparts import GitRefs, GitSettings
from pytest_autoloop.history.integrity import Digests, Seal
from pytest_autoloop.history.leftovers import remove_leftovers
from pytest_autoloop.history.sealed import SealedWorktree

if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from pytest_autoloop.history.repository import Repository

_PERMISSIONS = 0o777


@dataclass(slots=True)
class _Worktree:
    """One checkout and what is known of it without asking it."""

    path: Path
    commit: str
    git_dir: Path
    git: GitCommand
    #: Index of `commit`, as git wrote it.
    index: Path
    #: The same with the copied files in it, so that a sweep spares them.
    sparing: Path
    copies: Copies
    sealed: SealedWorktree
    #: The copied files that `commit` does not track, and the commit this was found for.
    spared: list[str] = field(default_factory=list)
    spared_at: str = ""
    written: dict[str, bytes] = field(default_factory=dict)


class WorktreePool:
    """Private checkouts of a repository, to be used in a ``with`` statement.

    `targets` are the files that `write` writes; all others are sealed.
    `copy` holds patterns, relative to `project` (the repository's root unless given), of files that
    git does not carry; they are copied into every checkout and restored with it.
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
        self._copied = find_copies(
            repository.root, (project or repository.root).resolve(), tuple(copy)
        )
        self._stamps = {name: stamp(repository.root / name) for name in self._copied}
        self._worktrees: dict[str, _Worktree] = {}
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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def add(self, name: str, commit: str) -> Path:
        """Check a commit out under a name and return the directory.

        Raises:
            RepositoryError: git refused, or a file cannot be copied.
        """
        path = self.directory / name
        self._repository.add_worktree(path, commit)
        self._worktrees[name] = self._adopt(path, commit)
        return path

    def path(self, name: str) -> Path:
        """Return the directory of a checkout."""
        return self._worktrees[name].path

    def write(self, name: str, path: str, content: bytes) -> None:
        """Put the target's bytes into a checkout, where they stay until it gets another commit.

        The file's mode is kept, its time stamp differs from that of every earlier write, and
        nothing is written through a link.

        Raises:
            UsageError: the path leaves the checkout.
            RepositoryError: a link stands in the way, or the file cannot be written.
        """
        worktree = self._worktrees[name]
        self._put(worktree, path, content)
        worktree.written[path] = content

    def reset(self, name: str, commit: str | None = None) -> None:
        """Bring a checkout back to its commit, or to another one.

        Files the run changed, left or removed are as they were; copied files are kept, or copied
        again when they were touched; what `write` wrote is written again unless the commit is a
        new one.

        Raises:
            RepositoryError: the checkout could not be restored, nor made anew.
        """
        worktree = self._worktrees[name]
        another = commit is not None and commit != worktree.commit
        if commit is not None and another:
            worktree.commit = commit
            worktree.written.clear()
        try:
            self._restore(worktree)
            if another:
                worktree.sealed = self._sealed(worktree.path)
            whole = worktree.sealed.mend()
        except (RepositoryError, OSError):
            whole = False
        if not whole:
            # A run can leave what git cannot sweep away, and that is no reason to end a campaign.
            worktree = self._rebuild(name, worktree)
        for path, content in worktree.written.items():
            self._put(worktree, path, content)

    def reset_all(self) -> None:
        """Bring every checkout back to its commit, as `reset` does.

        Raises:
            RepositoryError: one could not be restored, nor made anew.
        """
        for name in list(self._worktrees):
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
        worktree = self._worktrees[name]
        found = self._settings.differences() if self._settings is not None else []
        # The user's own worktrees come and go.
        foreign = [one for one in found if one.name.startswith(".git/worktrees/")]
        changed = [str(one) for one in found if one not in foreign or one.what == "changed"]
        if changed:
            raise RepositoryError(
                f"{', '.join(changed)} in {self._repository.root}, while a candidate ran. If it "
                "was not you, look at it before you run git there; then start again."
            )
        return [one.name for one in worktree.sealed.alterations(worktree.written).altered]

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

    def _adopt(self, path: Path, commit: str) -> _Worktree:
        """Learn all there is to know of a checkout before anything has run in it."""
        git_dir = Path(GitCommand(path).line("rev-parse", "--absolute-git-dir"))
        worktree = _Worktree(
            path=path,
            commit=commit,
            git_dir=git_dir,
            git=GitCommand(path, git_dir=git_dir),
            index=self.directory / f"{path.name}.index",
            sparing=self.directory / f"{path.name}.sparing",
            copies=Copies(self._repository.root, path, self._stamps),
            sealed=self._sealed(path),
        )
        shutil.copy2(git_dir / "index", worktree.index)
        self._spare(worktree)
        worktree.copies.refresh(worktree.spared)
        worktree.sealed = self._sealed(path)
        return worktree

    def _sealed(self, path: Path) -> SealedWorktree:
        return SealedWorktree(path, self._targets, self._digests)

    def _restore(self, worktree: _Worktree) -> None:
        if not stat.S_ISDIR(worktree.path.lstat().st_mode):
            raise RepositoryError(f"{worktree.path} is no longer a directory.")
        link = worktree.path / ".git"
        content = b"gitdir: " + os.fsencode(worktree.git_dir.as_posix()) + b"\n"
        if link.is_symlink() or not link.is_file() or link.read_bytes() != content:
            remove_tree(link)
            replace_file(link, content, durable=False)
        private = {"GIT_INDEX_FILE": str(worktree.index)}
        # Detached, because `reset --hard` would move the branch that a run had put into HEAD.
        worktree.git.run(
            *("checkout", "--quiet", "--force", "--detach", worktree.commit), variables=private
        )
        self._spare(worktree)
        sparing = {"GIT_INDEX_FILE": str(worktree.sparing)}
        worktree.git.run("clean", "--quiet", "-ffdx", variables=sparing)
        (worktree.git_dir / "index.lock").unlink(missing_ok=True)
        # With its time stamp, by which git knows the files that may have changed in that instant.
        shutil.copy2(worktree.index, worktree.git_dir / "index")
        worktree.copies.refresh(worktree.spared)

    def _spare(self, worktree: _Worktree) -> None:
        """Make the index by which a sweep knows what to leave: tracked files and copied ones.

        Patterns given to `git clean` could not name every file, and only so many of them.
        """
        if worktree.spared_at == worktree.commit:
            return
        private = {"GIT_INDEX_FILE": str(worktree.index)}
        tracked = set(worktree.git.names("ls-files", "-z", variables=private))
        worktree.spared = [name for name in self._copied if name not in tracked]
        shutil.copy2(worktree.index, worktree.sparing)
        if worktree.spared:
            empty = worktree.git.run("hash-object", "-w", "--stdin", "--no-filters", stdin=b"")
            entry = b"100644 " + empty.strip() + b"\t"
            worktree.git.run(
                *("update-index", "-z", "--add", "--index-info"),
                stdin=b"".join(entry + os.fsencode(name) + b"\0" for name in worktree.spared),
                variables={"GIT_INDEX_FILE": str(worktree.sparing)},
            )
        worktree.spared_at = worktree.commit

    def _rebuild(self, name: str, broken: _Worktree) -> _Worktree:
        self._repository.remove_worktree(broken.path)
        self._repository.add_worktree(broken.path, broken.commit)
        worktree = self._adopt(broken.path, broken.commit)
        worktree.written = broken.written
        self._worktrees[name] = worktree
        return worktree

    def _put(self, worktree: _Worktree, path: str, content: bytes) -> None:
        pure = relative_path(path)
        file = worktree.path / pure
        try:
            target = real_parent(worktree.path, pure) / pure.name
            found = target.lstat() if os.path.lexists(target) else None
            regular = found is not None and stat.S_ISREG(found.st_mode)
            before = int(found.st_mtime) if found is not None else 0
            # Whole seconds, because that is all a .pyc file remembers of its source.
            self._last_modified = max(self._last_modified + 1, before + 1, int(time.time()))
            replace_file(
                target,
                content,
                mode=stat.S_IMODE(found.st_mode) & _PERMISSIONS if found and regular else None,
                modified=self._last_modified,
                durable=False,
            )
        except OSError as error:
            raise RepositoryError(
                f"{file} cannot be written: {error.strerror or error}. "
                "See that the disk has room and that the path names a file, then start again."
            ) from error
