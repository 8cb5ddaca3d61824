"""The examples that score without a clock run as the README says."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects import Project

EXAMPLES = Path(__file__).parent.parent / "examples"


def test_a_sweep_finds_a_better_tiling(project: Project) -> None:
    """Knobs of an INI file are tried; one of the first eight tries loads fewer cache lines."""
    for path in (EXAMPLES / "block_size").iterdir():
        if path.is_dir() and path.name == "tests":
            shutil.copytree(path, project.root / "tests")
        elif path.is_file() and path.name != "results.tsv":
            shutil.copy(path, project.root)
    project.commit()
    session = project.autoloop(8, "--autoloop-proposer=sweep")

    assert session.returncode == 0, session.output
    rows = session.journal[1:]
    assert len(rows) == 8
    assert {row["proposer"] for row in rows} == {"sweep"}
    assert ("keep", "") in session.decisions
    assert {status for status, _ in session.decisions} <= {"keep", "discard"}
    assert len(list(project.root.glob(".pytest_autoloop/*/sweep.log"))) == 1
