"""What the screen can say about a file."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing a candidate does that its baseline does not, in a plain sentence."""

    line: int
    what: str


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was found: `hard` refuses a candidate, `soft` is shown with it and never decides."""

    hard: tuple[Finding, ...] = ()
    soft: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """Something a file does. A candidate may do it when the baseline has a fact of equal key."""

    key: tuple[str, ...]
    line: int
    what: str

    @property
    def finding(self) -> Finding:
        """What is shown of it."""
        return Finding(self.line, self.what)
