"""The original of a target, beside what stands in its file now."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness.baseline_fixture import load_baseline, original

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.projects import Project

PACKAGE = {
    "src/pkg/__init__.py": "",
    "src/pkg/base.py": "ONE = 1\n",
    "src/pkg/target.py": """
        from dataclasses import dataclass

        from .base import ONE

        @dataclass
        class Point:
            x: int

        def answer():
            return Point(ONE)
    """,
}


@pytest.fixture(autouse=True)
def _no_traces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = set(sys.modules)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield
    for name in set(sys.modules) - before:
        del sys.modules[name]


def test_the_original_is_what_was_committed(project: Project) -> None:
    """Whatever stands in the file; it resolves relative imports, and knows its own classes."""
    project.commit(PACKAGE)
    path = project.root / "src" / "pkg" / "target.py"
    path.write_text("def answer():\n    return 'another'\n")
    sys.path.insert(0, str(project.root / "src"))
    baseline = load_baseline(path)
    assert baseline.answer() == baseline.Point(1)
    assert baseline.__package__ == "pkg"


def test_it_does_not_take_the_place_of_the_target(project: Project) -> None:
    """Both are there, each with a state of its own."""
    project.commit(
        {"counter.py": "seen = []\n\ndef add(x):\n    seen.append(x)\n    return seen\n"}
    )
    sys.path.insert(0, str(project.root))
    import counter  # type: ignore[import-not-found]

    baseline = load_baseline(project.root / "counter.py")
    assert baseline.add(1) == [1]
    assert counter.add(2) == [2]


def test_a_traceback_shows_its_source(project: Project) -> None:
    """Though no file holds it."""
    project.commit({"broken.py": "def fail():\n    raise ValueError('as it was')  # here\n"})
    baseline = load_baseline(project.root / "broken.py")
    with pytest.raises(ValueError, match="as it was") as caught:
        baseline.fail()
    assert "# here" in str(caught.getrepr())


def test_nothing_is_left_of_one_that_cannot_be_imported(project: Project) -> None:
    """A second try fails alike."""
    project.commit({"bad.py": "import no_such_module_at_all\n"})
    before = set(sys.modules)
    for _ in range(2):
        with pytest.raises(ModuleNotFoundError):
            load_baseline(project.root / "bad.py")
    assert not {name for name in set(sys.modules) - before if "baseline" in name}


def test_what_git_does_not_hold_is_refused(project: Project) -> None:
    """In a sentence that says what to do; so is what is no module."""
    project.commit({"prompt.txt": "Be kind.\n"})
    (project.root / "new.py").write_text("")
    with pytest.raises(UsageError, match="commit it first"):
        load_baseline(project.root / "new.py")
    with pytest.raises(UsageError, match="imports Python modules"):
        load_baseline(project.root / "prompt.txt")
    assert original(project.root / "prompt.txt") == b"Be kind.\n"
