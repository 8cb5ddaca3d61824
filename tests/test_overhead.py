"""What an experiment costs beside a pytest process; `benchmarks/overhead.py` has the figures."""

from __future__ import annotations

import statistics
import sys
from typing import TYPE_CHECKING

import pytest

from benchmarks.costs import Block, Candidate, Setting, naive, session
from benchmarks.small_projects import SmallProject, last_guards

if TYPE_CHECKING:
    from pathlib import Path

#: How many rejected experiments one pytest process has to pay for, at the least.
_RATIO = 8
_EXPERIMENTS = 8


@pytest.mark.skipif(sys.platform != "linux", reason="CPU time of a process tree is read on Linux")
def test_a_rejected_experiment_costs_at_most_an_eighth_of_a_pytest_process(tmp_path: Path) -> None:
    """Both sides are CPU time: other work on the machine stretches wall time, and not alike."""
    setting = Setting(place=str(tmp_path))
    # Scored by an exact metric: nothing has to be timed before the first candidate.
    ours = SmallProject(tmp_path / "ours", "heavy").write("exact")
    theirs = SmallProject(tmp_path / "theirs", "heavy").write("exact")
    candidates = [
        Candidate(ours.content(number, "guard", guard), "guard")
        for number, guard in enumerate(last_guards(ours, _EXPERIMENTS), 1)
    ]
    processes = [naive(theirs, candidate, setting).cpu for candidate in candidates[:2]]
    experiment = session(ours, [Block("rejected", candidates)], setting).costs["rejected"].cpu
    processes += [naive(theirs, candidate, setting).cpu for candidate in candidates[2:4]]
    assert statistics.median(processes) / experiment >= _RATIO
