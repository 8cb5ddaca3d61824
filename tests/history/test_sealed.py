"""A sealed worktree tells what a run changed from what it left; a reset makes it whole again."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.sealed import Alterations, SealedWorktree
from pytest_autoloop.history.worktrees import WorktreePool
from tests.history.conftest import SOURCE, TARGET, Checkout

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

NEW = b"def answer():\n    return 43\n"
GUARD = "tests/test_target.py"


@pytest.fixture
def pool(checkout: Checkout, temporary_place: Path) -> Iterator[WorktreePool]:
    """Check the repository out once, and write a candidate."""
    repository = Repository.open(checkout.root)
    with WorktreePool(repository) as pool:
        pool.add("one", repository.head())
        yield pool


@pytest.fixture
def sealed(pool: WorktreePool) -> SealedWorktree:
    """Seal the clean checkout, then write a candidate into it."""
    sealed = SealedWorktree(pool.path("one"), (TARGET,))
    pool.write("one", TARGET, NEW)
    return sealed


def names(alterations: Alterations) -> tuple[list[str], list[str]]:
    """Return the names of what was altered and of what was left."""
    return [d.name for d in alterations.altered], [d.name for d in alterations.left]


def test_a_candidate_that_was_written_is_no_alteration(sealed: SealedWorktree):
    """The target's content is free, as long as it is what was written."""
    assert names(sealed.alterations({TARGET: NEW})) == ([], [])
    assert names(sealed.alterations({TARGET: SOURCE})) == ([TARGET], [])


def edit_guard(path: Path) -> None:
    """Empty a test."""
    (path / GUARD).write_text("")


def ignored_module(path: Path) -> None:
    """Plant a module that git ignores."""
    (path / "data").mkdir()
    (path / "data" / "statistics.py").touch()


def poisoned_cache(path: Path) -> None:
    """Plant bytecode beside a test."""
    cache = path / "tests" / "__pycache__"
    cache.mkdir()
    (cache / "test_target.cpython-311-pytest.pyc").write_bytes(b"x")


def edit_target(path: Path) -> None:
    """Let the candidate change its own file."""
    (path / TARGET).write_bytes(b"other")


def link_target(path: Path) -> None:
    """Let the candidate put a link in place of its own file."""
    (path / TARGET).rename(path / "src" / "moved.txt")
    (path / TARGET).symlink_to("moved.txt")


def leave_report(path: Path) -> None:
    """Leave a file that nothing reads."""
    (path / "report.txt").touch()


@pytest.mark.parametrize(
    ("act", "altered", "left"),
    [
        (edit_guard, [GUARD], []),
        (ignored_module, ["data"], []),
        (poisoned_cache, ["tests/__pycache__"], []),
        (edit_target, [TARGET], []),
        (leave_report, [], ["report.txt"]),
        pytest.param(
            link_target,
            [TARGET],
            ["src/moved.txt"],
            marks=pytest.mark.skipif(os.name == "nt", reason="links need a privilege there"),
        ),
    ],
)
def test_runs_are_told_by_what_they_do(
    pool: WorktreePool,
    sealed: SealedWorktree,
    act: Callable[[Path], None],
    altered: list[str],
    left: list[str],
):
    """Ignored files and caches count; the next candidate finds a whole worktree after a reset."""
    act(sealed.path)
    assert names(sealed.alterations({TARGET: NEW})) == (altered, left)
    pool.reset("one")
    assert sealed.mend()
    assert names(sealed.alterations({TARGET: NEW})) == ([], [])


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_modes_that_git_does_not_restore_are_mended(pool: WorktreePool, sealed: SealedWorktree):
    """Git knows one bit of a mode; without the rest every later run would seem to have tampered."""
    (sealed.path / GUARD).chmod(0o600)
    (sealed.path / "tests").chmod(0o700)
    assert names(sealed.alterations({TARGET: NEW})) == (["tests", GUARD], [])
    assert sealed.mend()
    assert names(sealed.alterations({TARGET: NEW})) == ([], [])
    (sealed.path / GUARD).chmod(0o600)
    pool.reset("one")
    assert names(sealed.alterations({TARGET: NEW})) == ([], [])


def test_it_holds_for_the_next_commit(
    checkout: Checkout, pool: WorktreePool, sealed: SealedWorktree
):
    """The branch advances to a commit that differs in the target alone."""
    repository = Repository.open(checkout.root)
    commit = repository.commit_file(repository.head(), TARGET, NEW, "next")
    pool.reset("one", commit)
    assert sealed.mend()
    assert names(sealed.alterations({TARGET: NEW})) == ([], [])


def test_what_the_harness_leaves_is_tolerated(sealed: SealedWorktree):
    """A file that the tests write on the original code is theirs; code that appears never is."""
    leave_report(sealed.path)
    ignored_module(sealed.path)
    sealed.tolerate(sealed.alterations({TARGET: NEW}))
    assert names(sealed.alterations({TARGET: NEW})) == (["data"], [])
