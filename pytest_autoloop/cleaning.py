"""Removes a campaign: what git holds of it and its records, and nothing that is somebody else's."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.ablation import minimal_branch
from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.files import remove_tree
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.lock import CampaignLock, is_held

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Json

#: Below it are the branches that `finalize` proposes, by campaign.
REVIEWS = "autoloop"
_BRANCHES = "refs/heads/"


@dataclass(frozen=True, slots=True)
class Removal:
    """What would be removed of one campaign."""

    tag: str
    #: Of the records.
    directory: Path
    experiments: int
    #: Full names of its refs and short names of its branches, with what each points at.
    refs: Mapping[str, str] = field(default_factory=dict)
    branches: Mapping[str, str] = field(default_factory=dict)
    #: Branches that bear its name and are left alone, and why.
    stays: Mapping[str, str] = field(default_factory=dict)
    #: Kept changes that no other branch holds.
    unmerged: int = 0

    def document(self) -> dict[str, Json]:
        """Return it as plain data."""
        return {
            "tag": self.tag,
            "directory": str(self.directory),
            "experiments": self.experiments,
            "refs": [*sorted(self.refs)],
            "branches": [*sorted(self.branches)],
            "stays": dict(self.stays),
            "unmerged": self.unmerged,
        }


def survey(repository: Repository, root: Path, tag: str) -> Removal:
    """Say what would be removed of a campaign, and change nothing.

    A damaged journal is no hindrance: such a campaign is one to be removed.

    Raises:
        UsageError: it is being run, or its records are behind a link.
        RepositoryError: git failed.
    """
    journal = Journal(root, tag)
    home = journal.directory.parent
    if home.is_symlink() or journal.directory.is_symlink():
        raise UsageError(f"{journal.directory} is behind a link: remove it by hand")
    if is_held(journal.directory):
        raise UsageError(
            f"the campaign {tag} is being run: wait until that has ended, then clean again"
        )
    refs = repository.refs(f"refs/autoloop/{tag}")
    made, kept, count = set(refs.values()), [], 0
    try:
        for line in journal.scan(lean=True):
            count += 1
            made.add(line.experiment.commit)
            if line.experiment.status == "keep":
                kept.append(line.experiment.commit)
            if line.experiment.status == "baseline":
                kept = []
    except JournalError:
        pass
    standing = checked_out(repository)
    branches, stays = {}, {}
    for name, commit in _named(repository, tag):
        if name in standing:
            stays[name] = "which is checked out: switch to another one first"
        elif commit in made or f"Autoloop-Experiment: {tag}/" in _message(repository, commit):
            branches[name] = commit
        else:
            stays[name] = f"whose last commit {commit[:10]} is not the campaign's"
    others = [name for name in _branches(repository) if name not in branches]
    unmerged = _missing(repository, kept, others)
    return Removal(tag, journal.directory, count, refs, branches, stays, unmerged)


def remove(repository: Repository, removal: Removal) -> None:
    """Remove what was surveyed; a ref that has moved since is refused, and nothing removed.

    Raises:
        UsageError: the campaign is being run by now.
        RepositoryError: git refused.
    """
    lock = CampaignLock(removal.directory)
    try:
        names = {
            **removal.refs,
            **{f"{_BRANCHES}{name}": commit for name, commit in removal.branches.items()},
        }
        orders = "".join(f"delete {name} {commit}\n" for name, commit in names.items())
        if orders:
            GitCommand(repository.root).run("update-ref", "--stdin", stdin=orders.encode())
        remove_tree(removal.directory)
    finally:
        lock.close()
    home = removal.directory.parent
    if [path.name for path in home.iterdir()] == [".gitignore"]:
        remove_tree(home)


def _named(repository: Repository, tag: str) -> Iterator[tuple[str, str]]:
    """Yield the branches that bear a campaign's name, and what they are at."""
    for name in (f"autoexp/{tag}", minimal_branch(repository, tag)):
        commit = repository.ref(f"{_BRANCHES}{name}")
        if commit is not None:
            yield name, commit
    for ref, commit in repository.refs(f"{_BRANCHES}{REVIEWS}/{tag}").items():
        yield ref.removeprefix(_BRANCHES), commit


def _message(repository: Repository, commit: str) -> str:
    shown = GitCommand(repository.root).run("cat-file", "commit", commit)
    return shown.decode("utf-8", "replace").partition("\n\n")[2]


def _branches(repository: Repository) -> list[str]:
    """Return all branches but those of campaigns."""
    names = (ref.removeprefix(_BRANCHES) for ref in repository.refs(_BRANCHES.rstrip("/")))
    return [name for name in names if not name.startswith("autoexp/")]


def checked_out(repository: Repository) -> set[str]:
    """Return the short names of the branches that a checkout of the repository is on."""
    listing = GitCommand(repository.root).line("worktree", "list", "--porcelain")
    prefix = f"branch {_BRANCHES}"
    return {line.removeprefix(prefix) for line in listing.splitlines() if line.startswith(prefix)}


def _missing(repository: Repository, kept: list[str], branches: list[str]) -> int:
    """Return how many kept commits are in none of some branches."""
    known = [commit for commit in kept if repository.resolve(commit) is not None]
    if not known:
        return 0
    without = ("^HEAD", *(f"^{_BRANCHES}{name}" for name in branches))
    found = GitCommand(repository.root).line("rev-list", *known, *without).split()
    return len(set(found) & set(known))
