"""What the page holds of a whole campaign."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

from pytest_autoloop.errors import JournalError
from pytest_autoloop.model import TIME, Effect, Experiment, Metric
from pytest_autoloop.reporting.html.collecting import RECENT, Collected, facts, metrics_of
from pytest_autoloop.reporting.html.packing import BLOCK, SHARING, Packer
from tests.reporting.html.made import DIFF, experiment

_LEVEL, _PARENT = 9, 16


def collected(*experiments: Experiment) -> list[list[Any]]:
    """Return the rows of experiments."""
    found = Collected()
    for one in experiments:
        found.add(one, (TIME,))
    return [json.loads(row) for row in found.rows]


def test_gains_add_up_over_what_was_kept() -> None:
    """A candidate stands where the best stood, and its own gain; what was not measured nowhere."""
    gain = Effect(math.log(2), 0.5, 0.9)
    rows = collected(
        experiment(0, "baseline"),
        experiment(1, "keep", effect=gain),
        experiment(2, effect=Effect(-0.1, -0.2, 0.0)),
        experiment(3, "keep", effect=gain),
        experiment(4, "crash"),
        experiment(5, "baseline"),
    )
    two, four = math.log(2), math.log(4)
    levels = [0.0, pytest.approx(two, rel=1e-4), pytest.approx(two - 0.1, rel=1e-4)]
    levels += [pytest.approx(four, rel=1e-4), None, 0.0]
    assert [row[_LEVEL] for row in rows] == levels


def test_a_row_knows_the_number_of_what_it_was_made_from() -> None:
    """And none where that is not of this campaign."""
    rows = collected(experiment(0, "baseline"), experiment(1), experiment(2, parent="f" * 40))
    assert [row[_PARENT] for row in rows] == [None, 0, None]


def test_an_open_page_is_told_of_the_last_experiments_alone() -> None:
    """However long the campaign is."""
    found = Collected()
    for number in range(RECENT + 5):
        found.add(experiment(number), (TIME,))
    told = [json.loads(item)["detail"]["number"] for item in found.recent]
    assert told == list(range(5, RECENT + 5))


def test_a_diff_that_comes_again_costs_next_to_nothing() -> None:
    """Its lines are kept once, for as many blocks as share them."""

    def size(count: int) -> int:
        packer = Packer()
        for number in range(count):
            packer.add({"number": number, "diff": DIFF * 20})
        return sum(map(len, packer.blocks()))

    assert size(BLOCK) < 1.2 * size(1) + 10 * BLOCK
    packer = Packer()
    for number in range(BLOCK * SHARING + 1):
        packer.add({"number": number, "diff": DIFF})
    assert len(packer.blocks()) == SHARING + 1


def test_metrics_come_from_the_manifest_of_the_target() -> None:
    """From the only one where experiments did not name their target yet, else from their values."""
    one = {"name": "size", "direction": "lower"}
    header: dict[str, Any] = {"manifests": {"a.py": {"metrics": [one]}}}
    assert metrics_of(header, "a.py", ()) == (Metric("size", "lower"),)
    assert metrics_of(header, "", ()) == (Metric("size", "lower"),)
    assert metrics_of({}, "a.py", ["speed"]) == (Metric("speed", "lower"),)


def test_a_header_that_holds_no_metric_is_told() -> None:
    """By its place."""
    header: dict[str, Any] = {"manifests": {"a.py": {"metrics": [{"name": 3}]}}}
    with pytest.raises(JournalError, match="a metric of the header"):
        metrics_of(header, "a.py", ())


def test_an_empty_header_is_no_reason_to_fail() -> None:
    """Campaigns of older versions recorded less."""
    found = facts({}, "old")
    assert found["branch"] == "autoexp/old"
    assert found["environment"] == []
