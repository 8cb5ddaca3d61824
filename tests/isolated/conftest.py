"""Fixtures for workers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.isolated.versions import Versions


@pytest.fixture
def versions(tmp_path: Path) -> Iterator[Versions]:
    """Start workers that end with the test."""
    from tests.isolated.versions import Versions

    found = Versions(tmp_path)
    yield found
    found.close()
