"""`pytest-autoloop rollback`: writes one version of the target into the checkout."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.cli import commands, versions
from pytest_autoloop.cli.arguments import add_command
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.command import GitCommand

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from pytest_autoloop.cli.arguments import Subparsers
    from pytest_autoloop.cli.commands import Record
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.model import Experiment


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    command = add_command(
        subparsers,
        "rollback",
        _run,
        summary="write one version of the target into the checkout, without committing it",
        more="Refused, with nothing written, when the target has changes that are not committed.",
        example="pytest-autoloop rollback 7\npytest-autoloop rollback first",
    )
    command.add_argument(
        "number",
        metavar="N",
        nargs="?",
        default=versions.BEST,
        help="number of an experiment, best (default) or first",
    )
    versions.add_campaign(command)


@dataclass(frozen=True, slots=True)
class Written:
    """What has become of the checkout."""

    #: Paths that were written, and those that held that version already.
    files: tuple[str, ...]
    already: tuple[str, ...]
    #: Paths whose committed content the campaign never saw: they were changed since.
    changed_since: tuple[str, ...]


def _run(options: argparse.Namespace) -> None:
    record = commands.choose(Path.cwd(), options.tag)
    version = versions.committed(record, versions.find(record, options.number))
    written = write(record, version)
    undo = "git restore " + " ".join(shlex.quote(f":/{path}") for path in written.files)
    if options.json:
        commands.print_json(
            {
                "tag": record.tag,
                "number": version.number,
                "commit": version.commit,
                "files": list(written.files),
                "already": list(written.already),
                "changed_since": list(written.changed_since),
                "undo": undo if written.files else None,
            }
        )
        return
    name = f"{record.tag}/{version.number:03} ({text.visible(version.description)})"
    if not written.files:
        print(f"{', '.join(written.already)} in your checkout is {name} already")
        return
    print(f"wrote {name} to {', '.join(written.files)}; nothing is committed")
    if written.changed_since:
        print(
            f"note: {', '.join(written.changed_since)} had changed since the campaign, which this "
            "undoes: look at git diff"
        )
    print(f"undo it: {undo}")


def write(record: Record, version: Experiment) -> Written:
    """Write a version of all targets into the checkout; the index and HEAD stay as they are.

    What is there may be lost only if a commit has it: of the checkout's branch or the campaign.

    Raises:
        UsageError: it cannot be done; the checkout is as it was.
        RepositoryError: git failed.
    """
    repository = record.repository()
    record.check_commit(repository, version.commit)
    wanted = _blobs(repository, version.commit, record.paths)
    if not wanted:
        raise UsageError(
            f"commit {version.commit[:10]} has no {', '.join(record.paths)}: name another version"
        )
    committed = _blobs(repository, "HEAD", wanted)
    missing = [path for path in wanted if path not in committed]
    if missing:
        raise UsageError(
            f"{', '.join(missing)} is not in the commit that is checked out: switch to a branch "
            "that has it, then roll back again"
        )
    known = {path: _known(record, repository, path) for path in wanted}
    changed = [path for path in repository.changed_tracked() if path in wanted]
    present = {**committed, **{path: _stored(repository, path) for path in changed}}
    lost = [path for path in changed if present[path] not in known[path]]
    if lost:
        raise UsageError(
            f"{', '.join(lost)} in your checkout has changes that are not committed: commit or "
            "stash them (git stash), then roll back again"
        )
    files = tuple(path for path, blob in wanted.items() if present[path] != blob)
    if files:
        # As a checkout writes it: with the user's line endings and filters.
        GitCommand(repository.root).run(
            "restore", f"--source={version.commit}", "--worktree", "--", *files
        )
    already = tuple(path for path in wanted if path not in files)
    since = tuple(path for path in files if committed[path] not in known[path])
    return Written(files, already, since)


def _blobs(repository: Repository, commit: str, paths: Iterable[str]) -> dict[str, str]:
    """Return the hashes of some files in a commit, of those that are in it."""
    names = {f"{commit}:{path}": path for path in paths}
    return {names[name]: blob for name, blob in repository.commits_of(names).items()}


def _stored(repository: Repository, path: str) -> str:
    """Return the hash that git would give a file of the checkout; empty for no ordinary file."""
    file = repository.root / path
    if file.is_symlink() or not file.is_file():
        return ""
    git, content = GitCommand(repository.root), file.read_bytes()
    return git.line("hash-object", "--stdin", "--path", path, stdin=content)


def _known(record: Record, repository: Repository, path: str) -> set[str]:
    """Return the hashes of every content that a file has in the campaign."""
    commits = sorted({e.commit for e in record.experiments if e.commit})
    return set(repository.commits_of(f"{commit}:{path}" for commit in commits).values())
