"""Colours of the chart: told apart in print and by those who see fewer of them, too."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Theme:
    """One set of colours."""

    paper: str
    ink: str
    #: Second in rank: axes, notes, names of axes.
    faint: str
    grid: str
    discard: str
    keep: str
    #: The line of the best, and what is written on it.
    best: str
    explore: str
    crash: str
    timeout: str
    audit: str


LIGHT = Theme(
    paper="#ffffff",
    ink="#1f2328",
    faint="#59636e",
    grid="#e8ebef",
    discard="#a3acb6",
    keep="#2da44e",
    best="#116329",
    explore="#8250df",
    crash="#cf222e",
    timeout="#bc6c00",
    audit="#0969da",
)
DARK = Theme(
    paper="#0d1117",
    ink="#e6edf3",
    faint="#9198a1",
    grid="#21262d",
    discard="#7d8590",
    keep="#3fb950",
    best="#7ee787",
    explore="#a371f7",
    crash="#ff6a62",
    timeout="#e3a341",
    audit="#58a6ff",
)
