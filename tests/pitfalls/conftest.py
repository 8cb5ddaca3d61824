"""What the tests of pitfalls share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import Pipe
from tests.projects import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    """Make a named pipe outside of the repository."""
    with Pipe(tmp_path / "pipe") as pipe:
        yield pipe


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the surrounding test session to be inherited."""
    import os

    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        monkeypatch.delenv(name)
