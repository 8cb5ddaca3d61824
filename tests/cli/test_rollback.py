"""`pytest-autoloop rollback`: one version of the target in the checkout, never a commit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.projects import git, snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cli.campaigns import Made

    Run = Callable[..., str]


def test_a_version_is_written_and_not_committed(made: Made, run: Run) -> None:
    """The best by default, any other by its number, one after another; the index is untouched."""
    words = made.project.root / "words.txt"
    head = git(made.project.root, "rev-parse", "HEAD")

    assert run("rollback").startswith("wrote nov20/003 (shorten beta) to words.txt; nothing is com")
    assert words.read_bytes() == b"alpha b\n"
    # What is lost now is the campaign's own, which has it.
    assert "undo it: git restore :/words.txt" in run("rollback", "002")
    assert words.read_bytes() == b"beta\n"
    assert "is nov20/002 (drop alpha) already" in run("rollback", "2")
    run("rollback", "first")
    assert words.read_bytes() == b"alpha beta gamma\n"
    assert git(made.project.root, "diff", "--cached", "--name-only") == ""
    assert git(made.project.root, "rev-parse", "HEAD") == head


def test_changes_that_nobody_else_has_are_not_lost(made: Made, refused: Run) -> None:
    """Neither in the file nor staged beside one that the campaign has."""
    words = made.project.root / "words.txt"
    words.write_bytes(b"mine\n")
    before = snapshot(made.project.root)

    assert "words.txt in your checkout has changes that are not committed" in refused("rollback")
    assert snapshot(made.project.root) == before
    words.unlink()
    assert "not committed" in refused("rollback")
    words.symlink_to("conftest.py")
    assert "not committed" in refused("rollback")


def test_it_says_what_else_it_undoes(made: Made, run: Run, document: Callable[..., Any]) -> None:
    """The file was changed by commits that the campaign never saw."""
    made.project.commit({"words.txt": "alpha delta\n"})

    assert "note: words.txt had changed since the campaign" in run("rollback", "1")
    git(made.project.root, "restore", "words.txt")
    found = document("rollback", "1")
    assert (found["changed_since"], found["files"]) == (["words.txt"], ["words.txt"])
    assert document("rollback", "1")["already"] == ["words.txt"]


def test_it_needs_the_commit_and_the_file(made: Made, refused: Run) -> None:
    """A clone without the campaign's refs says how to get them."""
    (made.project.root / ".git" / "refs" / "autoloop" / "nov20" / "002").unlink()
    git(made.project.root, "branch", "-D", "autoexp/nov20")
    for number in ("001", "003"):
        git(made.project.root, "update-ref", "-d", f"refs/autoloop/nov20/{number}")
    git(made.project.root, "reflog", "expire", "--expire=now", "--all")
    git(made.project.root, "gc", "-q", "--prune=now")
    assert "git fetch origin 'refs/autoloop/nov20/*" in refused("rollback", "2")

    git(made.project.root, "rm", "-q", "words.txt")
    git(made.project.root, "commit", "-q", "-m", "Remove it")
    assert "is not in the commit that is checked out" in refused("rollback", "first")


def test_line_endings_are_those_of_the_checkout(made: Made, run: Run) -> None:
    """As git itself would write the file."""
    git(made.project.root, "config", "core.autocrlf", "true")
    run("rollback")
    assert (made.project.root / "words.txt").read_bytes() == b"alpha b\r\n"
    assert "already" in run("rollback")
