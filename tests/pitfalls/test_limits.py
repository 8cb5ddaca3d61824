"""A limit may be as long as a user likes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    from pytest_autoloop.model import LauncherName
    from tests.projects import Project


def test_limit_beyond_what_the_system_counts(project: Project, launcher: LauncherName) -> None:
    """A limit of years, in milliseconds more than the system's call takes, is none."""
    project.commit(MODULE)
    with open_bench(project, launcher=launcher) as bench:
        run = bench.run(seconds=1e9)

    assert run.verdict is not None
    assert run.verdict.failed == ""
