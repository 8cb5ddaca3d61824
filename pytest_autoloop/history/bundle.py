"""One tree of a repository as bytes, and a repository made of them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.history.command import IDENTITY, GitCommand
from pytest_autoloop.history.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

_BRANCH = "refs/heads/base"
#: The commit of a tree has the same name whenever it is made.
_THEN = {f"GIT_{role}_DATE": "2000-01-01T00:00:00Z" for role in ("AUTHOR", "COMMITTER")}
_WHO: Mapping[str, str] = {**IDENTITY, **_THEN}


def bundled(root: Path, commit: str) -> tuple[bytes, str]:
    """Return a git bundle of one commit's tree, without its history, and the commit in it.

    Nothing is written in the repository.

    Raises:
        RepositoryError: git refused.
    """
    with scratch_directory("bundle") as name:
        place = Path(name)
        source = GitCommand(root)
        kind = source.line("rev-parse", "--show-object-format")
        objects = source.line("rev-parse", "--path-format=absolute", "--git-path", "objects")
        tree = source.line("rev-parse", "--verify", f"{commit}^{{tree}}")
        GitCommand(place).run("init", "--quiet", "--bare", f"--object-format={kind}", "bare")
        bare = place / "bare"
        borrowed = bare / "objects" / "info" / "alternates"
        borrowed.write_text(f"{objects}\n", encoding="utf-8")
        git = GitCommand(place, git_dir=bare)
        made = git.run("commit-tree", "-m", "base", tree, variables=_WHO)
        base = made.decode("ascii").strip()
        git.run("update-ref", _BRANCH, base)
        git.run("bundle", "create", "--quiet", str(place / "bundle"), _BRANCH)
        return (place / "bundle").read_bytes(), base


def unbundled(bundle: bytes, commit: str, root: Path) -> None:
    """Make a repository with that one commit; no file of it is checked out.

    Raises:
        RepositoryError: git refused.
        OSError: the directory cannot be made.
    """
    root.mkdir(parents=True)
    file = root.with_name("bundle")
    file.write_bytes(bundle)
    # As long as a hash of SHA-256, or of SHA-1.
    kind = "sha256" if len(commit) > 40 else "sha1"  # noqa: PLR2004
    git = GitCommand(root)
    git.run("init", "--quiet", f"--object-format={kind}", "--initial-branch=base", ".")
    git.run("fetch", "--quiet", str(file), f"{_BRANCH}:refs/remotes/bundle/base")
    git.run("update-ref", _BRANCH, commit)
    file.unlink()
