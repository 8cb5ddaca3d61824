"""Examples as a user gets them: each alone, in a git repository of its own."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.projects import new_project

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
#: What sessions and tools leave behind.
LEFT_BEHIND = ("results.tsv", ".*", "__pycache__", "build")


@pytest.fixture
def example(tmp_path: Path) -> Callable[[str], Project]:
    """Return a function that copies `examples/NAME` into a new repository and commits it."""

    def copy(name: str) -> Project:
        root = tmp_path / name
        shutil.copytree(EXAMPLES / name, root, ignore=shutil.ignore_patterns(*LEFT_BEHIND))
        project = new_project(root)
        project.commit()
        return project

    return copy
