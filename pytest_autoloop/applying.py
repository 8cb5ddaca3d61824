"""Brings what a campaign kept into the branch that the user has checked out, on request only.

The merge is the user's own: made in the user's checkout, with the user's configuration, identity
and hooks. What cannot be merged is refused before anything changes, or undone.
"""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from pytest_autoloop.errors import AutoloopError, UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from pathlib import Path

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.model import Effect, Experiment

#: What git keeps while something is under way, and what that is.
_UNDER_WAY = {
    "MERGE_HEAD": "merge",
    "rebase-merge": "rebase",
    "rebase-apply": "rebase",
    "CHERRY_PICK_HEAD": "cherry-pick",
    "REVERT_HEAD": "revert",
}
_LISTED = 3


@dataclass(frozen=True, slots=True)
class Source:
    """What is to be brought in."""

    #: Short name of the branch, such as ``autoexp/nov20``.
    branch: str
    #: Where the campaign began, and the commit that the branch must be at.
    first: str
    best: str
    #: The files that may change: paths relative to the root of the repository.
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What has become of the user's branch."""

    source: str
    branch: str
    before: str
    after: str
    how: Literal["already", "fast-forward", "merge", "squash"]
    files: tuple[str, ...] = ()
    #: The files are as they were measured: nothing else had changed them meanwhile.
    as_measured: bool = True

    def told(self) -> list[str]:
        """Say what was done, and how it is undone."""
        if self.how == "already":
            return [f"{self.branch} has everything of {self.source} already; nothing was changed"]
        place = f"{self.branch} is at {self.after[:10]} now ({self.how} of {self.source})"
        lines = [
            f"applied: {place}: {', '.join(self.files)}",
            f"undo it: git reset --keep {self.before[:10]}",
        ]
        if not self.as_measured:
            lines.append(
                "it is merged with what has changed since, and nobody has tested that: run pytest"
            )
        return lines


def ends(rows: Sequence[Row] | Sequence[Experiment]) -> tuple[str, str]:
    """Return the commit on which the campaign's branch begins, and the one it is at.

    It begins anew where a baseline was measured on a commit that is none of its own, as with a
    harness that has changed.
    """
    kept = {row.commit for row in rows if row.status == "keep"}
    standing = [row.commit for row in rows if row.status in {"keep", "baseline"}]
    began = [row.commit for row in rows if row.status == "baseline" and row.commit not in kept]
    return began[-1], standing[-1]


def apply(repository: Repository, source: Source, *, squash: bool = False) -> Applied:
    """Merge a campaign's branch into the one that is checked out; fast-forward where possible.

    With `squash` it becomes one commit of the user's, whose message names what was kept.

    Raises:
        UsageError: it cannot be done; the checkout is as it was.
        RepositoryError: git failed.
    """
    branch, head = _checked_out(repository, source)
    base = repository.merge_base(head, source.best)
    if base is None:
        raise UsageError(
            f"{branch} and {source.branch} have no common history: switch to the branch that the "
            "campaign began on"
        )
    files = tuple(change.path for change in repository.changes(base, source.best))
    if base == source.best or _same(repository, head, source.best, files):
        return Applied(source.branch, branch, head, head, "already")
    forward = base == head and not squash
    _check_files(files, source, branch)
    _check_clean(repository, files, whole_index=not forward)
    _merge(_UserGit(repository.root), repository, source, branch, squash=squash)
    after = repository.head()
    how: Literal["fast-forward", "squash", "merge"] = "squash" if squash else "merge"
    if after == source.best:
        how = "fast-forward"
    measured = _same(repository, after, source.best, files)
    return Applied(source.branch, branch, head, after, how, files, measured)


def why_not(audited: Sequence[Effect | None]) -> str:
    """Say why what was kept is not applied without being looked at; empty when it may be.

    `audited` has the audit's effect for each target of which something was kept, None where it was
    not audited.
    """
    if not audited:
        return "not applied: nothing was kept"
    if None in audited:
        return "not applied: not all that was kept was audited in this session"
    # What was kept was chosen for its measurements; only the audit's are fresh.
    if any(effect is not None and effect.low <= 0 for effect in audited):
        return "not applied: the audit does not show a gain for certain"
    return ""


def at_the_end(
    repository: Repository, source: Source, audited: Sequence[Effect | None]
) -> list[str]:
    """Apply what a session kept, if it may be, and say in any case what has become of it."""
    reason = why_not(audited)
    if reason:
        return [reason]
    try:
        return apply(repository, source).told()
    except AutoloopError as error:  # the session is over; what was kept is on its branch
        return [f"not applied: {error}"]


class _Answer(NamedTuple):
    exit_code: int
    output: str
    error: str

    @property
    def said(self) -> str:
        """Git's own words in one line; a hook's, where git has none."""
        lines = (self.error.strip() or self.output.strip()).splitlines()
        return " ".join(line.strip() for line in lines if line.strip()) or "git gave no reason"


class _UserGit:
    """Runs git as the user would: with hooks, configuration and identity; but nobody is asked."""

    def __init__(self, root: Path) -> None:
        self._root = root
        # With GIT_DIR set, as in a hook, git would speak of another repository.
        local = set(self.run("rev-parse", "--local-env-vars", hidden=frozenset()).output.split())
        self._hidden = frozenset(local)

    def run(self, *arguments: str, hidden: frozenset[str] | None = None) -> _Answer:
        """Run a command and return what it answered."""
        left_out = self._hidden if hidden is None else hidden
        kept = {name: value for name, value in os.environ.items() if name not in left_out}
        done = subprocess.run(
            ["git", *arguments],
            cwd=self._root,
            env={**kept, "GIT_TERMINAL_PROMPT": "0", "GIT_MERGE_AUTOEDIT": "no"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
        return _Answer(done.returncode, done.stdout, done.stderr)

    def names(self, *arguments: str) -> list[str]:
        """Return the NUL-separated names that a command wrote."""
        return [name for name in self.run(*arguments).output.split("\0") if name]


def _checked_out(repository: Repository, source: Source) -> tuple[str, str]:
    """Return the user's branch and its commit, if something can be merged into it."""
    if source.best == source.first:
        raise UsageError(f"nothing was kept on {source.branch}, so there is nothing to apply")
    tip = repository.ref(f"refs/heads/{source.branch}")
    if tip != source.best:
        where = "is gone" if tip is None else f"is at {tip[:10]}, not at the campaign's best"
        force = "" if tip is None else "-f "
        raise UsageError(
            f"the branch {source.branch} {where}: put it right with "
            f"`git branch {force}{source.branch} {source.best[:10]}` and apply again"
        )
    git = _UserGit(repository.root)
    for name, what in _UNDER_WAY.items():
        trace = repository.root / git.run("rev-parse", "--git-path", name).output.strip()
        if trace.exists():
            # The same directory serves two commands, and each of them can end its own alone.
            doing = "am" if (trace / "applying").exists() else what
            raise UsageError(
                f"a git {doing} is under way in {repository.root}: finish it (git {doing} "
                f"--continue) or give it up (git {doing} --abort), then apply again"
            )
    branch = repository.branch()
    if branch is None:
        raise UsageError(
            f"no branch is checked out in {repository.root} (HEAD is detached): switch to the one "
            f"that {source.branch} shall come into, then apply again"
        )
    return branch, repository.head()


def _same(repository: Repository, a: str, b: str, files: Collection[str]) -> bool:
    """Tell whether some files have the same content in two commits."""
    return not any(change.path in files for change in repository.changes(a, b))


def _check_files(files: Sequence[str], source: Source, branch: str) -> None:
    """Refuse a merge that would bring more than what was improved."""
    others = [path for path in files if path not in source.targets]
    if not others:
        return
    more = f" and {len(others) - _LISTED} more" if len(others) > _LISTED else ""
    raise UsageError(
        f"{branch} lacks commits that the campaign began on, so that a merge would also bring "
        f"{', '.join(others[:_LISTED])}{more}: switch to the branch that it began on, or take the "
        f"kept changes alone with `git cherry-pick {source.first[:10]}..{source.branch}`"
    )


def _check_clean(repository: Repository, files: Collection[str], *, whole_index: bool) -> None:
    """Refuse to merge into what is not committed."""
    changed = [path for path in repository.changed_tracked() if path in files]
    if changed:
        raise UsageError(
            f"{', '.join(changed)} in your checkout has changes that are not committed: commit or "
            "stash them (git stash), then apply again"
        )
    if not whole_index:
        return
    staged = _UserGit(repository.root).names("diff", "--cached", "--name-only", "-z")
    if staged:
        more = f" and {len(staged) - _LISTED} more" if len(staged) > _LISTED else ""
        raise UsageError(
            f"changes of {', '.join(staged[:_LISTED])}{more} are staged, and a merge commit would "
            "mix with them: commit them or take them back (git restore --staged), then apply again"
        )


def _merge(
    git: _UserGit, repository: Repository, source: Source, branch: str, *, squash: bool
) -> None:
    """Merge, or leave the checkout as it was and say why."""
    state = ("--no-optional-locks", "status", "--porcelain", "-z", "--untracked-files=no")
    head, before = repository.head(), git.names(*state)
    message = f"Merge branch '{source.branch}'"
    mode = ("--squash",) if squash else ("--no-squash", "--commit", "--no-edit", "-m", message)
    # The commit that was looked at above, wherever the branch is by now.
    answer = git.run("merge", "--no-autostash", *mode, source.best)
    if squash and answer.exit_code == 0:
        answer = git.run("commit", "--quiet", "-m", _squashed(git, source))
    if answer.exit_code == 0:
        return
    conflicts = git.names("diff", "--name-only", "--diff-filter=U", "-z")
    if repository.head() != head:
        raise UsageError(
            f"{source.branch} was merged into {branch}, then git failed: {answer.said}"
        )
    if squash:
        git.run("reset", "--quiet", "--merge")
    elif git.run("rev-parse", "--quiet", "--verify", "MERGE_HEAD").exit_code == 0:
        git.run("merge", "--abort")
    if git.names(*state) != before:
        raise UsageError(
            f"{source.branch} could not be merged, and git could not undo that ({answer.said}): "
            f"look at `git status` in {repository.root}"
        )
    if conflicts:
        raise UsageError(
            f"{branch} and {source.branch} both changed {', '.join(conflicts)}, in the same "
            f"places, so nothing was applied: `git merge {source.branch}` begins the merge for you "
            "to resolve, and `git merge --abort` gives it up again"
        )
    raise UsageError(
        f"{source.branch} was not merged, nothing was changed: git said: {answer.said}"
    )


def _squashed(git: _UserGit, source: Source) -> str:
    """Return the message of one commit for all: what was kept, oldest first."""
    kept = f"{source.first}..{source.best}"
    subjects = git.run("log", "--reverse", "--no-show-signature", "--format=- %s", kept).output
    return f"Improve {', '.join(source.targets)} ({source.branch})\n\n{subjects}"
