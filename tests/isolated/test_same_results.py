"""`@autoloop.target(same_results=False)`: a target whose results are meant to change."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.projects import Project


CONFTEST = """
import pytest

import guessing
import pytest_autoloop as autoloop


@autoloop.target({options})
def target():
    "Make the guess better."
    return "guessing.py"


@autoloop.metric(direction="higher")
def right():
    return float(sum(guessing.guess(n) == n * n for n in range(20)))
"""
GUARD = """
import guessing


def test_a_guess_is_a_number():
    assert all(isinstance(guessing.guess(n), int) for n in range(20))
"""


CENTRES = {
    "conftest.py": """
        import centring
        import pytest_autoloop as autoloop

        @autoloop.target(same_results=False)
        def target():
            "Come nearer."
            return "centring.py"

        @autoloop.metric
        def distance():
            points = [1.0, 2.0, 6.0]
            centre = centring.centre(points)
            return sum(abs(point - centre) for point in points)
    """,
    "test_centring.py": """
        import centring

        def test_a_centre_is_a_number():
            assert isinstance(centring.centre([1.0, 2.0]), float)

        def test_points_are_sorted():
            points = [2.0, 1.0]
            centring.order(points)
            assert points == [1.0, 2.0]
    """,
    "centring.py": """
        def centre(points):
            return points[0]

        def order(points):
            points.sort()
    """,
}
ORDER = "\n\ndef order(points):\n    points[:] = sorted(points)\n"


def test_what_it_is_judged_by_is_not_the_candidates_to_change(project: Project) -> None:
    """A function changes its arguments if it did in the untouched version, and no other does."""
    project.commit(CENTRES)
    queue = project.ideas(
        f"def centre(points):\n    points[:] = [0.0] * len(points)\n    return 0.0\n{ORDER}",
        f"def centre(points):\n    return sorted(points)[1]\n{ORDER}",
    )
    session = project.autoloop(2, f"--autoloop-proposer={queue}")

    assert session.decisions == [("discard", "differential"), ("keep", "")], session.output
    assert "centre() changes its arguments" in session.journal[1]["detail"]
    assert session.journal[2]["assurance"] == "isolated"


@pytest.mark.parametrize(
    ("options", "decision"),
    [("same_results=False", ("keep", "")), ("", ("discard", "differential"))],
)
def test_results_may_change_where_they_are_meant_to(
    project: Project, options: str, decision: tuple[str, str]
) -> None:
    """Only then is a better guess no fault; it is kept away from its judges all the same."""
    project.commit(
        {
            "conftest.py": CONFTEST.format(options=options),
            "test_guess.py": GUARD,
            "guessing.py": "def guess(n):\n    return 2 * n\n",
        }
    )
    queue = project.ideas("def guess(n):\n    return n * n\n")
    session = project.autoloop(1, f"--autoloop-proposer={queue}")

    assert session.decisions == [decision], session.output
    assert session.journal[1]["assurance"] == "isolated"
