"""The user's git repository: read freely, written only by adding commits, refs and worktrees.

The files, the index and the HEAD of the user's checkout are never changed. A commit is made from
memory by plumbing commands with a private index, so that no hook, filter or signature takes part
and no identity is needed.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop.errors import RepositoryError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.files import relative_path, remove_tree
from pytest_autoloop.history.gitparts import may_be_checked_out
from pytest_autoloop.history.plumbing import REGULAR, Plumbing
from pytest_autoloop.history.scratch import scratch_directory
from pytest_autoloop.history.usable import check_usable, top_level

if TYPE_CHECKING:
    from collections.abc import Iterable


class Change(NamedTuple):
    """What became of one file between two commits."""

    #: POSIX path relative to the root of the repository.
    path: str
    #: The blob before and after; None where it is absent or no regular file.
    old: str | None
    new: str | None


class Repository:
    """One git repository with its checkout, as `open` found it.

    Every method raises RepositoryError when git refuses, with git's own words; a method that
    takes a path raises UsageError when the path leaves the repository.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._git = GitCommand(root)
        self._durable = GitCommand(root, durable=True)  # for what the journal will name
        self._common: Path | None = None
        self._plumbing = Plumbing(self._git, self._durable)

    @classmethod
    def open(cls, path: Path) -> Repository:
        """Return the repository whose checkout holds `path`.

        Raises:
            UsageError: there is no such repository, or it is one that cannot be optimised in:
                bare, without a commit, or with submodules.
        """
        repository = cls(top_level(path))
        check_usable(repository._git)
        return repository

    def close(self) -> None:
        """End the processes of git that stay for the next question; another one starts them anew.

        They end with this process, too.
        """
        self._plumbing.close()

    # What the user's checkout holds ---------------------------------------------------------

    def head(self) -> str:
        """Return the commit that is checked out."""
        return self._git.line("rev-parse", "--verify", "HEAD^{commit}")

    def branch(self) -> str | None:
        """Return the name of the branch that is checked out, None when HEAD is detached."""
        arguments = ("symbolic-ref", "--quiet", "--short", "HEAD")
        result = self._git.attempt(*arguments)
        if result.exit_code > 1:
            raise self._git.refusal(arguments, result)
        return os.fsdecode(result.stdout).removesuffix("\n") or None

    def changed_tracked(self) -> list[str]:
        """Return the tracked files that differ from HEAD, staged or not; a rename is two files."""
        entries = self._git.names(
            "status", "--porcelain", "-z", "--untracked-files=no", "--no-renames"
        )
        return sorted(entry[3:] for entry in entries)

    def tracked(self) -> list[str]:
        """Return the files in the user's index."""
        return sorted(set(self._git.names("ls-files", "-z")))

    def untracked(self) -> list[str]:
        """Return the files that are neither tracked nor ignored."""
        return sorted(self._git.names("ls-files", "-z", "--others", "--exclude-standard"))

    def ignored(self, limit: int = 100) -> list[str]:
        """Return what is ignored, a whole directory as one name that ends with a slash."""
        found = self._git.names(
            "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"
        )
        return sorted(found)[:limit]

    def is_ignored(self, path: str) -> bool:
        """Tell whether an untracked path is ignored."""
        # This one command knows no literal names; after ./ it takes none of them for a pattern.
        name = f"./{relative_path(path)}"
        arguments = ("--no-literal-pathspecs", "check-ignore", "--quiet", "--", name)
        result = self._git.attempt(*arguments)
        if result.exit_code > 1:
            raise self._git.refusal(arguments, result)
        return result.exit_code == 0

    def is_tracked(self, path: str) -> bool:
        """Tell whether the path is a file in the user's index."""
        name = str(relative_path(path))
        return name in self._git.names("ls-files", "-z", "--", name)

    # What commits hold ----------------------------------------------------------------------

    def mode_of(self, commit: str, path: str) -> str | None:
        """Return git's mode of a path, such as ``100644`` or ``120000``; None when it is absent."""
        name = str(relative_path(path))
        mode = self._plumbing.mode(_revision(commit), name)
        if mode is not None:
            return mode
        entries = self._git.names("ls-tree", "-z", "--full-tree", _revision(commit), "--", name)
        return entries[0].split(" ", 1)[0] if entries else None

    def read(self, commit: str, path: str) -> bytes:
        """Return a file of a commit, byte for byte."""
        return self.blob(f"{_revision(commit)}:{relative_path(path)}")

    def stored(self, path: str, content: bytes) -> bytes:
        """Return what git would store for a file of the checkout, after the user's filters."""
        name = str(relative_path(path))
        blob = self._git.line("hash-object", "-w", "--stdin", "--path", name, stdin=content)
        return self.blob(blob)

    def diff(self, a: str, b: str, path: str) -> str:
        """Return the unified diff of one file between two commits, free of the user's settings."""
        ends, name = (_revision(a), _revision(b)), str(relative_path(path))
        output = self._plumbing.diff(*ends, name)
        if output is None:
            output = self._git.run(
                *("diff-tree", "-p", "--no-ext-diff", "--no-textconv", "--no-color"),
                *("--no-renames", *ends, "--", name),
            )
        return output.decode("utf-8", "replace")

    def log_subject(self, commit: str) -> str:
        """Return the first line of a commit's message."""
        output = self._git.run(
            *("log", "-1", "--no-show-signature", "--no-color", "--format=%s"),
            *(_revision(commit), "--"),
        )
        return output.decode("utf-8", "replace").removesuffix("\n")

    def resolve(self, revision: str) -> str | None:
        """Return the commit that a hash, branch, tag or `HEAD~2` names; None when there is none."""
        if not revision or revision.startswith("-"):
            return None
        arguments = ("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
        result = self._git.attempt(*arguments)
        return os.fsdecode(result.stdout).strip() or None if result.exit_code == 0 else None

    def merge_base(self, a: str, b: str) -> str | None:
        """Return the commit at which two histories parted; None when they share none."""
        arguments = ("merge-base", _revision(a), _revision(b))
        result = self._git.attempt(*arguments)
        if result.exit_code > 1:
            raise self._git.refusal(arguments, result)
        return os.fsdecode(result.stdout).strip() or None

    def commits(self, since: str, until: str, path: str) -> list[str]:
        """Return the commits of `until` and not of `since` that touch a file, oldest first.

        Merges are left out; a commit on a side branch counts, also when a merge undid it.
        """
        found = self._git.line(
            *("rev-list", "--reverse", "--topo-order", "--no-merges", "--full-history"),
            *(_revision(until), f"^{_revision(since)}", "--", str(relative_path(path))),
        )
        return found.split()

    def changes(self, old: str | None, new: str) -> list[Change]:
        """Return the files that differ between two commits; without `old` all that `new` adds."""
        ends = ["--root", "--no-commit-id"] if old is None else [_revision(old)]
        names = self._git.names(
            "diff-tree", "-r", "-z", "--raw", "--no-abbrev", "--no-renames", *ends, _revision(new)
        )
        found = []
        for entry, path in zip(names[::2], names[1::2], strict=True):
            old_mode, new_mode, old_blob, new_blob, _ = entry.removeprefix(":").split(" ")
            before = old_blob if old_mode in REGULAR else None
            found.append(Change(path, before, new_blob if new_mode in REGULAR else None))
        return found

    def blob(self, name: str) -> bytes:
        """Return the content of a blob, named by its hash or ``commit:path``, byte for byte."""
        found = self._plumbing.blob(_revision(name))
        return self._git.run("cat-file", "blob", name) if found is None else found

    def commit_file(self, parent: str, path: str, content: bytes, message: str) -> str:
        """Return a new commit: `parent` with one file changed, which keeps its mode.

        Nothing but objects is added to the repository; give the commit a ref to keep it.

        Raises:
            UsageError: the path leaves the repository, or is no regular file in `parent`.
        """
        name = str(relative_path(path))
        text = message.replace("\0", " ").encode("utf-8", "replace")
        commit = self._plumbing.commit_file(_revision(parent), name, content, text)
        if commit is not None:
            return commit
        mode = self.mode_of(parent, name) or REGULAR[0]
        if mode not in REGULAR:
            raise UsageError(
                f"{name} is not a regular file in commit {parent[:10]} (mode {mode}). "
                "Name the file that holds the code, not a link to it or a directory."
            )
        blob = self._durable.line("hash-object", "-w", "--stdin", "--no-filters", stdin=content)
        with scratch_directory("index") as directory:
            private = {"GIT_INDEX_FILE": str(Path(directory, "index"))}
            self._durable.run("read-tree", _revision(parent), variables=private)
            entry = f"{mode},{blob},{name}"
            self._durable.run("update-index", "--add", "--cacheinfo", entry, variables=private)
            tree = self._durable.run("write-tree", variables=private).decode("ascii").strip()
        arguments = ("commit-tree", tree, "-p", parent, "--no-gpg-sign", "-F", "-")
        return self._durable.line(*arguments, stdin=text)

    # Refs -----------------------------------------------------------------------------------

    def set_ref(self, ref: str, commit: str, expected_old: str | None = None) -> None:
        """Point a ref at a commit.

        With `expected_old` only when it still points there; empty means it must be new.

        Raises:
            UsageError: the ref is a branch that is checked out somewhere.
            RepositoryError: git refused, for example because the ref has moved meanwhile.
        """
        if not ref.startswith("refs/"):
            raise RepositoryError(f"{ref!r} is not a full name of a ref. Begin it with refs/.")
        self._check_not_checked_out(ref)
        done = self._plumbing.set_ref(ref, commit, expected_old)
        if done or (done is False and self.ref(ref) == commit):
            return
        expected = () if expected_old is None else (expected_old,)
        reason = ("-m", "pytest-autoloop")
        self._durable.run("update-ref", "--no-deref", *reason, ref, _revision(commit), *expected)

    def ref(self, name: str) -> str | None:
        """Return what a ref with this full name points at, None when there is none."""
        return self.refs(name).get(name)

    def refs(self, prefix: str) -> dict[str, str]:
        """Return the refs at and below a name such as ``refs/autoloop/nov20``."""
        listing = self._git.run(
            "for-each-ref", "--format=%(objectname) %(refname)", _revision(prefix)
        )
        pairs = (line.split(" ", 1) for line in os.fsdecode(listing).split("\n") if line)
        return {name: commit for commit, name in pairs}

    def commits_of(self, refs: Iterable[str]) -> dict[str, str]:
        """Return what refs point at, without those that are missing; no other ref is read."""
        names = list(map(_revision, refs))
        asked = os.fsencode("".join(f"{name}\n" for name in names))
        lines = os.fsdecode(self._git.run("cat-file", "--batch-check", stdin=asked)).splitlines()
        found = zip(names, lines, strict=True)
        return {name: line.split()[0] for name, line in found if not line.endswith(" missing")}

    def _check_not_checked_out(self, ref: str) -> None:
        """Refuse to move a branch under a checkout, whose files would then look edited.

        Raises:
            UsageError: a checkout of this repository is on the branch.
        """
        if not ref.startswith("refs/heads/"):
            return
        if self._common is None:
            self._common = self.root / self._git.line("rev-parse", "--git-common-dir")
        if not may_be_checked_out(self._common, ref):
            return
        for block in self._worktree_blocks():
            if f"branch {ref}" in block[1:]:
                raise UsageError(
                    f"branch {ref.removeprefix('refs/heads/')} is checked out in "
                    f"{block[0].removeprefix('worktree ')}, so it cannot be advanced. "
                    "Switch to another branch there (`git switch -`) and start again."
                )

    # Worktrees ------------------------------------------------------------------------------

    def add_worktree(self, path: Path, commit: str) -> None:
        """Check a commit out, detached, into a new directory.

        Raises:
            RepositoryError: git refused, for example because the directory exists.
        """
        self._git.run("worktree", "add", "--detach", str(path), _revision(commit))

    def remove_worktree(self, path: Path) -> None:
        """Remove a worktree and its registration, also when its directory is damaged or gone.

        Raises:
            RepositoryError: it is still registered, or its directory still there.
        """
        if path.is_symlink():  # git would follow it, and remove what it leads to
            path.unlink()
        arguments = ("worktree", "remove", "--force", "--force", str(path))
        if self._git.attempt(*arguments).exit_code == 0 and not os.path.lexists(path):
            return
        # git refuses when the .git file in it is damaged, or a file in it cannot be deleted.
        remove_tree(path)
        if path in self.worktrees():
            self._git.run(*arguments)

    def worktrees(self) -> list[Path]:
        """Return the directories of all registered worktrees, the user's checkout first."""
        return [Path(block[0].removeprefix("worktree ")) for block in self._worktree_blocks()]

    def _worktree_blocks(self) -> list[list[str]]:
        listing = os.fsdecode(self._git.run("worktree", "list", "--porcelain"))
        return [block.split("\n") for block in listing.split("\n\n") if block]


def _revision(text: str) -> str:
    """Return the name of a commit or ref, but not one that git takes for an option."""
    if not text or text.startswith("-"):
        raise RepositoryError(f"{text!r} does not name a commit or a ref. Give a commit's hash.")
    return text
