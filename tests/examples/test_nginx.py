"""The example `nginx`: requests per second, with what a server must not lose."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.projects import Project

installed = pytest.mark.skipif(
    shutil.which("nginx") is None or shutil.which("wrk") is None,
    reason="nginx and wrk are not installed (apt install nginx-light wrk)",
)
GUARDS = {
    "01_answer_from_the_configuration": "test_a_file_that_is_replaced_is_served_anew",
    "04_write_no_log": "test_every_request_is_logged",
    "06_remember_files_for_a_minute": "test_a_file_that_is_replaced_is_served_anew",
    "07_forget_a_header": "test_headers_stay",
}


@installed
def test_a_cheat_is_refused_and_compressed_files_are_kept(
    example: Callable[[str], Project],
) -> None:
    """Inside of the sandbox the server starts, is asked, and serves many times as much."""
    project = example("nginx")
    for idea in (project.root / "ideas").iterdir():
        if idea.name[:2] not in {"02", "04"}:
            idea.unlink()
    project.commit()
    # What is shown is a factor of five and more: a few samples tell it.
    session = project.autoloop(2, "--autoloop-rule=threshold")

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    assert [(row["status"], row["reason"]) for row in rows] == [("keep", ""), ("discard", "guard")]
    assert rows[0]["metrics"]["requests"] > 3 * baseline["metrics"]["requests"]
    assert rows[0]["metrics"]["failures"] <= 0.1
    assert "test_every_request_is_logged" in session.output


@installed
def test_each_mistake_fails_its_guard(example: Callable[[str], Project]) -> None:
    """The untouched configuration passes; what answers wrongly fails the guard meant for it."""
    project = example("nginx")
    for name, guard in {"": "", **GUARDS}.items():
        if name:
            idea = project.root / "ideas" / f"{name}.conf"
            shutil.copy(idea, project.root / "nginx.conf")
        session = project.pytest("-q", "-rf")
        failed = [line.split()[1] for line in session.stdout.splitlines() if "FAILED" in line]
        if name:
            assert f"tests/test_server.py::{guard}" in failed, session.output
        else:
            assert failed == [], session.output


def test_it_is_skipped_where_programs_are_missing(
    example: Callable[[str], Project], tmp_path: Path
) -> None:
    """Plain tests skip with a reason, and a campaign ends with it before anything is measured."""
    project = example("nginx")
    programs = tmp_path / "programs"
    programs.mkdir()
    git = shutil.which("git")
    assert git is not None
    (programs / "git").symlink_to(git)

    plain = project.pytest("-q", "-rs", environment={"PATH": str(programs)})
    assert plain.returncode == 0
    assert "not installed: nginx, wrk" in plain.output
    campaign = project.autoloop(2, environment={"PATH": str(programs)})
    assert campaign.returncode == 4
    assert "not installed: nginx, wrk" in campaign.output
