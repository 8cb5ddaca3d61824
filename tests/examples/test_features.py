"""The features for a classifier: what is refused, and what makes it tell better."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project

pytest.importorskip("sklearn", reason="the extra 'examples' brings scikit-learn")


def test_leaks_are_refused_and_gains_add_up(example: Callable[[str], Project]) -> None:
    """Position and id tell the label in one table alone: each has a guard. The rest is merged."""
    project = example("features")
    session = project.autoloop(7)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    found = {row["description"]: row for row in rows}
    position, number = found["position in the table"], found["number in the id"]
    assert position["guard"]["test"].endswith("test_a_row_depends_on_no_other_row")
    assert number["guard"]["test"].endswith("test_the_id_does_not_matter")
    assert found["year and day"]["reason"] == "no-gain"
    kept = [row for row in rows if row["status"] == "keep"]
    assert [row["description"] for row in kept] == [
        "weekend and evening",
        "weight times distance",
        "a column for each carrier",
        "carrier and region together",
    ]
    assert kept[-1]["metrics"]["auc"] > baseline["metrics"]["auc"] + 0.05
    assert kept[-1]["metrics"]["columns"] <= 32


def test_what_is_held_out_tells_a_leak_as_well(example: Callable[[str], Project]) -> None:
    """Without the guard that knows the leak, rows of another table refuse it."""
    project = example("features")
    leaky = project.root / "ideas" / "05_number_in_the_id.py"
    (project.root / "features.py").write_bytes(leaky.read_bytes())
    session = project.pytest("-q", "--no-header", "-rf")

    assert session.returncode == 1
    assert "test_rows_that_are_held_out" in session.stdout
    assert "test_the_id_does_not_matter" in session.stdout
    assert "2 failed" in session.stdout


def test_a_missing_table_is_named(example: Callable[[str], Project]) -> None:
    """Who starts from the template is told which file is missing, and what belongs in it."""
    project = example("features")
    (project.root / "labelled.csv").unlink()
    session = project.pytest("-q", "--no-header")

    assert session.returncode == 1
    assert "labelled.csv is missing: a CSV file with a header" in session.stdout
