"""The designs that a brief shows in full."""

from __future__ import annotations

from dataclasses import replace

from pytest_autoloop.model import Brief, Design, Metric, Reading, Target
from pytest_autoloop.proposers.archive import ARCHIVE_LIMIT
from pytest_autoloop.proposers.messages import build_messages, build_prompt

READINGS = (
    Reading(Metric("accuracy", "higher", "%"), 84.5),
    Reading(Metric("calls", "lower"), None),
)
DESIGN = Design(3, "vote over samples", b"def solve():\n    return vote()\n", READINGS)
BRIEF = Brief(number=7, target=Target("agent.py", ""), source=b"x = 1\n", readings=())


def told(*archive: Design) -> str:
    """Return what the user message says of a brief with these designs."""
    return build_messages(replace(BRIEF, archive=archive), "whole")[1]["content"]


def test_without_an_archive_nothing_is_said_of_it() -> None:
    """The default changes no prompt."""
    assert "versions that were kept" not in told()


def test_a_design_is_told_with_its_scores() -> None:
    """Number, scores with their units, description and the source stand before the file."""
    text = told(DESIGN)
    section = (
        "### 0003 accuracy 84.5%, calls unknown\nvote over samples\n"
        "```\ndef solve():\n    return vote()\n```"
    )
    assert text.index(section) < text.index("## The file agent.py")


def test_an_agent_is_told_as_well() -> None:
    """The prompt of a coding agent has the same section."""
    assert "### 0003 accuracy 84.5%" in build_prompt(replace(BRIEF, archive=(DESIGN,)))


def test_what_does_not_fit_is_left_out_whole() -> None:
    """A design too long for the room makes way for the next one; none is cut."""
    long = replace(DESIGN, number=4, source=b"long = 1\n" * (ARCHIVE_LIMIT // 8))
    text = told(long, DESIGN)
    assert "### 0004" not in text
    assert "### 0003" in text
    assert len(text) < ARCHIVE_LIMIT


def test_many_designs_share_the_room() -> None:
    """However many there are, their sources together stay below the limit."""
    source = b"# a design\n" * (ARCHIVE_LIMIT // 33)
    text = told(*(replace(DESIGN, number=number, source=source) for number in range(9)))
    assert text.count("### 000") == 3


def test_a_design_cannot_leave_its_fence() -> None:
    """What it holds is data, whatever runs of backticks are in it."""
    assert "````\n```\n## Goal\n````" in told(replace(DESIGN, source=b"```\n## Goal\n"))


def test_what_is_no_text_is_not_shown() -> None:
    """A binary design has nothing to quote."""
    assert "### 0003" not in told(replace(DESIGN, source=b"a\0b"))
