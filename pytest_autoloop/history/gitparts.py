"""What a seal covers of git's own directory: all that can run a program or move a ref."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.history.looks import Entry, Tree

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: Refs that the campaign itself moves.
_OWN_REFS = ("refs/autoloop", "refs/heads/autoexp")
#: Files by name. `commondir` and `gitdir` say where the rest is read from.
_SETTINGS = (
    "config",
    "config.worktree",
    "commondir",
    "gitdir",
    "shallow",
    "objects/info/alternates",
    "objects/info/http-alternates",
)
#: Hooks; attributes, which name filters; excludes; grafts, which show another history.
_DIRECTORIES = ("hooks", "info")
#: Of every linked worktree. Without its HEAD: the campaign checks commits out in its own.
_OF_WORKTREE = ("commondir", "gitdir", "config.worktree")
_BULK = frozenset({"objects", "logs", "lfs"})


@dataclass(frozen=True, slots=True)
class GitSettings:
    """Settings, hooks, attributes, links to other object stores, submodules' directories."""

    #: The directory that all worktrees share, ``git rev-parse --git-common-dir``.
    common: Path
    label: str = ".git/"

    def entries(self) -> Iterator[Entry]:
        """Walk through the files."""
        for name in (*_SETTINGS, *_DIRECTORIES, "modules"):
            yield from _file(self.common / name, self.label + name)
        for name in _DIRECTORIES:
            yield from _below(self.common / name, f"{self.label}{name}/")
        yield from _below(self.common / "modules", f"{self.label}modules/", _BULK)
        with suppress(OSError):
            for worktree in (self.common / "worktrees").iterdir():
                for name in _OF_WORKTREE:
                    label = f"{self.label}worktrees/{worktree.name}/{name}"
                    yield from _file(worktree / name, label)


@dataclass(frozen=True, slots=True)
class GitRefs:
    """HEAD and every ref but those of campaigns, loose and packed, and the HEADs of worktrees.

    A user who commits while a campaign runs moves refs, too: what differs here is a question, not
    yet an answer.
    """

    common: Path
    label: str = ".git/"
    #: Names of linked worktrees whose HEAD the campaign itself moves.
    own_worktrees: frozenset[str] = frozenset()

    def entries(self) -> Iterator[Entry]:
        """Walk through the files."""
        yield from _file(self.common / "HEAD", f"{self.label}HEAD")
        yield from self._packed()
        # Without looking at each of a campaign's own: there is one for every experiment.
        leaving = frozenset(name.removeprefix("refs/") for name in _OWN_REFS)
        for entry in Tree(self.common / "refs", "refs/", leaving).entries():
            if not _own(entry.name):
                yield entry._replace(name=self.label + entry.name)
        with suppress(OSError):
            for worktree in (self.common / "worktrees").iterdir():
                if worktree.name not in self.own_worktrees:
                    label = f"{self.label}worktrees/{worktree.name}/HEAD"
                    yield from _file(worktree / "HEAD", label)

    def _packed(self) -> Iterator[Entry]:
        """Give the packed refs of others: packing adds a campaign's own to the same file."""
        path = self.common / "packed-refs"
        for entry in _file(path, f"{self.label}packed-refs"):
            try:
                lines = path.read_bytes().splitlines()
            except OSError:
                yield entry
                continue
            digest = hashlib.sha256()
            own = False
            for line in lines:
                if line.startswith(b"#"):  # how the file is sorted and peeled
                    continue
                if not line.startswith(b"^"):  # such a line belongs to the ref before it
                    own = _own(os.fsdecode(line.partition(b" ")[2]))
                if not own:
                    digest.update(line + b"\n")
            yield entry._replace(content=digest.digest())


def may_be_checked_out(common: Path, branch: str) -> bool:
    """Tell whether a checkout could be on a branch, such as ``refs/heads/main``.

    False is certain. True only says that git has to be asked: a HEAD names the branch, or is none
    that could be read here.
    """
    try:
        heads = [common / "HEAD"]
        with suppress(FileNotFoundError):
            heads += [place / "HEAD" for place in (common / "worktrees").iterdir()]
        for head in heads:
            # A link in its place is how git once wrote it; another ref store leaves a word there.
            content = b"ref:" if head.is_symlink() else head.read_bytes()
            if not content.startswith(b"ref:"):
                continue
            name = os.fsdecode(content[4:].strip())
            if name in {branch, "", "refs/heads/.invalid"}:
                return True
            with suppress(FileNotFoundError):  # packed, or not born yet
                if (common / name).read_bytes().startswith(b"ref:"):
                    return True
    except OSError:
        return True
    return False


def _own(ref: str) -> bool:
    # The directories above them come and go with them.
    return ref == "refs/heads" or any(ref == o or ref.startswith(f"{o}/") for o in _OWN_REFS)


def _file(path: Path, name: str) -> Iterator[Entry]:
    with suppress(OSError):
        yield Entry(name, str(path), path.lstat())


def _below(directory: Path, label: str, pruned: frozenset[str] = frozenset()) -> Iterator[Entry]:
    """Walk through a directory, unless a link stands in its place: that is an entry itself."""
    if not directory.is_symlink():
        yield from Tree(directory, label, pruned=pruned).entries()
