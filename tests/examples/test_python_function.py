"""A parser becomes faster, in a process that holds neither its tests nor the clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.projects import Project


def test_only_what_is_right_and_faster_is_kept(example: Callable[[str], Project]) -> None:
    """A cache is no gain, and a shortcut that its own tests allow differs from the original."""
    project = example("python_function")
    ideas = project.root / "ideas"
    # The largest gain is seen at once, on a busy machine too.
    (ideas / "05_split_plain_lines_at_once.py").replace(ideas / "01_match_whole_fields.py")
    project.commit()
    session = project.autoloop(4, "--autoloop-clock=cpu", timeout=600)

    assert session.returncode == 0, session.output
    assert "assurance: isolated" in session.stdout
    baseline, faster, renamed, cached, shortcut = session.journal
    assert faster["status"] == "keep", session.output
    assert faster["metrics"]["time"] < baseline["metrics"]["time"]
    assert (renamed["status"], renamed["reason"]) == ("discard", "no-gain")
    assert cached["status"] == "discard"
    assert cached["reason"] in {"no-gain", "unverified-gain"}
    assert (shortcut["status"], shortcut["reason"]) == ("discard", "guard")
    assert "test_like_the_original" in shortcut["guard"]["test"]


def test_the_guards_pass_on_the_original(example: Callable[[str], Project]) -> None:
    """By plain pytest, without a campaign."""
    done = example("python_function").pytest("-q", "--benchmark-disable")
    assert done.returncode == 0, done.output
