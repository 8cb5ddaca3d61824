"""The designs that a model or an agent is shown in full, in bounded room."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.proposers.edits import DESCRIPTION_LIMIT, clean_text, decode
from pytest_autoloop.proposers.situation import fenced

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.model import Brief, Design

#: Characters of all sources together: about 8,000 tokens.
ARCHIVE_LIMIT = 32_000

_TITLE = """\
## Earlier versions that were kept
Each was the best in its time, and scored what stands beside its number. Combine what is good in \
them, or find what none of them does."""


def designs(brief: Brief) -> list[str]:
    """Return the section with the archive's designs, as a list that is empty without one.

    A design is shown whole or not at all: one that does not fit into what is left of the room is
    left out, and the next one is tried.
    """
    shown = [section for design in _fitting(brief) for section in _shown(design)]
    return ["\n\n".join([_TITLE, *shown])] if shown else []


def _fitting(brief: Brief) -> Iterator[Design]:
    room = ARCHIVE_LIMIT
    for design in brief.archive:
        if len(design.source) <= room:
            room -= len(design.source)
            yield design


def _shown(design: Design) -> Iterator[str]:
    try:
        source = decode(design.source)
    except UnicodeDecodeError:  # nothing to quote; an agent finds the number in git
        return
    scores = ", ".join(
        f"{reading.metric.name} {text.value(reading.value, reading.metric.unit)}"
        for reading in design.readings
    )
    description = clean_text(design.description, DESCRIPTION_LIMIT)
    yield f"### {design.number:04} {scores}\n{description}\n{fenced(source)}"
