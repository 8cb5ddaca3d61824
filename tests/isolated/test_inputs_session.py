"""Inputs of the user's own, where candidates cannot be isolated after all."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.projects import Project

CONFTEST = """
import pytest

import pytest_autoloop as autoloop


@autoloop.target
def target():
    "Make it shorter."
    return "counting.py"


@pytest.fixture
def autoloop_inputs():
    return {"count": lambda random: ([random.random()],)}


@autoloop.metric(direction="lower")
def size(target):
    return len(target.read_bytes())
"""
GUARD = """
import counting


def test_a_counter_counts():
    assert counting.Counter([1, 2]).total == counting.count([1, 2]) == 2
"""
COUNTING = """
class Counter:
    def __init__(self, things):
        self.total = {}


def count(things):
    return Counter(things).total
"""


def test_they_are_no_guard_that_has_to_run(project: Project) -> None:
    """A test uses a class of the target, so nothing is compared and nobody asks for inputs."""
    project.commit(
        {
            "conftest.py": CONFTEST,
            "test_counting.py": GUARD,
            "counting.py": COUNTING.format("sum(1 for _ in things)"),
        }
    )
    queue = project.ideas(COUNTING.format("len(things)"))
    session = project.autoloop(1, f"--autoloop-proposer={queue}")

    assert session.decisions == [("keep", "")], session.output
    assert session.journal[1]["assurance"] == "compatible"
