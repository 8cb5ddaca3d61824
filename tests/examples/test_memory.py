"""An index holds less memory, and does not become slow or wrong for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_memory_is_won_within_a_bound_on_time(example: Callable[[str], Project]) -> None:
    """What forgets and reads again is too slow, what counts to 255 fails on long documents."""
    project = example("memory")
    for name in ("04_two_arrays_for_each_word.py", "06_gaps_in_bytes.py"):
        (project.root / "ideas" / name).unlink()
    project.commit()
    session = project.autoloop(10, timeout=600)

    assert session.returncode == 0, session.output
    assert session.decisions == [
        ("keep", ""),
        ("discard", "no-gain"),
        ("discard", "constraint"),
        ("discard", "guard"),
    ], session.output
    baseline, tuples, _, texts, small = session.journal
    assert tuples["metrics"]["peak_memory"] < baseline["metrics"]["peak_memory"] / 2
    assert tuples["metrics"]["allocated_blocks"] < baseline["metrics"]["allocated_blocks"] / 2
    assert "slowdown" in texts["detail"]
    assert small["guard"]["message"] == "a hidden guard failed"


def test_the_guards_pass_on_the_original(example: Callable[[str], Project]) -> None:
    """By plain pytest, without a campaign."""
    done = example("memory").pytest("-q")
    assert done.returncode == 0, done.output


def test_memory_is_measured_without_noise(example: Callable[[str], Project]) -> None:
    """Two processes give the same numbers, which is why the loop measures once."""
    root = example("memory").root
    command = [sys.executable, "measure.py", "index", str(root), *sys.path]
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    first, second = (
        subprocess.run(command, cwd=root, env=environment, capture_output=True, check=True).stdout
        for _ in range(2)
    )
    assert first == second
    assert json.loads(first)["peak_kib"] > 100


def test_a_workload_that_is_missing_is_named(example: Callable[[str], Project]) -> None:
    """With what has to be in it: the template is used before anybody has written one."""
    project = example("memory")
    (project.root / "workload.py").unlink()
    done = project.pytest("-q")
    assert done.returncode == 4
    assert "workload.py is missing: define in it prepare()" in " ".join(done.output.split())
