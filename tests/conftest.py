"""What every test of the project shares."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from tests.projects import project

if TYPE_CHECKING:
    import pytest

__all__ = ["project"]

# Campaigns in several workers would wait for each other's pairs; a test that wants that says so.
os.environ["AUTOLOOP_LOCKS"] = ""

pytest_plugins = ["pytester"]

#: Files whose sessions take longest: begun first, so that no worker is left alone with one.
_LONGEST = (
    "test_cheats.py",
    "test_decisions_session.py",
    "test_shapes.py",
    "test_model_session.py",
    "test_resume_session.py",
    "test_kills.py",
    "test_executor_session.py",
    "test_test_suite.py",
    "test_self.py",
    "test_python_function.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first; the order within a file stays."""
    items.sort(key=lambda item: item.path.name not in _LONGEST)
