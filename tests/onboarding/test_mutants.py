"""Mutants: which faults are put into a target, and which are left out."""

from __future__ import annotations

import ast

import pytest

from pytest_autoloop.onboarding.mutants import mutants_of

SOURCE = b'''"""A module."""

LIMIT = 10


def grade(points: int = 0, *, strict: bool = False) -> str:
    """Return a grade."""
    if points < LIMIT and not strict:
        raise ValueError("too few points, at least 10 are needed")
    total = points * 2
    total += 1
    for _ in range(3):
        if total in (7, 8):
            continue
        break
    return "good" if total >= 20 else "fair"


def largest(values):
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best


if __name__ == "__main__":
    print(grade(1 + 1))
'''


def whats(source: bytes, **keywords: object) -> set[str]:
    """Return what all mutants of a source do."""
    return {mutant.what for mutant in mutants_of(source, limit=500, **keywords)}  # type: ignore[arg-type]


def test_each_operator_finds_its_place() -> None:
    """Comparisons, logic, arithmetic, constants, returns and statements."""
    found = whats(SOURCE)
    assert {"< becomes <=", "and becomes or", "not is left out", "* becomes /"} <= found
    assert {"+= becomes -=", "in becomes not in", ">= becomes >", "None is returned"} <= found
    assert {"continue becomes break", "break becomes continue", "10 becomes 11"} <= found
    assert {"False becomes True", "'good' gets an X at its end"} <= found


def test_every_mutant_is_python_and_another_program() -> None:
    """One that does not compile says nothing of the guards, nor does one that changes nothing."""
    mutants = mutants_of(SOURCE, limit=500)
    original = ast.dump(ast.parse(SOURCE))
    assert mutants
    assert all(ast.dump(ast.parse(mutant.content)) != original for mutant in mutants)
    assert len({mutant.content for mutant in mutants}) == len(mutants)


def test_messages_annotations_and_scripts_are_left_alone() -> None:
    """No result depends on them."""
    script = SOURCE.count(b"\n") - 1
    for mutant in mutants_of(SOURCE, limit=500):
        assert mutant.line < script
        changed = mutant.content.decode()
        assert 'too few points, at least 10 are needed")' in changed
        assert '"""Return a grade."""' in changed


def test_a_running_extreme_looks_equivalent() -> None:
    """With > or >=, equal values are taken for one another."""
    (mutant,) = [m for m in mutants_of(SOURCE, limit=500) if m.what == "> becomes >="]
    assert mutant.function == "largest"
    assert "equal" in mutant.equivalent


def test_the_diff_names_file_and_line() -> None:
    """As a reviewer reads it."""
    (mutant,) = [m for m in mutants_of(SOURCE, limit=500) if m.what == "* becomes /"]
    told = mutant.diff(SOURCE, "grades.py").splitlines()
    assert told[:3] == ["--- grades.py", "+++ grades.py", "@@ -9,3 +9,3 @@"]
    assert told[4:6] == ["-    total = points * 2", "+    total = points / 2"]


def test_only_the_symbol_is_changed() -> None:
    """What else stands in the file is no part of the target."""
    mutants = mutants_of(SOURCE, symbol="largest", limit=500)
    assert {mutant.function for mutant in mutants} == {"largest"}


def test_few_are_spread_over_the_functions() -> None:
    """And are the same each time."""
    few = mutants_of(SOURCE, limit=6)
    assert len(few) == 6
    assert {mutant.function for mutant in few} >= {"grade", "largest"}
    assert few == mutants_of(SOURCE, limit=6)


@pytest.mark.parametrize(
    ("source", "changed"),
    [
        ("ö = 'ä' ; x = 1 < 2\n".encode(), "ö = 'ä' ; x = 1 <= 2\n".encode()),
        (b"\xef\xbb\xbfx = 1 < 2\n", b"\xef\xbb\xbfx = 1 <= 2\n"),
        (b"x = (1\r\n     <\r\n     2)\r\n", b"x = (1\r\n     <=\r\n     2)\r\n"),
    ],
    ids=["wide letters", "byte order mark", "line ends"],
)
def test_offsets_are_those_of_the_bytes(source: bytes, changed: bytes) -> None:
    """Columns of a syntax tree count bytes of UTF-8, behind a mark, over any ends of lines."""
    assert changed in {mutant.content for mutant in mutants_of(source, limit=50)}


@pytest.mark.parametrize(
    "source", [b"def broken(:\n", b"# -*- coding: latin-1 -*-\nx = '\xe4' < 'b'\n", b""]
)
def test_what_cannot_be_changed_has_none(source: bytes) -> None:
    """No Python, another encoding, nothing in it."""
    assert mutants_of(source) == ()
