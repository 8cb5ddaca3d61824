"""What a worker may read of a worktree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.isolated.visible import visible

if TYPE_CHECKING:
    from pathlib import Path


def tree(root: Path, *names: str) -> None:
    """Make empty files."""
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def seen(root: Path, *hidden: str, target: str = "src/parser.py") -> list[str]:
    """Return what is visible, as POSIX paths below the root."""
    found = visible(str(root), frozenset(hidden), target)
    return sorted(path.removeprefix(f"{root}").lstrip("/") for path in found)


def test_directories_without_anything_hidden_are_named_as_a_whole(tmp_path: Path) -> None:
    """What judges is left out by its name or because it is hidden; all else is seen."""
    tree(tmp_path, "src/parser.py", "src/data/a.txt", "docs/b.txt", "setup.py")
    tree(tmp_path, "tests/cases.txt", "conftest.py", "results.tsv", ".git/HEAD")

    assert seen(tmp_path) == ["docs", "setup.py", "src"]


def test_beside_what_is_hidden_each_file_is_named(tmp_path: Path) -> None:
    """A directory that holds a file that judges is not readable as a whole."""
    tree(tmp_path, "src/parser.py", "src/check.py", "src/test_parser.py", "src/data/a.txt")
    tree(tmp_path, "src/__pycache__/test_parser.pyc", "src/deep/er/conftest.py")

    assert seen(tmp_path, "src/check.py") == ["src/data", "src/parser.py"]


def test_all_of_it_is_its_root(tmp_path: Path) -> None:
    """Where nothing judges, the whole worktree is one path."""
    tree(tmp_path, "src/parser.py", "README.md")

    assert seen(tmp_path) == [""]


def test_a_target_below_tests_is_seen_with_what_is_beside_it(tmp_path: Path) -> None:
    """A package that is called tests may hold the target."""
    tree(tmp_path, "tests/parser.py", "tests/test_parser.py", "other/tests/cases.txt")

    assert seen(tmp_path, target="tests/parser.py") == ["tests/parser.py"]
