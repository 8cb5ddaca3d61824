"""The trials of proposals whose experiments have not come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.sweep.study import Known

if TYPE_CHECKING:
    from collections.abc import Callable

    from pytest_autoloop.model import Brief, Experiment
    from pytest_autoloop.proposers.sweep.label import Label
    from pytest_autoloop.proposers.sweep.study import Asked, Trials


@dataclass(frozen=True, slots=True)
class Pending:
    """The trial of a proposal whose experiment has not come back."""

    label: Label
    trials: Trials
    asked: Asked
    #: Whether an earlier session began it.
    earlier: bool = False


class Flight:
    """Several trials at the same time, of one study or of several."""

    def __init__(self) -> None:
        self._pending: list[Pending] = []

    def add(self, pending: Pending) -> None:
        """Wait for an experiment."""
        self._pending.append(pending)

    def clear(self) -> None:
        """Wait for none any more."""
        self._pending.clear()

    def take(self, experiment: Experiment, *, earlier: bool = False) -> Pending | None:
        """Take the trial of an experiment from those that wait.

        Its number may be another one than it was to be, where several are under way: then its
        description and content tell it, or one of them. The same words may have been said of
        another point in the past: of an `earlier` experiment less is not enough.
        """

        def same(label: Label) -> tuple[bool, bool, bool]:
            return (
                label.number == experiment.number,
                label.description == experiment.description,
                experiment.fingerprint in label.fingerprints,
            )

        found = [same(pending.label) for pending in self._pending]
        tests: list[Callable[[bool, bool, bool], bool]] = [
            lambda number, words, _: number and words,
            lambda _, words, content: words and content,
        ]
        if not earlier:
            tests += [lambda _, words, __: words, lambda number, _, __: number]
        for test in tests:
            for place, one in enumerate(found):
                if test(*one):
                    return self._pending.pop(place)
        return None

    def land(self, brief: Brief) -> None:
        """End trials that will not come back: of earlier sessions, and of the same experiment.

        One that was refused, as the brief remarks, is not asked for again.
        """
        kept = []
        for pending in self._pending:
            asked, trials = pending.asked, pending.trials
            if pending.earlier:
                trials.fail(asked)
            elif pending.label.number != brief.number:
                kept.append(pending)
            elif brief.remark:
                known = trials.known.get(trials.point(asked.values), Known(refused=True))
                trials.tell(asked, known)
            else:
                trials.fail(asked)
        self._pending = kept
