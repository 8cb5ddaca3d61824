"""Patterns that find more of what is labelled, and never take for ever."""

from __future__ import annotations

import runpy
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_gains_add_up_and_what_hangs_or_knows_by_heart_is_refused(
    example: Callable[[str], Project],
) -> None:
    """Dates and amounts are found; nested quantifiers and a list of answers are refused."""
    session = example("regex").autoloop(5)

    assert session.returncode == 0, session.output
    baseline, dates, digits, nested, amounts, by_heart = session.journal
    assert (dates["status"], amounts["status"]) == ("keep", "keep")
    assert dates["metrics"]["f1_score"] > baseline["metrics"]["f1_score"] + 5
    assert amounts["metrics"]["f1_score"] > dates["metrics"]["f1_score"] + 5
    assert (digits["status"], digits["reason"]) == ("discard", "no-gain")
    assert (nested["status"], nested["reason"]) == ("discard", "guard")
    assert "the pattern for amount" in nested["detail"]
    assert (by_heart["status"], by_heart["reason"]) == ("discard", "guard")


def test_guards_hold_for_the_patterns_as_they_are(example: Callable[[str], Project]) -> None:
    """Plain pytest passes, and the data are what the script beside them makes."""
    project = example("regex")
    made = {path: path.read_bytes() for path in project.root.glob("*.tsv")}
    assert len(made) == 2
    subprocess.run([sys.executable, "make_corpus.py"], cwd=project.root, check=True)
    assert {path: path.read_bytes() for path in made} == made
    session = project.pytest("-q")
    assert session.returncode == 0, session.output


def test_what_hangs_would_score_best(example: Callable[[str], Project]) -> None:
    """The refused pattern for amounts is the better one by its score: only a guard stops it."""
    project = example("regex")
    matching = runpy.run_path(str(project.root / "matching.py"))
    lines = matching["read_lines"](project.root / "corpus.tsv")

    def score(idea: str) -> Any:
        text = (project.root / "ideas" / f"{idea}.yaml").read_text(encoding="utf-8")
        return matching["f1"](matching["read_patterns"](text), lines)

    assert score("03_amounts_of_any_grouping") > score("04_amounts_with_a_currency")


def test_what_is_known_by_heart_fails_on_lines_that_are_held_out(
    example: Callable[[str], Project],
) -> None:
    """A list of the corpus' ids is too long, and finds nothing elsewhere."""
    project = example("regex")
    shutil.copy(project.root / "ideas" / "05_ids_by_heart.yaml", project.root / "patterns.yaml")
    session = project.pytest("-q")
    for guard in ("held_out_are_no_worse", "gained_is_gained_there_too", "stay_short"):
        assert guard in session.output.partition("short test summary")[2]


def test_only_a_search_that_takes_too_long_is_stopped(example: Callable[[str], Project]) -> None:
    """The limit is one of processor time; a search within it gives its match."""
    matching = runpy.run_path(str(example("regex").root / "matching.py"))
    patterns = matching["read_patterns"]("nested: '(a+)+b'\nplain: 'a+!'\n")
    text = "a" * 40 + "!"
    assert matching["search_within"](0.2, patterns["plain"], text)[0] == text
    with pytest.raises(matching["TooSlow"]):
        matching["search_within"](0.2, patterns["nested"], text)


def test_a_score_counts_what_is_missed_and_what_is_wrong(example: Callable[[str], Project]) -> None:
    """One of two labels found, and one text that is none: F1 is a half."""
    project = example("regex")
    matching = runpy.run_path(str(project.root / "matching.py"))
    project.write({"few.tsv": "7 ms and 8 ms of 9\ttime=7 ms\ttime=8 ms\n"})
    lines = matching["read_lines"](project.root / "few.tsv")
    patterns = matching["read_patterns"](r"time: '7 ms|\b9'")
    assert matching["f1"](patterns, lines) == pytest.approx(50)


def test_a_missing_file_says_what_belongs_there(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told what to write."""
    project = example("regex")
    (project.root / "held_out.tsv").unlink()
    session = project.pytest("-q")
    assert "held_out.tsv is missing: put lines of text there" in session.output
