"""What the tests of pitfalls share."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import Pipe
from tests.projects import clean_environment

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.projects import Project


@pytest.fixture
def project(project: Project) -> Project:
    """Return an empty repository whose sessions load every plugin: each may be a pitfall."""
    return replace(project, all_plugins=True)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Pipe]:
    """Make a named pipe outside of the repository."""
    with Pipe(tmp_path / "pipe") as pipe:
        yield pipe


@pytest.fixture(params=["spawn", "forkserver"])
def launcher(request: pytest.FixtureRequest) -> LauncherName:
    """Name each way to start a child."""
    name: LauncherName = request.param
    if name == "forkserver" and not hasattr(os, "pidfd_open"):
        pytest.skip("this system has no fork server")
    return name


@pytest.fixture(autouse=True)
def _clean(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave nothing of the surrounding test session to be inherited."""
    clean = clean_environment()
    for name in [name for name in os.environ if name not in clean]:
        monkeypatch.delenv(name)
