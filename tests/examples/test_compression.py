"""The example `compression`: a sweep over codecs, within bounds on time and memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_a_sweep_makes_the_archive_smaller(example: Callable[[str], Project]) -> None:
    """Within eight tries one is kept that is smaller, within its bounds, and fit for readers."""
    project = example("compression")
    session = project.autoloop(8)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    kept = [row for row in rows if row["status"] == "keep"]
    assert kept, session.output
    assert kept[-1]["metrics"]["size"] < 0.95 * baseline["metrics"]["size"]
    for row in kept:
        assert row["metrics"]["packing"] <= 20
        assert row["metrics"]["unpacking"] <= 5
    assert {row["proposer"] for row in rows} == {"sweep"}
    assert {row["status"] for row in rows} == {"keep", "discard"}


def test_its_guards_refuse_what_readers_cannot_read(example: Callable[[str], Project]) -> None:
    """The untouched example passes; too large a window fails the guard that is meant for it."""
    project = example("compression")
    passed = project.pytest("-q")
    assert passed.returncode == 0, passed.output

    settings = project.root / "compress.yaml"
    text = settings.read_text(encoding="utf-8")
    settings.write_text(text.replace("window: 15", "window: 22"), encoding="utf-8")
    failed = project.pytest("-q", "-rf")
    assert "FAILED tests/test_archive.py::test_small_readers_can_read_it" in failed.output
    assert "1 failed" in failed.output


def test_a_missing_file_is_named(example: Callable[[str], Project]) -> None:
    """Who takes the files as a template is told what belongs into the data."""
    project = example("compression")
    (project.root / "data" / "corpus.jsonl").unlink()
    failed = project.pytest("-q")
    assert "corpus.jsonl is missing: put lines of text" in failed.output
