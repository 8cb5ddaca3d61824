"""Whether enough was won, and what a test report holds of it."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.comparison import Audit
from pytest_autoloop.model import Effect
from pytest_autoloop.reporting.ci.verdict import properties, shortfall
from tests.reporting.test_ending import PLAIN

if TYPE_CHECKING:
    from pytest_autoloop.model import Json

WON = replace(PLAIN, kept=1, audit=Audit(Effect(math.log(1.5), math.log(1.4), math.log(1.6))))


def test_what_was_audited_counts() -> None:
    """Each target has to reach the factor; exactly is enough."""
    assert shortfall([WON], 1.5) == shortfall([WON, WON], 1.2) == shortfall([], 2) == ""
    assert shortfall([WON, replace(WON, target="b.py")], 1.6) == (
        "a.py: the audited gain is 1.5× [1.4×, 1.6×], --autoloop-fail-under=1.6 asks for 1.6×; "
        "b.py: the audited gain is 1.5× [1.4×, 1.6×], --autoloop-fail-under=1.6 asks for 1.6×"
    )


def test_nothing_kept_is_a_gain_of_one() -> None:
    """Who asks for no loss is content."""
    assert shortfall([PLAIN], 1) == ""
    assert shortfall([PLAIN], 1.01).startswith("a.py: nothing was kept, --autoloop-fail-under=1.01")


def test_what_was_not_audited_is_missed() -> None:
    """Nobody knows what it is worth."""
    told = shortfall([replace(WON, audit=None)], 0.5)
    assert told.startswith("a.py: what was kept could not be audited")


def test_properties_are_empty_where_nothing_is_known() -> None:
    """One for each figure; several targets have their own."""
    audited: Json = {"gain": 1.5, "low": 1.4, "high": 1.6, "level": 0.95}
    found = dict(
        properties(
            {
                "tag": "t",
                "cost_usd": None,
                "targets": [{"target": "a.py", "audited": audited}, {"audited": None}],
            }
        )
    )
    assert (found["autoloop_tag"], found["autoloop_cost_usd"]) == ("t", "")
    assert (found["autoloop_1_target"], found["autoloop_1_audited_low"]) == ("a.py", "1.4")
    assert found["autoloop_2_audited_gain"] == ""
    assert "autoloop_audited_gain" not in found
