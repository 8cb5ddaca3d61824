"""The little of an experiment that searching and counting need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.model import Experiment, Status


@dataclass(frozen=True, slots=True)
class Row:
    """What searching and counting need of an experiment: little, so that thousands are nothing."""

    number: int
    status: Status
    reason: str
    commit: str
    parent: str
    #: Of its effect against the best at that time; None when it was not measured.
    log_gain: float | None
    #: How the search came to its parent.
    search: str
    target: str

    @classmethod
    def of(cls, experiment: Experiment) -> Row:
        """Return what is needed of an experiment."""
        return cls(
            experiment.number,
            experiment.status,
            experiment.reason,
            experiment.commit,
            experiment.parent,
            None if experiment.effect is None else experiment.effect.log_gain,
            experiment.search,
            experiment.target,
        )
