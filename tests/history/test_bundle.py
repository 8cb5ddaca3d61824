"""One tree travels as a git bundle: without history, and with all that git knows of files."""

from __future__ import annotations

import os
import subprocess
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import RepositoryError
from pytest_autoloop.history.bundle import bundled, unbundled
from pytest_autoloop.history.repository import Repository
from tests.history.conftest import Checkout

if TYPE_CHECKING:
    from pathlib import Path

SECRET = os.urandom(3000).hex()


@pytest.fixture(params=["sha1", "sha256"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    """Make a repository with an older commit that held a secret, and whose files are of each kind.

    Its name has what paths may have.
    """
    root = tmp_path / "a project, 'quoted' #1"
    root.mkdir()
    subprocess.run(
        ["git", "init", "-q", f"--object-format={request.param}", "-b", "main"],
        cwd=root,
        check=True,
        capture_output=True,
    )
    checkout = Checkout(root)
    checkout.put("secret.txt", SECRET)
    checkout.commit("with a secret")
    (root / "secret.txt").unlink()
    checkout.put("run.sh", "#!/bin/sh\n").chmod(0o755)
    checkout.put("data/bytes.bin", bytes(range(256)))
    checkout.put(".gitattributes", "*.txt text eol=crlf\n")
    (root / "link").symlink_to("run.sh")
    checkout.commit("now")
    return checkout


def unpacked(checkout: Checkout, place: Path) -> tuple[Checkout, bytes, str]:
    """Send HEAD from a checkout to a place; return what is there, the bytes and the commit."""
    bundle, commit = bundled(checkout.root, "HEAD")
    unbundled(bundle, commit, place)
    return Checkout(place), bundle, commit


def test_the_tree_arrives_and_history_does_not(there: Checkout, tmp_path: Path) -> None:
    """Every file with its mode is there, in one commit without parents, and no older object."""
    before = there.state()
    here, bundle, commit = unpacked(there, tmp_path / "copy" / "project")
    assert here.git("rev-parse", f"{commit}^{{tree}}") == there.git("rev-parse", "HEAD^{tree}")
    assert here.git("rev-list", "--all") == commit
    assert here.git("rev-parse", "HEAD") == commit
    secret = there.git("rev-parse", "HEAD~1:secret.txt")
    objects = here.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)")
    assert secret not in objects.split()
    assert len(bundle) < 2000 < len(SECRET)  # of random digits: it cannot hide in so few bytes
    assert there.state() == before


def test_a_bundle_serves_as_a_repository_to_work_in(there: Checkout, tmp_path: Path) -> None:
    """What reads and checks out a user's repository reads and checks out that one."""
    here, _, commit = unpacked(there, tmp_path / "project")
    with closing(Repository.open(here.root)) as repository:
        assert repository.head() == commit
        assert repository.read(commit, "data/bytes.bin") == bytes(range(256))
    here.git("checkout", "-q", "-f", "HEAD")
    assert (here.root / "run.sh").stat().st_mode & 0o100
    assert (here.root / "link").readlink().name == "run.sh"


def test_the_commit_of_a_tree_is_the_same_whenever_it_is_made(
    there: Checkout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither who makes it nor where it comes from has a say; another tree is another one."""
    _, first = bundled(there.root, "HEAD")
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    there.commit("the same tree")
    assert bundled(there.root, "HEAD")[1] == first
    assert bundled(there.root, "HEAD~2")[1] != first


def test_a_linked_worktree_is_sent_like_any_checkout(there: Checkout, tmp_path: Path) -> None:
    """Its objects lie with the repository that it belongs to."""
    there.git("worktree", "add", "-q", str(tmp_path / "linked"), "HEAD")
    linked = Checkout(tmp_path / "linked")
    here, _, commit = unpacked(linked, tmp_path / "copy")
    assert here.git("rev-parse", f"{commit}^{{tree}}") == there.git("rev-parse", "HEAD^{tree}")


def test_what_git_refuses_is_said(there: Checkout, tmp_path: Path) -> None:
    """A commit that is not there, and a bundle that was cut off on its way."""
    with pytest.raises(RepositoryError):
        bundled(there.root, "0" * 40)
    bundle, commit = bundled(there.root, "HEAD")
    with pytest.raises(RepositoryError):
        unbundled(bundle[: len(bundle) // 2], commit, tmp_path / "copy")
