"""A search that finds the document which answers a question."""

from __future__ import annotations

import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_searches_get_better_and_answers_by_heart_are_refused(
    example: Callable[[str], Project],
) -> None:
    """Any word, stems, titles and letters are kept; an open question and a list are not."""
    session = example("rag").autoloop(7)

    assert session.returncode == 0, session.output
    assert "compatible (tests use its class Index)" in session.output
    baseline, open_question, *rows = session.journal
    any_word, lower_case, stems, titles, by_heart, letters = rows
    assert (open_question["status"], open_question["reason"]) == ("discard", "guard")
    assert (lower_case["status"], lower_case["reason"]) == ("discard", "no-gain")
    assert (by_heart["status"], by_heart["reason"]) == ("discard", "guard")
    kept = (any_word, stems, titles, letters)
    assert [row["status"] for row in kept] == ["keep"] * 4
    for metric in ("hit_rate", "reciprocal_rank"):
        values = [row["metrics"][metric] for row in (baseline, *kept)]
        assert values == sorted(values)
        assert values[-1] > 3 * values[0]


def test_guards_hold_for_the_search_as_it_is(example: Callable[[str], Project]) -> None:
    """Plain pytest passes, and the data are what the script beside them makes."""
    project = example("rag")
    files = ("documents.jsonl", "questions.tsv", "held_out.tsv")
    made = {path: path.read_bytes() for path in (project.root / file for file in files)}
    subprocess.run([sys.executable, "make_documents.py"], cwd=project.root, check=True)
    assert {path: path.read_bytes() for path in made} == made
    session = project.pytest("-q")
    assert session.returncode == 0, session.output


def test_what_people_type_is_never_an_error(example: Callable[[str], Project]) -> None:
    """Handed to the search as it is, a question with a quote or a star is a syntax error."""
    project = example("rag")
    idea = project.root / "ideas" / "01_questions_as_they_are.py"
    shutil.copy(idea, project.root / "retrieval.py")
    session = project.pytest("-q", "-k", "no_question_is_an_error")
    assert "fts5: syntax error" in session.output
    assert "unterminated string" in session.output


def test_answers_by_heart_fail_on_questions_that_are_held_out(
    example: Callable[[str], Project],
) -> None:
    """Two guards see it: one reads the code, the other asks other questions."""
    project = example("rag")
    shutil.copy(project.root / "ideas" / "06_answers_by_heart.py", project.root / "retrieval.py")
    session = project.pytest("-q")
    failed = session.output.partition("short test summary")[2]
    assert "test_what_is_gained_is_gained_there_too" in failed
    assert "test_nothing_about_these_documents_is_in_the_code" in failed
    assert "2 failed" in failed


def test_a_missing_file_says_what_belongs_there(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told what to write."""
    project = example("rag")
    (project.root / "held_out.tsv").unlink()
    session = project.pytest("-q")
    assert "held_out.tsv is missing: put questions as in questions.tsv" in session.output
