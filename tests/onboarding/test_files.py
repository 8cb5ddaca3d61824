"""Files that init plans: nothing that is there is lost."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.onboarding.files import into_conftest, planned

if TYPE_CHECKING:
    from pathlib import Path

DECLARED = "@autoloop.target\ndef target():\n    ...\n"
LINES = f"import os\nimport pytest_autoloop as autoloop\n\n\n{DECLARED}"
HEAD = '"""Shared."""\n\nfrom __future__ import annotations\n\nimport os\n'


def test_a_file_that_is_there_stays(tmp_path: Path) -> None:
    """Also when it comes to be between planning and writing."""
    there = tmp_path / "there.py"
    there.write_text("mine\n")
    assert planned(there, "other\n", "a test").action == "keep"
    late = planned(tmp_path / "late.py", "other\n", "a test")
    (tmp_path / "late.py").write_text("mine\n")
    with pytest.raises(UsageError, match="File exists"):
        late.write()
    assert (tmp_path / "late.py").read_text() == "mine\n"


def test_lines_go_into_a_conftest_where_they_belong(tmp_path: Path) -> None:
    """Imports to the others, the rest to the end; nothing of it is changed."""
    path = tmp_path / "conftest.py"
    path.write_text(f"{HEAD}\nX = os.sep\n")
    made = into_conftest(path, LINES, "says what may change")
    assert made.action == "add"
    assert made.content == (
        f"{HEAD}import pytest_autoloop as autoloop\n\nX = os.sep\n\n\n{DECLARED}"
    )
    removed = [line for line in made.diff(tmp_path).splitlines()[2:] if line.startswith("-")]
    assert removed == []


def test_an_empty_conftest_is_filled(tmp_path: Path) -> None:
    """It has no imports to stand behind."""
    path = tmp_path / "conftest.py"
    path.write_text("")
    compile(into_conftest(path, LINES, "").content, "conftest.py", "exec")
    path.write_text("def broken(:\n")
    with pytest.raises(UsageError, match="is not Python"):
        into_conftest(path, LINES, "")
