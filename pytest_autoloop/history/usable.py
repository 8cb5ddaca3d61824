"""Which repositories a campaign can work in, and what speaks against the others."""

from __future__ import annotations

import os
from pathlib import Path

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.command import GitCommand

_SUBMODULE = b"160000"


def top_level(path: Path) -> Path:
    """Return the root of the checkout that holds `path`.

    Raises:
        UsageError: there is none: no repository, a bare one, or git's own directory.
    """
    if not path.is_dir():
        raise UsageError(f"{path} is not a directory. Start in the directory of your project.")
    git = GitCommand(path.resolve())
    result = git.attempt("rev-parse", "--is-bare-repository", "--is-inside-work-tree")
    if result.exit_code != 0:
        raise UsageError(_cannot_use(path, result.stderr.strip()))
    bare, inside = result.stdout.decode("ascii").split()
    if inside != "true":
        kind = "a bare git repository" if bare == "true" else "git's own directory"
        raise UsageError(
            f"{path} is {kind}, without a checkout. Start in a clone that has files checked out."
        )
    return Path(git.line("rev-parse", "--show-toplevel")).resolve()


def _cannot_use(path: Path, said: str) -> str:
    if "not a git repository" in said:
        return (
            f"{path} is not inside a git repository, and every try is a commit. "
            'Create one: git init && git add -A && git commit --allow-empty -m "start"'
        )
    return f"git cannot use the repository at {path}: {said}"


def check_usable(git: GitCommand) -> None:
    """Refuse a repository in which nothing can be optimised.

    Raises:
        UsageError: it has no commit, or submodules.
    """
    if git.attempt("rev-parse", "--verify", "--quiet", "HEAD^{commit}").exit_code != 0:
        raise UsageError(
            f"the repository at {git.directory} has no commit yet, so there is nothing to start "
            'from. Make one: git add -A && git commit --allow-empty -m "start"'
        )
    entries = git.run("ls-tree", "-r", "-z", "--full-tree", "HEAD").split(b"\0")
    linked = [entry for entry in entries if entry.startswith(_SUBMODULE)]
    if linked or (git.directory / ".gitmodules").is_file():
        name = os.fsdecode(linked[0].split(b"\t", 1)[1]) if linked else ".gitmodules"
        raise UsageError(
            f"the repository at {git.directory} contains submodules ({name}), which a git "
            "worktree does not check out. Run inside the submodule, or in a copy without them."
        )
