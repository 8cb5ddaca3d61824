"""Single lines of a campaign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.reporting.lines import origin, went_on, wrapped
from tests.reporting.test_ending import experiment, row

if TYPE_CHECKING:
    from pytest_autoloop.history.rows import Row
    from pytest_autoloop.model import Status

STATUSES: tuple[Status, ...] = ("baseline", "keep", "explore", "discard", "keep")
ROWS: list[Row] = [
    replace(row(number, status), commit=f"c{number}") for number, status in enumerate(STATUSES)
]


def test_a_candidate_of_the_best_needs_no_word() -> None:
    """The best of its own time, whatever was kept since."""
    assert origin(experiment(3, "discard", parent="c1"), ROWS) == ""
    assert origin(experiment(1, parent="c0"), ROWS) == ""
    assert origin(experiment(5, "explore", parent="c4", search="explore"), ROWS) == "[explore]"


def test_a_candidate_from_elsewhere_names_its_parent() -> None:
    """A side line, an earlier version, or a commit of nobody's."""
    assert origin(experiment(3, "explore", parent="c2"), ROWS) == "[improve from 002]"
    assert origin(experiment(5, "keep", parent="c0", search="restart"), ROWS) == (
        "[restart from 000]"
    )
    assert origin(experiment(5, "keep", parent="x", search="draft"), ROWS) == (
        "[draft from elsewhere]"
    )


def test_a_campaign_that_begins_tells_nothing() -> None:
    """There is nothing to go on with."""
    assert went_on(None, [], []) == []


def test_a_campaign_that_goes_on_tells_what_was_mended() -> None:
    """And what is judged first, because it was cut short."""
    assert went_on(17, ["half a line was set aside"], [18]) == [
        "goes on after experiment 017",
        "half a line was set aside",
        "018 was cut short and will be judged first",
    ]
    (_, line) = went_on(17, [], range(18, 25))
    assert line == "018, 019, 020, 021, 022 and 2 more were cut short and will be judged first"


def test_a_terminal_breaks_no_word() -> None:
    """A line goes on indented; a log has whole lines, and what fits is left alone."""
    line = "  no-gain · time +0.1% [-2.2, +2.1]   hoist list(STOP) out of the loop"
    assert wrapped(line, None, 22) == wrapped(line, 100, 22) == line
    assert wrapped(line, 80, 22) == (
        "  no-gain · time +0.1% [-2.2, +2.1]   hoist list(STOP)\n    out of the loop"
    )
    assert wrapped("autoloop: " + "x" * 90, 80).split() == ["autoloop:", "x" * 90]
