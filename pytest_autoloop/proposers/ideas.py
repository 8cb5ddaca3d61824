"""Groups ideas that failed by what they were about, so that a dead end is told once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.edits import clean_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Outcome

#: Only so many experiments are looked at, the latest.
_LOOKED_AT = 300
#: Share of words that two descriptions of one idea have in common.
_ALIKE = 0.5
_DESCRIPTION_LIMIT = 120
_SHORT_LIMIT = 40
_WORD = re.compile(r"\d+|\w+")
_FILLERS = frozenset(
    "a an and as at by for from in into is it its of off on or out over so than that the then this "
    "to up use used uses using via when with".split()
)


@dataclass(slots=True)
class _Group:
    words: frozenset[str]
    latest: Outcome
    reasons: Counter[str] = field(default_factory=Counter)

    @property
    def tries(self) -> int:
        return self.reasons.total()


def failed_ideas(outcomes: Sequence[Outcome], limit: int) -> str:
    """Return a line per group of alike descriptions, at most `limit` characters in all.

    Ideas that were tried most often come first, then the latest.
    """
    groups: list[_Group] = []
    for outcome in outcomes[-_LOOKED_AT:]:
        words = _words(outcome.description)
        group = next((one for one in groups if _likeness(one.words, words) >= _ALIKE), None)
        if group is None:
            group = _Group(words, outcome)
            groups.append(group)
        group.latest = outcome
        group.reasons[outcome.reason or outcome.status] += 1
    lines: list[str] = []
    room = limit
    for group in sorted(groups, key=lambda one: (-one.tries, -one.latest.number)):
        # The last line is cut to what is left, so that a full list is always equally long.
        line = _line(group)
        line = line if len(line) <= room else f"{line[: room - 1]}…"
        lines.append(line)
        room -= len(line) + 1
        if room <= 0:
            break
    return "\n".join(lines)


def _line(group: _Group) -> str:
    reasons = ", ".join(
        f"{'' if count == group.tries else f'{count:3} '}{clean_text(reason, _SHORT_LIMIT)}"
        for reason, count in group.reasons.most_common()
    )
    times = f"{group.tries:3} times: " if group.tries > 1 else ""
    told = clean_text(group.latest.description, _DESCRIPTION_LIMIT)
    effect = clean_text(group.latest.effect, _SHORT_LIMIT)
    return f"- {told} ({times}{reasons}{' ' if effect else ''}{effect})"


def _words(description: str) -> frozenset[str]:
    """Return what a description is about: its words without fillers, every number the same."""
    found = _WORD.findall(description.lower())
    return frozenset("#" if word.isdigit() else word for word in found if word not in _FILLERS)


def _likeness(a: frozenset[str], b: frozenset[str]) -> float:
    union = a | b
    return len(a & b) / len(union) if union else 0.0
