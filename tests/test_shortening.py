"""What counts as shorter, and what simplifications are measured against."""

from __future__ import annotations

import textwrap

import pytest

from pytest_autoloop.history.rows import Row
from pytest_autoloop.shortening import SIMPLER, shorter, size_of, standing

PLAIN = """
def total(numbers):
    result = 0
    for number in numbers:
        if number > 0:
            result += number
    return result
"""


def size(source: str) -> int | None:
    """Return the size of dedented Python."""
    return size_of(textwrap.dedent(source).encode(), "module.py")


@pytest.mark.parametrize(
    "same",
    [
        PLAIN.replace("number", "n").replace("result", "r"),
        PLAIN.replace(
            "    result = 0", '    """Add what is positive."""\n    result = 0  # none yet'
        ),
        PLAIN.replace("    if number > 0:\n            ", "    if number > 0: "),
        PLAIN.replace("(numbers):", "(numbers: list[int]) -> int:").replace(
            "result = 0", "result: int = 0"
        ),
        PLAIN.replace("    result = 0", "    assert numbers, 'nothing'\n    result = 0"),
        PLAIN.replace(
            "    result = 0", "    if len(numbers) > 9:\n        raise ValueError\n    result = 0"
        ),
    ],
    ids=["names", "docstring", "layout", "annotations", "assert", "raise"],
)
def test_what_is_no_simplification_makes_no_difference(same: str) -> None:
    """Shorter names, joined lines, and less that is said or checked."""
    assert size(same) == size(PLAIN)


def test_a_statement_less_is_shorter() -> None:
    """And the other way round it is not; nor is a mere sign."""
    short = "def total(numbers):\n    return sum(n for n in numbers if n > 0)\n"
    assert shorter(short.encode(), PLAIN.encode(), "module.py")
    assert not shorter(PLAIN.encode(), short.encode(), "module.py")
    less = PLAIN.replace("number > 0", "number")
    assert not shorter(less.encode(), PLAIN.encode(), "module.py")


@pytest.mark.parametrize("table", [repr("x" * 800), f"0x{'f' * 800}"], ids=["text", "number"])
def test_what_moves_into_a_constant_does_not_vanish(table: str) -> None:
    """Code or a table in one long text or number is still there."""
    assert (size(f"TABLE = {table}") or 0) - (size("TABLE = 1") or 0) == 10


def test_what_is_no_python_has_no_size() -> None:
    """It is never shorter, whatever it is compared with."""
    assert size("def broken(:\n") is None
    assert not shorter(b"def broken(:\n", PLAIN.encode(), "module.py")
    assert not shorter(b"x = 1\n", b"def broken(:\n", "module.py")


def test_deep_python_is_measured_without_recursion() -> None:
    """A chain of a thousand attributes is a tree a thousand nodes deep."""
    assert (size("x" + ".a" * 900) or 0) > 900


@pytest.mark.parametrize(
    ("path", "content", "expected"),
    [
        ("words.txt", b"alpha  beta\n\n gamma\n", 3),
        ("settings.toml", b"# how fast\nspeed = 3\n", 3),
        ("query.sql", b"-- all\nselect a, b\n", 4),
        ("readme.md", b"# Title\n", 2),
        ("data.bin", b"\0\1", None),
    ],
)
def test_other_text_is_words_and_signs(path: str, content: bytes, expected: int | None) -> None:
    """Blank lines and comment lines do not count, and binary content cannot be told."""
    assert size_of(content, path) == expected


def row(number: int, reason: str = "", gain: float | None = None) -> Row:
    """Return a row that was kept; the baseline without a number."""
    status = "keep" if number else "baseline"
    return Row(number, status, reason, f"c{number}", "", gain, "improve", "")  # type: ignore[arg-type]


def test_simplifications_are_held_against_the_last_gain() -> None:
    """Not against each other, so that small losses cannot add up."""
    rows = [row(0), row(1, gain=0.3), row(2, SIMPLER, -0.01), row(3, SIMPLER, -0.012)]
    rows.append(Row(4, "discard", "no-gain", "c4", "", -0.5, "improve", ""))
    found = standing(rows)
    assert found.anchor.number == 1
    assert found.level == pytest.approx(-0.012)
    assert found.claimed == pytest.approx(0.288)


def test_before_any_gain_the_baseline_is_the_anchor() -> None:
    """Simplifying may come first."""
    assert standing([row(0), row(1, SIMPLER, -0.01)]).anchor.number == 0
    with pytest.raises(ValueError, match="no row is the baseline"):
        standing([])


def test_a_small_gain_that_only_wins_back_what_was_lost_moves_no_anchor() -> None:
    """Losing a little and winning it back, over and over, leads nowhere."""
    rows = [row(0), row(1, gain=0.3), row(2, SIMPLER, -0.02), row(3, gain=0.015)]
    found = standing(rows)
    assert found.anchor.number == 1
    assert found.claimed == pytest.approx(0.295)
    found = standing([*rows, row(4, gain=0.02)])
    assert found.anchor.number == 4
    assert found.level == 0
    assert found.claimed == pytest.approx(0.315)
