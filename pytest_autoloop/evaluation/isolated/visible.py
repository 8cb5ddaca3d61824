"""What a worker may read of a worktree: nothing of what judges it."""

from __future__ import annotations

import os

#: Names that no target needs to read: git's, ours, and what tests are called by convention.
_NEVER = frozenset({".git", ".pytest_autoloop", "conftest.py", "results.tsv", "program.md"})
_TESTS = frozenset({"test", "tests"})


def visible(root: str, hidden: frozenset[str], target: str) -> list[str]:
    """Return what a worker may read of a worktree, whole directories where nothing is hidden.

    `hidden` holds POSIX paths below the root: the files that judge. It takes about 1 µs for each
    file; as long as the files of a worktree are the same but for their content, so is what is
    returned.
    """
    found, whole = _visible(root, hidden, target, "")
    return [root] if whole else found


def _visible(root: str, hidden: frozenset[str], target: str, below: str) -> tuple[list[str], bool]:
    """Return the visible paths in a directory, and whether that is all of it."""
    files: list[str] = []
    found: list[str] = []
    all_of_it = True
    with os.scandir(f"{root}/{below}") as entries:
        for entry in entries:
            name = entry.name
            path = below + name
            directory = entry.is_dir(follow_symlinks=False)
            if path in hidden or (
                _is_harness(name, directory=directory) and not target.startswith(f"{path}/")
            ):
                all_of_it = False
            elif directory:
                inside, whole = _visible(root, hidden, target, f"{path}/")
                found += [f"{root}/{path}"] if whole else inside
                all_of_it = all_of_it and whole
            else:
                files.append(path)
    if all_of_it:
        return [], True
    return [*found, *(f"{root}/{path}" for path in files)], False


def _is_harness(name: str, *, directory: bool) -> bool:
    if name in _NEVER:
        return True
    if directory:
        return name in _TESTS or name == "__pycache__"
    return name.endswith(".py") and (name.startswith("test_") or name.endswith("_test.py"))
