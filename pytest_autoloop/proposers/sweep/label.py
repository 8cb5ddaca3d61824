"""What the row of a trial is recognised by, in this session and in later ones."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Label:
    """What the row of a trial is recognised by."""

    #: Number that its experiment was to have.
    number: int
    description: str
    #: What the row has when the candidate was run as it was proposed.
    fingerprints: tuple[str, ...] = ()

    @classmethod
    def of(cls, written: object) -> Label | None:
        """Read what `written` gave; None when it is something else."""
        match written:
            case [int(number), str(description), *fingerprints]:
                return cls(number, description, tuple(map(str, fingerprints)))
        return None

    def written(self) -> list[int | str]:
        """Return it as JSON has it."""
        return [self.number, self.description, *self.fingerprints]
