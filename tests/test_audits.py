"""What an audit found, in the header of its campaign."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_autoloop.audits import record_audit, recorded_audit
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.model import Effect

if TYPE_CHECKING:
    from pathlib import Path


def test_it_is_found_again_for_that_commit_alone(tmp_path: Path) -> None:
    """By target, beside whatever else the header holds; an open bound stays open."""
    journal = Journal.create(tmp_path, "nov20")
    journal.write_header({"target": "a.py"})
    one, two = Effect(0.5, 0.4, math.inf), Effect(0.1, 0.0, 0.2)
    record_audit(journal, "a.py", "1234", Effect(0.2, 0.1, 0.3))
    record_audit(journal, "a.py", "abcd", one)
    record_audit(journal, "b.py", "abcd", two)

    header = journal.read_header() or {}

    assert header["target"] == "a.py"
    assert recorded_audit(header, "a.py", "abcd") == one
    assert recorded_audit(header, "b.py", "abcd") == two
    assert recorded_audit(header, "a.py", "1234") is None
    assert recorded_audit({}, "a.py", "abcd") is None
