"""One private checkout: what is known of it without asking it, and how it becomes as new again."""

from __future__ import annotations

import os
import shutil
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.files import remove_tree, replace_file

if TYPE_CHECKING:
    from pytest_autoloop.history.copies import Copies
    from pytest_autoloop.history.looks import Digests
    from pytest_autoloop.history.sealed import SealedWorktree


@dataclass(slots=True)
class Worktree:
    """One checkout, used by one thread at a time.

    Beside its directory lie two indexes: that of its commit as git wrote it, and the same with the
    copied files in it, so that a sweep spares them.
    """

    path: Path
    commit: str
    copies: Copies
    sealed: SealedWorktree
    digests: Digests
    git_dir: Path = field(init=False)
    git: GitCommand = field(init=False)
    #: What `write` of the pool has written, by path.
    written: dict[str, bytes] = field(default_factory=dict)
    #: The copied files that `commit` does not track, and the commit this was found for.
    spared: list[str] = field(default_factory=list)
    spared_at: str = ""
    #: What its HEAD held when it was checked out.
    _head: bytes = b""

    def __post_init__(self) -> None:
        self.git_dir = Path(GitCommand(self.path).line("rev-parse", "--absolute-git-dir"))
        self.git = GitCommand(self.path, git_dir=self.git_dir)

    @property
    def index(self) -> Path:
        """Index of the commit, as git wrote it."""
        return self.path.with_name(f"{self.path.name}.index")

    @property
    def sparing(self) -> Path:
        """The same with the copied files in it."""
        return self.path.with_name(f"{self.path.name}.sparing")

    def adopt(self) -> None:
        """Take note of what git has checked out, and copy what it does not carry.

        Raises:
            RepositoryError: git refused, or a file cannot be copied.
        """
        shutil.copy2(self.git_dir / "index", self.index)
        self._spare()
        self.copies.refresh(self.spared)
        self._head = (self.git_dir / "HEAD").read_bytes()

    def settle(self) -> bool:
        """Put back the index that git has of it; tell whether its HEAD is where it was.

        What a run asks git depends on both. An index is what `git status` writes, too.

        Raises:
            OSError: git's directory of it is gone.
        """
        head, index = self.git_dir / "HEAD", self.git_dir / "index"
        # A store of refs that keeps HEAD elsewhere always has git put it back.
        if head.is_symlink() or head.read_bytes() != self._head or self._head.startswith(b"ref:"):
            return False
        lock = index.with_name("index.lock")
        if os.path.lexists(lock):
            remove_tree(lock)
        ours, theirs = self.index.lstat(), index.lstat()
        same = ours.st_mtime_ns == theirs.st_mtime_ns and ours.st_size == theirs.st_size
        of = self.digests.of
        if not same or of(str(index), theirs) != of(str(self.index), ours):
            self._put_index()
        return True

    def restore(self) -> None:
        """Bring all files back to the commit, but for their modes.

        Raises:
            RepositoryError: git refused, or its directory is gone.
            OSError: something cannot be removed or written.
        """
        if not stat.S_ISDIR(self.path.lstat().st_mode):
            raise RepositoryError(f"{self.path} is no longer a directory.")
        link = self.path / ".git"
        content = b"gitdir: " + os.fsencode(self.git_dir.as_posix()) + b"\n"
        if link.is_symlink() or not link.is_file() or link.read_bytes() != content:
            remove_tree(link)
            replace_file(link, content, durable=False)
        # Detached, because `reset --hard` would move the branch that a run had put into HEAD.
        self.git.run(
            *("checkout", "--quiet", "--force", "--detach", self.commit),
            variables={"GIT_INDEX_FILE": str(self.index)},
        )
        self._spare()
        sparing = {"GIT_INDEX_FILE": str(self.sparing)}
        self.git.run("clean", "--quiet", "-ffdx", variables=sparing)
        (self.git_dir / "index.lock").unlink(missing_ok=True)
        self._put_index()
        self._head = (self.git_dir / "HEAD").read_bytes()
        self.copies.refresh(self.spared)

    def _put_index(self) -> None:
        """Give git the index of the commit, for whoever asks git there.

        With its time stamp, by which git knows the files that may have changed in that instant.
        """
        place = self.git_dir / "index"
        remove_tree(place)  # a link in its place would be followed
        shutil.copy2(self.index, place)

    def _spare(self) -> None:
        """Make the index by which a sweep knows what to leave: tracked files and copied ones.

        Patterns given to `git clean` could not name every file, and only so many of them.
        """
        if self.spared_at == self.commit:
            return
        private = {"GIT_INDEX_FILE": str(self.index)}
        tracked = set(self.git.names("ls-files", "-z", variables=private))
        self.spared = [name for name in self.copies.names if name not in tracked]
        shutil.copy2(self.index, self.sparing)
        if self.spared:
            empty = self.git.run("hash-object", "-w", "--stdin", "--no-filters", stdin=b"")
            entry = b"100644 " + empty.strip() + b"\t"
            self.git.run(
                *("update-index", "-z", "--add", "--index-info"),
                stdin=b"".join(entry + os.fsencode(name) + b"\0" for name in self.spared),
                variables={"GIT_INDEX_FILE": str(self.sparing)},
            )
        self.spared_at = self.commit
