"""A campaign in one file: written here, taken in there, and refused where it does not belong."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.archiving import import_archive, is_archive, write_archive
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from tests.cli.campaigns import Made
from tests.projects import COUNTED, git, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.model import Json
    from tests.projects import Project


@pytest.fixture
def made(project: Project) -> Made:
    """Return a campaign with a keep and a discard, called with what concerns nobody else."""
    project.commit(COUNTED)
    called: list[Json] = ["-k", "x", "--autoloop-proposer", "http://key@host/v1#m"]
    campaign = Made(project, "nov20", header={"arguments": called, "directory": "."})
    campaign.keep("alpha beta\n")
    campaign.discard("beta\n")
    return campaign


@pytest.fixture
def archive(made: Made, tmp_path: Path) -> Path:
    """Return the campaign's archive."""
    file = tmp_path / "nov20.autoloop.tar.gz"
    write_archive(file, made.repository, made.journal, made.journal.read())
    return file


@pytest.fixture
def clone(made: Made, tmp_path: Path) -> Path:
    """Return a clone that has the first commit alone."""
    place = tmp_path / "clone"
    git(tmp_path, "clone", "-q", "--single-branch", "-b", "main", str(made.project.root), "clone")
    return place


def altered(file: Path, change: Callable[[dict[str, bytes]], None]) -> None:
    """Write an archive anew with other contents."""
    with tarfile.open(file) as archive:
        contents = {e.name: archive.extractfile(e).read() for e in archive}  # type: ignore[union-attr]
    change(contents)
    with tarfile.open(file, "w:gz") as archive:
        for name, content in contents.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))


def test_it_brings_record_and_commits(made: Made, archive: Path, clone: Path) -> None:
    """The same journal, refs and branch; once more is once too often, and changes nothing."""
    imported = import_archive(archive, clone)

    assert (imported.root, imported.tag) == (clone, "nov20")
    assert Journal(clone, "nov20").path.read_bytes() == made.journal.path.read_bytes()
    names = "refs/autoloop", "refs/heads/autoexp"
    assert git(clone, "for-each-ref", *names) == git(made.project.root, "for-each-ref", *names)
    assert git(clone, "status", "--porcelain") == ""
    before = snapshot(clone)
    assert import_archive(archive, clone) == imported
    assert snapshot(clone) == before


def test_how_pytest_was_called_stays_with_its_owner(archive: Path, clone: Path) -> None:
    """A key is not in the file, and nothing in it is ever taken for a command."""
    assert b"key@host" not in gzip.decompress(archive.read_bytes())

    def plant(contents: dict[str, bytes]) -> None:
        header = json.loads(contents["campaign.json"])
        assert header["called_with"] == ["-k", "x"]
        contents["campaign.json"] = json.dumps({**header, "arguments": ["-p", "evil"]}).encode()

    altered(archive, plant)
    imported = import_archive(archive, clone)
    assert "arguments" not in (Journal(imported.root, imported.tag).read_header() or {})


def test_it_needs_what_the_campaign_began_on(
    archive: Path, tmp_path: Path, project: Project
) -> None:
    """In another repository nothing is written."""
    other = tmp_path / "other"
    other.mkdir()
    git(other, "init", "-q")
    git(other, "commit", "-q", "--allow-empty", "-m", "start")
    before = snapshot(other)
    with pytest.raises(UsageError, match=r"lacks commit .* began on: fetch that first"):
        import_archive(archive, other)
    assert snapshot(other) == before


def test_another_campaign_of_that_tag_stays(archive: Path, clone: Path) -> None:
    """It says how to make room; refs that are there already are not moved."""
    journal = Journal.create(clone, "nov20")
    journal.write_header({"target": "words.txt"})
    with pytest.raises(UsageError, match="pytest-autoloop clean nov20"):
        import_archive(archive, clone)
    assert journal.read_header() == {"target": "words.txt"}
    journal.header_path.unlink()
    git(clone, "commit", "-q", "--allow-empty", "-m", "mine")
    git(clone, "branch", "autoexp/nov20")
    mine = git(clone, "rev-parse", "autoexp/nov20")
    with pytest.raises(UsageError, match=r"nov20\.autoloop\.tar\.gz cannot be taken"):
        import_archive(archive, clone)
    assert git(clone, "rev-parse", "autoexp/nov20") == mine
    assert git(clone, "for-each-ref", "refs/autoloop") == ""
    assert campaigns(clone) == []


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("archive.json", b"{", "is damaged"),
        ("archive.json", b"[]", "is damaged"),
        ("archive.json", b'{"format": 2, "tag": "x"}', "format 2"),
        ("archive.json", b'{"format": 1, "tag": "../../x"}', "cannot name a campaign"),
        ("experiments.jsonl", b"{}\n", "is damaged: experiments.jsonl, line 1"),
        ("experiments.jsonl", b"", "holds no baseline"),
        ("commits.bundle", b"no bundle", "lacks what the campaign"),
        ("campaign.json", None, "it lacks campaign.json"),
    ],
)
def test_what_is_damaged_is_refused(
    archive: Path, clone: Path, name: str, content: bytes | None, said: str
) -> None:
    """In one sentence, with nothing written."""

    def change(contents: dict[str, bytes]) -> None:
        contents.pop(name)
        if content is not None:
            contents[name] = content

    altered(archive, change)
    before = snapshot(clone)
    with pytest.raises(UsageError, match=said.replace("(", r"\(")):
        import_archive(archive, clone)
    assert snapshot(clone) == before


def test_places_outside_are_not_written_to(archive: Path, clone: Path) -> None:
    """The record goes to the root of the repository instead."""
    told = {"format": 1, "tag": "nov20", "place": "../.."}
    altered(archive, lambda c: c.__setitem__("archive.json", json.dumps(told).encode()))
    assert import_archive(archive, clone).root == clone


def test_what_is_no_archive_is_refused(clone: Path, tmp_path: Path) -> None:
    """A tag is told from a file by its name."""
    file = tmp_path / "x.tar.gz"
    with pytest.raises(UsageError, match="is no archive of a campaign"):
        import_archive(file, clone)
    file.write_bytes(b"none")
    with pytest.raises(UsageError, match="is no archive of a campaign"):
        import_archive(file, clone)
    assert is_archive(file)
    assert not is_archive(tmp_path / "nov20")


def test_writing_overwrites_nothing_and_misses_nothing(made: Made, tmp_path: Path) -> None:
    """A keep whose commit is gone from all refs cannot be verified elsewhere."""
    file = tmp_path / "a.tar.gz"
    file.write_bytes(b"mine")
    experiments = made.journal.read()
    with pytest.raises(UsageError, match="exists and is not overwritten"):
        write_archive(file, made.repository, made.journal, experiments)
    assert file.read_bytes() == b"mine"
    git(made.project.root, "update-ref", "-d", "refs/autoloop/nov20/001")
    write_archive(file, made.repository, made.journal, experiments, overwrite=True)
    git(made.project.root, "branch", "-D", "autoexp/nov20")
    git(made.project.root, "update-ref", "-d", "refs/autoloop/nov20/002")
    with pytest.raises(UsageError, match="nov20/001 is in no ref"):
        write_archive(file, made.repository, made.journal, experiments, overwrite=True)
