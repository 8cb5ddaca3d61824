"""The summary of a CI job."""

from __future__ import annotations

import math
import re
from dataclasses import replace

import pytest

from pytest_autoloop.comparison import Audit
from pytest_autoloop.model import Effect
from pytest_autoloop.reporting.ci.markdown import MARK, Summary, code, document
from tests.reporting.test_ending import PLAIN, experiment, gained

WON = replace(
    PLAIN,
    best=experiment(1),
    kept=2,
    biggest=(experiment(1, effect=gained(0.1)),),
    totals={1: 0.1},
    reasons={"guard": 1, "no-gain": 3},
    audit=Audit(Effect(math.log(1.5), math.log(1.4), math.log(1.6))),
)
HOSTILE = (
    "<script>alert(1)</script> | ![x](http://evil.invalid/a.png) `` @someone #12\n"
    "::error::no www.evil.invalid \x1b[31m\\| **bold** _low_ ~~gone~~ [a]: https://b"
)


def test_the_outcome_is_told_in_tables() -> None:
    """The audited gain is the headline, what was kept and what was not stand below."""
    shown = document(
        Summary((WON,), ("spent: $1.84",), artifacts="https://ci.invalid/1", environment={"a": 1})
    )
    assert shown.startswith(f"{MARK}\n## pytest-autoloop: audited gain 1.5× [1.4×, 1.6×]\n")
    assert "<code>a.py</code> on the branch" in shown
    assert "| <code>time</code> | <code>4 ms</code> | <code>2 ms</code> |" in shown
    assert "| keep | commit | effect | in all | description |\n| --- | --- |" in shown
    assert "| 001 | <code>001fffffff</code> | <code>time " in shown
    assert " | 1.11× | <code>idea 1</code> |" in shown
    assert "and 1 keep more" in shown
    assert "| <code>no-gain</code> | 3 |\n| <code>guard</code> | 1 |" in shown
    assert "- <code>spent&#58; &#36;1.84</code>" in shown
    assert "[Chart, report and records](https://ci.invalid/1)" in shown


def test_a_session_without_a_result_says_why() -> None:
    """The error is the summary."""
    assert document(Summary()).endswith("## pytest-autoloop: nothing to tell\n\n")
    shown = document(Summary(errors=("1 guard fails on the untouched a.py",)))
    assert "## pytest-autoloop: no result\n" in shown
    assert "**Error:** <code>1 guard fails on the untouched a.py</code>" in shown
    assert "pytest-autoloop: nothing was kept" in document(Summary((PLAIN,)))


def test_what_candidates_say_is_text() -> None:
    """Nothing of it ends its cell, loads a picture, links, mentions, or reaches the terminal."""
    hostile = replace(WON, biggest=(experiment(1, description=HOSTILE, effect=gained(0.1)),))
    shown = document(Summary((hostile,), (HOSTILE,), (HOSTILE,), environment={"a|b": HOSTILE}))
    inside = re.findall(r"<code>(.*?)</code>", shown)
    assert sum("alert" in cell for cell in inside) == 4
    for cell in inside:
        assert not set(cell) & set("<>|`*_~[]!@:\\\x1b\n"), cell
        assert "www." not in cell
    tables = [line for line in shown.splitlines() if line.startswith("| 001")]
    assert [line.count("|") for line in tables] == [6]


@pytest.mark.parametrize("said", ["", "   ", "\n"])
def test_nothing_is_no_code(said: str) -> None:
    """An empty cell stays empty."""
    assert code(said) == ""


def test_a_cell_is_cut() -> None:
    """A model may talk long."""
    assert code("a" * 500) == f"<code>{'a' * 199}…</code>"
