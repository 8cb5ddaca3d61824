"""The sweep over the settings of a tiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_a_sweep_finds_a_better_tiling(example: Callable[[str], Project]) -> None:
    """Knobs of an INI file are tried; one of the first eight tries loads fewer cache lines."""
    project = example("block_size")
    session = project.autoloop(8, "--autoloop-proposer=sweep", timeout=600)

    assert session.returncode == 0, session.output
    rows = session.journal[1:]
    assert len(rows) == 8
    assert {row["proposer"] for row in rows} == {"sweep"}
    assert ("keep", "") in session.decisions
    assert {status for status, _ in session.decisions} <= {"keep", "discard"}
    assert len(list(project.root.glob(".pytest_autoloop/*/sweep.log"))) == 1
