"""What strategies have in common."""

from __future__ import annotations

import pytest

from pytest_autoloop.search.base import best, failed, worths
from tests.search.campaigns import BASELINE, row


def test_what_is_in_play_is_worth_its_gain_over_the_best_of_its_time() -> None:
    """Log gains of keeps add up; an effect counts from the best that it was measured against."""
    rows = [
        BASELINE,
        row(1, "explore", gain=-0.25),
        row(2, "keep", gain=0.5),
        row(3, "explore", 1, gain=-0.25),
        row(4, "discard", 2, gain=-1.0),
        row(5, "explore", 2),
        row(6, "keep", 3, gain=0.125),
    ]
    assert worths(rows) == {"0": 0.0, "1": -0.25, "2": 0.5, "3": 0.25, "6": 0.625}
    assert best(rows).commit == "6"


@pytest.mark.parametrize(
    ("one", "broken"),
    [
        (row(1, "crash"), True),
        (row(1, "timeout"), True),
        (row(1, "discard", reason="guard"), True),
        (row(1, "discard", reason="no-gain"), False),
        (row(1, "discard", reason="tampered"), False),
        (row(1, "explore"), False),
    ],
)
def test_what_can_be_mended_did_run(one, broken) -> None:
    """A candidate that passed its guards, or may not run, is nothing to mend."""
    assert failed(one) is broken
