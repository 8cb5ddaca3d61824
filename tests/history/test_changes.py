"""What commits changed is read from git exactly, whatever they are called."""

from __future__ import annotations

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.repository import Change, Repository
from tests.history.conftest import SOURCE, TARGET, Checkout


@pytest.fixture
def repository(checkout: Checkout) -> Repository:
    """Open the repository of the checkout."""
    return Repository.open(checkout.root)


def test_resolve_knows_every_name_of_a_commit(checkout: Checkout, repository: Repository):
    """A branch, a tag with a message, a short hash and an ancestor all name commits."""
    first = checkout.git("rev-parse", "HEAD")
    checkout.git("tag", "--annotate", "--message", "one", "v1")
    second = checkout.commit("second")
    for name in ("main", "HEAD", second, second[:8], "refs/heads/main"):
        assert repository.resolve(name) == second
    assert repository.resolve("v1") == first
    assert repository.resolve("HEAD~1") == first


@pytest.mark.parametrize("name", ["", "nowhere", "-h", "--all", "HEAD:src/target.py", "HEAD~9"])
def test_resolve_finds_nothing_where_no_commit_is_named(repository: Repository, name: str):
    """An unknown name, an option or a file is no commit."""
    assert repository.resolve(name) is None


def test_merge_base_is_where_two_histories_parted(checkout: Checkout, repository: Repository):
    """Two branches share the commit they began at; an unrelated history shares none."""
    start = checkout.git("rev-parse", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "side")
    checkout.commit("on the side")
    checkout.git("checkout", "--quiet", "main")
    checkout.commit("on main")
    assert repository.merge_base("main", "side") == start

    checkout.git("checkout", "--quiet", "--orphan", "apart")
    checkout.commit("apart")
    assert repository.merge_base("main", "apart") is None


def test_commits_are_those_that_touch_the_file_oldest_first(
    checkout: Checkout, repository: Repository
):
    """Other commits and merges are left out; a side branch counts though its merge undid it."""
    start = checkout.git("rev-parse", "HEAD")
    checkout.git("checkout", "--quiet", "-b", "side")
    checkout.put(TARGET, b"side = 1\n")
    side = checkout.commit("side")
    checkout.git("checkout", "--quiet", "main")
    checkout.put("README", "words\n")
    checkout.commit("words")
    checkout.git("merge", "--quiet", "--strategy=ours", "--message", "undo", "side")
    checkout.put(TARGET, b"last = 1\n")
    last = checkout.commit("last")

    assert repository.commits(start, "main", TARGET) == [side, last]
    assert repository.commits("main", start, TARGET) == []
    with pytest.raises(UsageError, match="does not name a file inside"):
        repository.commits(start, "main", "../elsewhere")


def test_changes_name_every_file_with_its_contents(checkout: Checkout, repository: Repository):
    """A file that is added, edited, removed or turned into a link has what it was and is."""
    first = checkout.git("rev-parse", "HEAD")
    odd = "naïve\nname.py"
    checkout.put(odd, b"\x00\xff")
    checkout.put(TARGET, b"edited\r\n")
    (checkout.root / "tests/test_target.py").unlink()
    (checkout.root / ".gitignore").unlink()
    (checkout.root / ".gitignore").symlink_to("elsewhere")
    second = checkout.commit("second")

    changes = {change.path: change for change in repository.changes(first, second)}
    assert sorted(changes) == sorted([odd, TARGET, "tests/test_target.py", ".gitignore"])
    assert changes[odd].old is None
    assert repository.blob(changes[odd].new or "") == b"\x00\xff"
    assert repository.blob(changes[TARGET].old or "") == SOURCE
    assert repository.blob(changes[TARGET].new or "") == b"edited\r\n"
    assert changes["tests/test_target.py"].new is None
    assert changes[".gitignore"].old is not None
    assert changes[".gitignore"].new is None


def test_changes_of_a_first_commit_are_all_its_files(checkout: Checkout, repository: Repository):
    """Without an older commit everything is new."""
    changes = repository.changes(None, "HEAD")
    assert [change.path for change in changes] == [".gitignore", TARGET, "tests/test_target.py"]
    assert all(isinstance(change, Change) and change.old is None for change in changes)
    assert repository.changes("HEAD", "HEAD") == []
