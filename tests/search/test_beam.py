"""The strategy `beam:K`."""

from __future__ import annotations

from pytest_autoloop.search.base import Start
from pytest_autoloop.search.beam import Beam
from tests.search.campaigns import BASELINE, row

LINES = [
    BASELINE,
    row(1, "keep", gain=0.3),
    row(2, "explore", 1, "draft", gain=-0.1),
    row(3, "explore", 1, "draft", gain=-0.2),
]


def starts(rows, width=3) -> list[Start]:
    """Return one round."""
    return [Beam(width).start(number, rows) for number in range(6, 6 + width)]


def better(commit: str) -> Start:
    """Return the start of a line that is not the best."""
    return Start(commit, "improve", "better")


def test_a_beam_is_filled_with_drafts_from_the_best() -> None:
    """Only as many as there is room for."""
    draft = Start("1", "draft", "any")
    assert starts(LINES[:2]) == [Start("1"), draft, draft]
    assert starts(LINES[:3]) == [Start("1"), better("2"), draft]


def test_its_lines_have_their_turn() -> None:
    """Best first."""
    assert starts(LINES) == [Start("1"), better("2"), better("3")]


def test_what_beats_its_parent_takes_its_place_and_the_worst_falls_out() -> None:
    """A line stands at its last success, so that the beam is not full of the best's forebears."""
    rows = [*LINES, row(4, "explore", 3, gain=-0.05)]
    assert starts(rows) == [Start("1"), better("4"), better("2")]
    rows.append(row(5, "keep", 2, gain=0.1))
    assert starts(rows) == [Start("5"), Start("1", "improve", "better"), better("4")]
    assert starts(rows, 2) == [Start("5"), better("1")]


def test_a_line_that_brings_nothing_leaves() -> None:
    """The best never does."""
    rows = [*LINES, *(row(number, "discard", 2) for number in range(4, 14))]
    assert starts(rows) == [Start("1"), better("3"), Start("1", "draft", "any")]
    rows = [*LINES, *(row(number, "discard", 1) for number in range(4, 40))]
    assert starts(rows) == starts(LINES)
