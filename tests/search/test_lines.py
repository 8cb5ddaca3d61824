"""Side lines: where they stand, and when they are over."""

from __future__ import annotations

import pytest

from pytest_autoloop.search.lines import Line, last_line
from tests.search.campaigns import BASELINE, row

BEGUN = [BASELINE, row(1, "keep", gain=0.1), row(2, "explore", 1, "explore", gain=-0.2)]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        ([], Line("2", 0)),
        ([row(3, "discard", 2), row(4, "discard", 1), row(5, "crash", 2)], Line("2", 2)),
        ([row(3, "discard", 2), row(4, "explore", 2, gain=-0.1)], Line("4", 0)),
        ([row(3, "explore", 2, "explore", gain=-0.3)], Line("3", 1)),
        ([row(3, "explore", 1, "explore", gain=-0.3)], Line("3", 0)),
        ([row(3, "keep", 1, gain=0.1)], Line("2", 0)),
        ([row(3, "keep", 2, gain=0.1)], None),
        ([row(3, "crash", 1, "explore")], Line("2", 0)),
    ],
    ids=[
        "begun",
        "fruitless",
        "advanced",
        "gone on regardless",
        "begun anew",
        "kept elsewhere",
        "kept",
        "another broke",
    ],
)
def test_a_line_is_known_by_its_experiments(more, line) -> None:
    """Its head, and how long it has not advanced, follow from the rows."""
    assert last_line([*BEGUN, *more], "explore") == line


def test_of_two_that_ran_side_by_side_the_better_is_the_head() -> None:
    """With several workers both start from the same commit."""
    rows = [*BEGUN, row(3, "explore", 2, gain=-0.05), row(4, "explore", 2, gain=-0.1)]
    assert last_line(rows, "explore") == Line("3", 1)


def test_a_campaign_without_a_side_line_has_none() -> None:
    """Those of another kind do not count."""
    assert last_line(BEGUN, "restart") is None
