"""Candidates from git: commits, branches, ranges and globs of branches."""

from __future__ import annotations

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.replay.candidates import NOTHING, Candidate

if TYPE_CHECKING:
    from pytest_autoloop.history.repository import Repository

_SHORT = 7
_SYMMETRIC = "..."
_BRANCHES = ("refs/heads/", "refs/remotes/")
_FORMS = "a commit, a branch, a range A..B, a glob such as 'idea/*', or A..'idea/*'"


def items_of(text: str) -> tuple[str, ...]:
    """Split the comma-separated list of a spec.

    Raises:
        UsageError: it is empty, an item of it is, or a range is of a kind that is not replayed.
    """
    items = tuple(item.strip() for item in text.split(","))
    if not all(items):
        what = "an item of its list is empty" if any(items) else "its list is empty"
        raise UsageError(f"replay:git:{text} is incomplete, {what}: write {_FORMS} for each item")
    for item in items:
        since, _, until = item.partition("..")
        if _SYMMETRIC in item or ".." in until:
            raise UsageError(
                f"replay:git: {item!r} is no range of the form A..B: write {_FORMS}; what a branch "
                "did since it left A is A..B too"
            )
        if ".." in item and _is_glob(since):
            raise UsageError(
                f"replay:git: {item!r} begins at a pattern: name one commit or branch before the "
                "two dots, such as main..'idea/*'"
            )
    return items


def git_candidates(repository: Repository, items: tuple[str, ...], target: str) -> list[Candidate]:
    """Read what each item of the list does to the target, in the order of the list.

    Raises:
        UsageError: an item names nothing, or nothing that changes the target.
        RepositoryError: git refused.
    """
    reader = _Reader(repository, target)
    found: list[Candidate] = []
    for item in items:
        candidates = reader.candidates(item)
        if not candidates:
            raise UsageError(
                f"{NOTHING}: {_untouched(item)} {target} in {repository.root}; name something "
                f"that does: git log --oneline --all -- {target}"
            )
        found += candidates
    # A branch may be named by itself and by a glob.
    return list(dict.fromkeys(found))


@dataclass(slots=True)
class _Reader:
    """Reads one repository; blobs that many candidates start from are read once."""

    repository: Repository
    target: str
    _blobs: dict[str, bytes] = field(default_factory=dict)

    def candidates(self, item: str) -> list[Candidate]:
        """Return the candidates of one item, those left out that do not change the target."""
        since, dots, until = item.partition("..")
        if not dots:
            found = [self._alone(name) for name in self._names(item)]
        else:
            start = self._commit(since or "HEAD")
            if _is_glob(until):
                found = [self._branch(name, start) for name in self._names(until)]
            else:
                end = self._commit(until or "HEAD")
                commits = self.repository.commits(start, end, self.target)
                found = [self._single(commit, commit) for commit in commits]
        return [candidate for candidate in found if candidate is not None]

    def _names(self, item: str) -> list[str]:
        """Return the item itself, or the full names of the refs that a glob matches, sorted."""
        if not _is_glob(item):
            return [item]
        spaces = ("",) if item.startswith("refs/") else (*_BRANCHES, "refs/tags/", "refs/")
        known = [name for name in self.repository.refs("refs") if not name.endswith("/HEAD")]
        for space in spaces:
            matching = sorted(name for name in known if fnmatchcase(name, f"{space}{item}"))
            if matching:
                return matching
        raise UsageError(
            f"{NOTHING}: no branch in {self.repository.root} matches {item!r}; list them with "
            "git branch -a"
        )

    def _commit(self, name: str) -> str:
        commit = self.repository.resolve(name)
        if commit is None:
            raise UsageError(
                f"replay:git: {name!r} names no commit, branch or tag in {self.repository.root}; "
                "list the branches with git branch -a, the commits with git log --oneline --all"
            )
        return commit

    def _alone(self, name: str) -> Candidate | None:
        """Read a branch as a whole since it left HEAD, anything else as one commit."""
        for place in ("",) if name.startswith("refs/") else _BRANCHES:
            full = f"{place}{name}"
            if full.startswith(_BRANCHES) and self.repository.ref(full) is not None:
                return self._branch(full, self.repository.head())
        return self._single(name, self._commit(name))

    def _branch(self, name: str, start: str) -> Candidate | None:
        """Read what a branch did to the target since its history parted from `start`."""
        tip = self._commit(name)
        base = self.repository.merge_base(start, tip)
        if base is None:
            raise UsageError(
                f"replay:git: {_shown(name)} shares no commit with {start[:_SHORT]}, so what it "
                "changed is unknown; name its commits as a range A..B"
            )
        return self._between(name, base, tip)

    def _single(self, name: str, commit: str) -> Candidate | None:
        """Read what a commit did to the target, against its first parent."""
        return self._between(name, self.repository.resolve(f"{commit}^1"), commit)

    def _between(self, name: str, base: str | None, commit: str) -> Candidate | None:
        changes = {change.path: change for change in self.repository.changes(base, commit)}
        change = changes.pop(self.target, None)
        if change is None or (change.old == change.new and change.new is not None):
            return None
        short, subject = commit[:_SHORT], self.repository.log_subject(commit)
        plain = commit.startswith(name.lower())
        origin = short if plain else _shown(name)
        return Candidate(
            origin=origin,
            description=f"{short} {subject}" if plain else f"{origin} ({short}): {subject}",
            base=self._content(change.old),
            content=self._content(change.new),
            elsewhere=tuple(sorted(changes)),
            fault=f"{origin} leaves no regular file {self.target}" if change.new is None else "",
        )

    def _content(self, blob: str | None) -> bytes:
        """Return a blob's content; a file that is not there is empty."""
        if blob is None:
            return b""
        if blob not in self._blobs:
            self._blobs[blob] = self.repository.blob(blob)
        return self._blobs[blob]


def _is_glob(text: str) -> bool:
    return any(character in text for character in "*?[")


def _shown(name: str) -> str:
    """Return a ref's name as git shows it to people."""
    for space in (*_BRANCHES, "refs/tags/", "refs/"):
        if name.startswith(space):
            return name.removeprefix(space)
    return name


def _untouched(item: str) -> str:
    """Begin the sentence that an item does not change the target."""
    if _is_glob(item):
        return f"no branch that matches {item!r} changes"
    return f"no commit of {item!r} changes" if ".." in item else f"{item!r} does not change"
