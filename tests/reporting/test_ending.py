"""What is told at the end of a campaign, from plain data."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from pytest_autoloop.comparison import Audit
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import TIME, Effect, Experiment, GuardReport, Status
from pytest_autoloop.reporting import ending
from pytest_autoloop.reporting.ending import Ending
from pytest_autoloop.shortening import SIMPLER
from pytest_autoloop.usage import Spending


def experiment(
    number: int, status: Status = "keep", reason: str = "", **more: object
) -> Experiment:
    """Return an experiment whose commit begins with its number."""
    plain = Experiment(
        number=number,
        status=status,
        reason=reason,
        description=f"idea {number}",
        proposer="",
        commit=f"{number:03}".ljust(40, "f"),
        parent="",
        timestamp="",
        seconds=1.0,
        metrics={"time": 0.004 / (number + 1)},
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def gained(gain: float) -> Effect:
    """Return an effect of some log gain."""
    return Effect(gain, gain - 0.01, gain + 0.01)


def row(number: int, status: Status, reason: str = "", gain: float | None = None) -> Row:
    """Return a row."""
    return Row(number, status, reason, "", "", gain, "improve", "")


ROWS = [
    row(0, "baseline"),
    row(1, "keep", gain=0.1),
    row(2, "discard", "no-gain", 0.9),
    row(3, "keep", gain=0.4),
    row(4, "crash", "no-verdict"),
    row(5, "explore", gain=-0.1),
    row(6, "keep", SIMPLER, -0.01),
    row(7, "timeout"),
    row(8, "discard", "no-gain"),
]
PLAIN = Ending("a.py", "nov20", (TIME,), experiment(0, "baseline"), experiment(0, "baseline"))


def test_the_biggest_wins_come_first() -> None:
    """Whatever came to nothing is none, however well it was measured."""
    assert ending.biggest(ROWS) == [3, 1, 6]
    assert ending.biggest(ROWS, 1) == [3]


def test_what_was_not_kept_is_counted_by_reason() -> None:
    """A side line was not lost, and a simplification has a reason but was kept."""
    assert ending.not_kept(ROWS) == {"no-gain": 2, "no-verdict": 1, "timeout": 1}
    assert ending.latest_failed(ROWS, 1) == {"timeout": [7], "no-gain": [8], "no-verdict": [4]}


def test_what_an_earlier_session_kept_of_other_targets_is_told() -> None:
    """The branch holds it, though this session had nothing to do with it."""
    rows = [replace(row(number, "keep"), target=name) for number, name in enumerate("abba.b")]
    told = ending.elsewhere(rows, [replace(PLAIN, target="b"), replace(PLAIN, target=".")], "t")
    assert told == [
        "autoexp/t also holds 2 keeps of a, from an earlier session: pytest-autoloop apply t"
    ]


def test_ten_wins_are_listed_and_the_others_counted() -> None:
    """Of hundreds nobody wants to read all."""
    biggest = tuple(experiment(number, effect=gained(0.1)) for number in range(1, 11))
    won = replace(PLAIN, kept=12, simpler=1, biggest=biggest, totals={1: 0.1, 2: 0.7})
    lines = ending.wins(won)
    assert len(lines) == 12
    assert lines[:4] == [
        "  keep  commit      effect                    in all   description",
        "  001   001fffffff  time -9.5% [-10.4, -8.6]  1.11×    idea 1",
        "  002   002fffffff  time -9.5% [-10.4, -8.6]  2.01×    idea 2",
        "  003   003fffffff  time -9.5% [-10.4, -8.6]           idea 3",
    ]
    assert ending.wins(won, 60)[1].endswith("1.11×    idea…")
    assert max(map(len, ending.wins(won, 60)[:-1])) == 60
    assert lines[-1] == (
        "  and 2 more of 12 keeps, 1 of them simpler: pytest-autoloop history nov20"
    )


def test_what_keeps_gained_adds_up() -> None:
    """Over the baseline; gains in first calls and in warm ones are no sum."""
    first = experiment(0, "baseline")
    keeps = [experiment(number, effect=gained(0.1)) for number in (3, 5)]
    assert ending.totals(first, keeps) == pytest.approx({3: 0.1, 5: 0.2})
    keeps[1] = replace(keeps[1], effect=replace(gained(0.1), basis="first"))
    assert ending.totals(first, keeps) == {}


def test_ideas_that_failed_are_named_where_they_were_gathered() -> None:
    """The most frequent reason first, each with what was wrong."""
    guard = GuardReport(False, test="test_a.py::test_b", message="assert 1 == 2")
    failed = {
        "guard": (experiment(4, "discard", "guard", guard=guard),),
        "no-gain": (experiment(2, "discard", "no-gain", effect=gained(0.0)),),
    }
    told = replace(PLAIN, reasons={"guard": 1, "no-gain": 2}, failed=failed)
    assert ending.losses(told) == [
        "not kept: 2 no-gain, 1 guard",
        "  002 no-gain · time +0.0% [-1.0, +1.0]   idea 2",
        "  004 guard failed: test_a.py::test_b   idea 4",
    ]
    assert ending.losses(PLAIN) == []


def test_the_result_is_what_was_audited() -> None:
    """With what was claimed beside it."""
    won = replace(PLAIN, kept=1, best=experiment(1), claimed=math.log(2.1))
    assert ending.result(won) == "time 4 ms → 2 ms · not audited"
    audit = Audit(Effect(math.log(2), math.log(1.9), math.log(2.1)), gained(0.5))
    told = ending.result(replace(won, audit=audit))
    assert told.startswith("time 4 ms → 2 ms · audited gain 2× [1.9×, 2.1×] · on first calls 1.65×")
    assert told.endswith(" · claimed 2.1×")
    assert ending.result(PLAIN) == "nothing was kept"


def test_what_was_kept_is_taken_by_the_command_that_looks_first() -> None:
    """All targets that won something in one diff; a symbol of a file is the file."""
    won = replace(PLAIN, kept=1, target="b c.py::f")
    assert ending.taking([PLAIN, won], "results.tsv") == [
        "see it: git diff 000fffffff autoexp/nov20 -- ':/b c.py'",
        "take it: pytest-autoloop apply nov20 (or git merge autoexp/nov20)",
        "table: results.tsv",
    ]
    assert ending.taking([PLAIN, won], "results.tsv", applied=True) == [
        "see it: git diff 000fffffff autoexp/nov20 -- ':/b c.py'",
        "table: results.tsv",
    ]
    assert ending.taking([PLAIN], "results.tsv") == ["table: results.tsv"]


@pytest.mark.parametrize(
    ("spent", "told"),
    [
        (Spending(None, None, 0), []),
        (Spending(1200, 0.5, 0), ["spent: 1,200 tokens · $0.5000"]),
        (Spending(1200, None, 1200), ["spent: 1,200 tokens · price unknown"]),
        (
            Spending(1200, 0.5, 200),
            ["spent: 1,200 tokens · $0.5000 and 200 tokens of unknown price"],
        ),
    ],
)
def test_what_is_unknown_of_the_cost_is_said(spent: Spending, told: list[str]) -> None:
    """It is never zero."""
    assert ending.cost(spent) == told


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (8.4, "1 experiment in 8 s · 429 per hour"),
        (95, "1 experiment in 1 min 35 s · 38 per hour"),
        (4320, "1 experiment in 1 h 12 min · 1 per hour"),
    ],
)
def test_the_pace_is_told_with_two_units(seconds: float, told: str) -> None:
    """Nobody counts the seconds of a night."""
    assert ending.pace(1, seconds) == [told]
    assert ending.pace(0, seconds) == []
