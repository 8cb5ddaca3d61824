"""A campaign as one file: its record and its commits, to be looked at or verified elsewhere.

What is imported was written by somebody else: names and sizes are checked, nothing of it is run,
and the commit that the campaign began on has to be here already.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError, RepositoryError, UsageError
from pytest_autoloop.history.command import GitCommand
from pytest_autoloop.history.files import replace_file
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.scratch import scratch_directory

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pytest_autoloop.model import Experiment, Json

SUFFIX = ".autoloop.tar.gz"
_FORMAT = 1
_ABOUT, _HEADER, _JOURNAL, _BUNDLE = (
    *("archive.json", "campaign.json", "experiments.jsonl"),
    "commits.bundle",
)
_NAMES = frozenset({_ABOUT, _HEADER, _JOURNAL, _BUNDLE})
#: Bytes that one file in an archive may have.
_LARGEST = 2**31
#: How a campaign was called is for its owner alone: it may hold a key, and could run any program.
_PRIVATE = ("arguments", "directory")


@dataclass(frozen=True, slots=True)
class Imported:
    """A campaign that is here now."""

    root: Path
    tag: str


def write_archive(
    file: Path,
    repository: Repository,
    journal: Journal,
    experiments: Sequence[Experiment],
    *,
    overwrite: bool = False,
) -> None:
    """Write a campaign's record, and the commits that it made, to a file.

    Raises:
        UsageError: the file exists or cannot be written, or commits are missing.
        JournalError: the record cannot be read.
        RepositoryError: git failed.
    """
    if file.exists() and not overwrite:
        raise UsageError(
            f"{file} exists and is not overwritten: name another file with --output FILE, or say "
            "--force"
        )
    from pytest_autoloop.remeasuring import without_campaign  # noqa: PLC0415 - brings pytest

    header = journal.read_header() or {}
    called = header.get("arguments")
    told: dict[str, Json] = {key: value for key, value in header.items() if key not in _PRIVATE}
    if isinstance(called, list):
        told["called_with"] = [*without_campaign(list(map(str, called)))]
    about: dict[str, Json] = {
        "format": _FORMAT,
        "tag": journal.tag,
        "place": _place(journal, repository),
    }
    contents = {
        _ABOUT: json.dumps(about, indent=2).encode(),
        _HEADER: json.dumps(told, indent=2).encode(),
        _JOURNAL: journal.path.read_bytes(),
        _BUNDLE: _bundle(repository, journal.tag, experiments),
    }
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    try:
        replace_file(file, packed.getvalue())
    except OSError as error:
        raise UsageError(f"{file} cannot be written: {error.strerror or error}") from error


def import_archive(file: Path, start: Path) -> Imported:
    """Bring a campaign into the repository that holds a directory; one that is there stays.

    Raises:
        UsageError: the file is no such archive, the repository lacks what the campaign began on, or
            has another campaign of that tag.
        RepositoryError: git refused.
    """
    contents = _read(file)
    about = _object(contents[_ABOUT], file)
    if about.get("format") != _FORMAT:
        raise UsageError(
            f"{file} has format {about.get('format')!r}, this version reads {_FORMAT}: update "
            "pytest-autoloop"
        )
    repository = Repository.open(start)
    root = _root(repository, str(about.get("place", ".")))
    journal = Journal(root, str(about.get("tag")))
    if journal.tag in campaigns(root):
        if journal.path.is_file() and journal.path.read_bytes() == contents[_JOURNAL]:
            return Imported(root, journal.tag)
        raise UsageError(
            f"there is another campaign {journal.tag} in {root} already: remove it with "
            f"pytest-autoloop clean {journal.tag}, then import {file.name} again"
        )
    header = _object(contents[_HEADER], file)
    began = _check_record(contents, journal.tag, file)
    absent = [commit for commit in sorted(began) if repository.resolve(commit) is None]
    if absent:
        raise UsageError(
            f"this repository lacks commit {absent[0][:10]}, which the campaign of {file.name} "
            "began on: fetch that first"
        )
    _fetch(repository, journal.tag, contents[_BUNDLE], file)
    Journal.create(root, journal.tag)
    replace_file(journal.path, contents[_JOURNAL])
    journal.write_header({key: value for key, value in header.items() if key not in _PRIVATE})
    return Imported(root, journal.tag)


def _place(journal: Journal, repository: Repository) -> str:
    """Return where the records are, relative to the root of the repository."""
    root = journal.directory.parent.parent.resolve()
    return root.relative_to(repository.root).as_posix()


def _bundle(repository: Repository, tag: str, experiments: Sequence[Experiment]) -> bytes:
    """Return the campaign's commits; those that baselines were measured on are not among them."""
    refs = {
        **repository.refs(f"refs/autoloop/{tag}"),
        **repository.refs(f"refs/heads/autoexp/{tag}"),
    }
    made = set(refs.values())
    bases = {e.commit for e in experiments if e.status == "baseline"}
    begins = {c for c in bases if c not in repository.refs(f"refs/autoloop/{tag}").values()}
    missing = [e.number for e in experiments if e.status == "keep" and e.commit not in made]
    missing = [n for n in missing if not _reached(repository, experiments, n, made)]
    if missing:
        raise UsageError(
            f"the commit of {tag}/{missing[0]:03} is in no ref of campaign {tag}: fetch "
            f"refs/autoloop/{tag}/* from where it was run, then export again"
        )
    names = [name for name, commit in refs.items() if commit not in begins]
    if not names:
        raise UsageError(f"campaign {tag} made no commit, so there is nothing to export")
    limits = [f"^{commit}" for commit in begins]
    with scratch_directory("bundle") as directory:
        file = Path(directory, _BUNDLE)
        GitCommand(repository.root).run("bundle", "create", "-q", str(file), *names, *limits)
        return file.read_bytes()


def _reached(
    repository: Repository, experiments: Sequence[Experiment], number: int, made: set[str]
) -> bool:
    """Say whether an experiment's commit is an ancestor of one that a ref names."""
    commit = next(e.commit for e in experiments if e.number == number)
    if repository.resolve(commit) is None:
        return False
    return any(repository.merge_base(commit, tip) == commit for tip in made)


def _read(file: Path) -> dict[str, bytes]:
    """Return the files of an archive; nothing is unpacked.

    Raises:
        UsageError: it is none of ours.
    """
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(file, mode="r:gz") as archive:
            for entry in archive:
                if entry.name in _NAMES and entry.isreg() and entry.size <= _LARGEST:
                    stream = archive.extractfile(entry)
                    contents[entry.name] = stream.read() if stream else b""
    except (OSError, tarfile.TarError, EOFError) as error:
        raise UsageError(f"{file} is no archive of a campaign ({error}): name one") from error
    if contents.keys() != _NAMES:
        lacking = ", ".join(sorted(_NAMES - contents.keys()))
        raise UsageError(f"{file} is no archive of a campaign: it lacks {lacking}")
    return contents


def _object(content: bytes, file: Path) -> Mapping[str, Json]:
    try:
        value = json.loads(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file} is damaged ({error}): export it again") from error
    if not isinstance(value, dict):
        raise UsageError(f"{file} is damaged: export it again")
    return value


def _root(repository: Repository, place: str) -> Path:
    """Return where the records go: where they were in the other clone, if that is a directory."""
    path = PurePosixPath(place)
    root = repository.root.joinpath(*path.parts).resolve()
    if path.is_absolute() or not root.is_relative_to(repository.root) or not root.is_dir():
        return repository.root
    return root


def _check_record(contents: Mapping[str, bytes], tag: str, file: Path) -> set[str]:
    """Return the commits that a campaign began on; they are none that it made itself.

    Raises:
        UsageError: the record could not be read later.
    """
    with scratch_directory("archive") as directory:
        journal = Journal.create(Path(directory), tag)
        journal.path.write_bytes(contents[_JOURNAL])
        try:
            found = [line.experiment for line in journal.scan(lean=True)]
        except JournalError as error:
            told = str(error).replace(str(journal.path), _JOURNAL)
            raise UsageError(f"{file} is damaged: {told}") from error
    kept = {one.commit for one in found if one.status == "keep"}
    began = {one.commit for one in found if one.status == "baseline"} - kept
    if not began:
        raise UsageError(f"{file} is damaged: it holds no baseline")
    return began


def _fetch(repository: Repository, tag: str, bundle: bytes, file: Path) -> None:
    """Take the campaign's own refs out of a bundle; a ref of that name is never moved elsewhere."""
    git = GitCommand(repository.root)
    with scratch_directory("bundle") as directory:
        path = Path(directory, _BUNDLE)
        path.write_bytes(bundle)
        verified = git.attempt("bundle", "verify", "-q", str(path))
        if verified.exit_code != 0:
            lines = [line for line in verified.stderr.splitlines() if line.strip()]
            raise UsageError(
                f"this repository lacks what the campaign of {file.name} began on: fetch that "
                f"first (git said: {' / '.join(lines)})"
            )
        heads = f"refs/heads/autoexp/{tag}"
        names = git.line("bundle", "list-heads", str(path)).splitlines()
        specs = [f"refs/autoloop/{tag}/*:refs/autoloop/{tag}/*"]
        specs += [f"{heads}:{heads}"] if any(one.endswith(f" {heads}") for one in names) else []
        settings = ("-c", "fetch.fsckObjects=true", "-c", "protocol.file.allow=always")
        how = ("--no-tags", "--no-write-fetch-head", "--atomic", "--quiet", "--no-auto-gc")
        try:
            git.run(*settings, "fetch", *how, str(path), *specs)
        except RepositoryError as error:
            raise UsageError(f"the commits of {file.name} cannot be taken: {error}") from error


def is_archive(file: Path) -> bool:
    """Say whether a path, rather than a tag, was given."""
    return file.name.endswith((".tar.gz", ".tgz")) or (file.is_file() and file.suffix == ".gz")
