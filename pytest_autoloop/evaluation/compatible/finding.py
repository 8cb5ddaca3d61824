"""What a check found: a kind that is the same in every run, and words for people."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """One trace of tampering, unless the untouched target leaves it too."""

    #: The same in each run that shows it: what the untouched target shows is known by this.
    kind: str
    what: str
