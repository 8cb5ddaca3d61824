"""Proposes other values for the knobs of the target, and learns from what became of them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.evaluation.screen import fingerprint
from pytest_autoloop.harness.symbols import locate
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.handed import known_as
from pytest_autoloop.proposers.sweep import knobs as knobs_of
from pytest_autoloop.proposers.sweep import space
from pytest_autoloop.proposers.sweep.flight import Flight, Pending
from pytest_autoloop.proposers.sweep.label import Label
from pytest_autoloop.proposers.sweep.study import SAMPLERS, Asked, Draw, Known, Trials, stored

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.model import Brief, Experiment, Target
    from pytest_autoloop.proposers.base import Workbench
    from pytest_autoloop.proposers.sweep.knobs import Knob
    from pytest_autoloop.proposers.sweep.space import Value

#: Up to here a finite space is walked from the present values outwards, with no model of it.
_SMALL = 12
#: Most points that are listed, so that one of them can be chosen.
_LISTED = 10_000
#: How often a sampler may answer with a point that is known.
_PATIENCE = 100
#: Log gains beyond it are told as it: the samplers want finite numbers.
_LARGEST_LOG = 700.0


class SweepProposer(ProposerBase):
    """Searches the values of marked knobs, or of plain constants.

    Args:
        constants: whether plain numbers are knobs too.
        sampler: who chooses the values: "tpe", "random" or "grid".
        seed: what draws start from; None draws anew each time.

    """

    name = "sweep"

    def __init__(
        self, *, constants: bool = False, sampler: str = "tpe", seed: int | None = None
    ) -> None:
        self._constants = constants
        self._sampler = sampler
        self._seed = seed
        self._records: Path | None = None
        #: By path.
        self._checked: dict[str, tuple[Knob, ...]] = {}
        #: The studies that were opened, by path and knobs, and the one that was used last.
        self._opened: dict[tuple[str, str], Trials] = {}
        self._trials: Trials | None = None
        self._path = ""
        self._flight = Flight()
        #: What was drawn for the experiment that a proposal was last asked for.
        self._draws = 0
        #: Log gains of commits over the first one, and the best commit of each target so far.
        self._totals: dict[str, float] = {}
        self._best: dict[str, str] = {}

    def check(self, target: Target, source: bytes) -> None:
        """Find the knobs.

        Raises:
            UsageError: there are none, one is malformed, or a grid would have too many points.
        """
        found = self._find(target, source)
        if not found:
            constants = (
                "no UPPER_CASE = 1 of Python or key = 1 of other files is there to try either"
                if self._constants
                else "choose sweep:constants to try its plain numbers"
            )
            message = (
                f"the proposer 'sweep' finds no knobs in {target.path}: write a comment behind "
                f"each value to try, as in {knobs_of.example(target.path)!r}; {constants}"
            )
            raise UsageError(message)
        points = math.prod(space.grid_size(knob.spec) for knob in found)
        if self._sampler == "grid" and points > _LISTED:
            message = (
                f"a grid over the {len(found)} knobs of {target.path} has {points:,} points, more "
                f"than {_LISTED:,}: write wider steps or fewer knobs, or choose the sampler tpe"
            )
            raise UsageError(message)
        self._checked[target.path] = found

    def _find(self, target: Target, source: bytes) -> tuple[Knob, ...]:
        """Return the knobs in the part of the target that may change."""
        found = knobs_of.find(target.path, source, constants=self._constants)
        if not target.symbol:
            return found
        part = locate(source, target.symbol, target.path)
        return tuple(knob for knob in found if part.first <= knob.line <= part.last)

    def start(self, workbench: Workbench) -> None:
        """Open the study in the records of the campaign, or go on with it.

        Raises:
            ProposerError: its file cannot be used.
        """
        self._records = workbench.records
        for path, found in self._checked.items():
            self._prepare(path, found)

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Tell the study what it has not been told: a session may end in between."""
        for experiment in experiments:
            self._learn(experiment, earlier=True)

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the target with other values in its knobs, None when all were tried.

        Raises:
            ProposerError: the knobs of the incumbent, or the study, cannot be read.
        """
        self._draws = self._draws if brief.remark else 0
        self._flight.land(brief)
        path = brief.target.path
        try:
            found = self._find(brief.target, brief.source)
        except UsageError as error:
            message = f"the sweep can no longer read the knobs of the incumbent: {error}"
            raise ProposerError(message) from error
        if not found:
            return None
        trials, knobs = self._prepare(path, found)
        present: dict[str, Value] = {knob.name: knob.value for knob in knobs}
        held = all(space.holds(knob.spec, knob.value) for knob in knobs)
        if held and trials.point(present) not in trials.known:
            trials.add(present, self._totals.get(brief.parent, 0.0))
        asked = self._next(trials, present, brief.number)
        if asked is None:
            return None
        texts = {knob.name: space.text_of(knob.spec, asked.values[knob.name]) for knob in knobs}
        content = knobs_of.write(brief.source, [(knob, texts[knob.name]) for knob in knobs])
        description = _described(knobs, texts)
        # Whether layout counts is the campaign's affair: either may be in the row.
        prints = (fingerprint(content, program=True), fingerprint(content, program=False))
        label = Label(brief.number, known_as(description), prints)
        trials.label(asked, label)
        self._flight.add(Pending(label, trials, asked))
        return Proposal(description, edits=(Edit(path, content),), proposer=self.name)

    def observe(self, experiment: Experiment) -> None:
        """Tell the study what became of its trial; of others, remember what they gained."""
        self._learn(experiment, earlier=False)

    def _learn(self, experiment: Experiment, *, earlier: bool) -> None:
        # A gain is one over the best at that time, whatever the candidate started from.
        best = self._best.get(experiment.target, experiment.parent)
        before = self._totals.get(best, 0.0)
        gain = _gain(experiment)
        if experiment.status in {"keep", "explore"} and experiment.commit:
            if experiment.commit not in self._totals:
                self._remember({experiment.commit: before + (gain or 0.0)})
            if experiment.status == "keep":
                self._best[experiment.target] = experiment.commit
        if experiment.proposer != self.name:
            return
        pending = self._flight.take(experiment, earlier=earlier)
        if pending is None:
            return
        asked, trials, prints = pending.asked, pending.trials, pending.label.fingerprints
        if experiment.reason in {"duplicate", "no-op"}:
            known = trials.known.get(trials.point(asked.values), Known(refused=True))
            trials.tell(asked, known)
        elif experiment.reason == "conflict" or experiment.fingerprint not in {"", *prints}:
            # It could not be merged onto a best that had moved, or what was run is another point.
            trials.fail(asked)
        elif gain is not None and _fair(experiment, gain):
            trials.tell(asked, Known(before + gain))
        else:
            trials.tell(asked, Known())

    def close(self) -> None:
        """Leave the trials that wait to the next session, which may judge their candidates."""
        self._flight.clear()
        self._opened.clear()
        self._trials = None

    def _prepare(self, path: str, found: Sequence[Knob]) -> tuple[Trials, list[Knob]]:
        """Return the study for some knobs, and the knobs as the study knows them."""
        assert self._records is not None, "a proposer is started before it is asked"
        knobs = list(found)
        if self._constants:
            same = self._trials is not None and self._path == path
            specs = self._trials.specs if self._trials and same else stored(self._records, path)
            knobs = [
                knobs_of.adopted(knob, specs[knob.name]) if knob.name in specs else knob
                for knob in found
            ]
        wanted = {knob.name: knob.spec for knob in knobs}
        key = (path, repr(sorted(wanted.items())))
        if key not in self._opened:
            opened = Trials.open(self._records, path, wanted, self._sampler, self._seed)
            self._opened[key] = opened
            for label, asked in opened.waiting:
                self._flight.add(Pending(label, opened, asked, earlier=True))
        trials = self._opened[key]
        if self._trials is not trials:
            self._trials, self._path = trials, path
            known = self._totals
            self._totals = {**known, **trials.totals}
            self._remember({one: known[one] for one in known.keys() - trials.totals.keys()})
        return trials, knobs

    def _remember(self, totals: Mapping[str, float]) -> None:
        self._totals.update(totals)
        if self._trials is not None:
            for commit, total in totals.items():
                self._trials.remember(commit, total)

    def _next(self, trials: Trials, present: Mapping[str, Value], number: int) -> Asked | None:
        """Begin a trial of a point that is not known; None when there is none."""
        specs = trials.specs
        size = space.total(list(specs.values()))
        if self._sampler == "grid":
            grids = {name: space.grid(spec) for name, spec in specs.items()}
            return _nearest(trials, grids, present, number)
        if size is not None and size <= trials.taken():
            return None
        small = self._sampler == "tpe" and size is not None and size <= _SMALL
        if not small:
            for _ in range(_PATIENCE):
                point = trials.point
                flying = set(trials.flying.values())
                asked = trials.ask(Draw(number, self._draws))
                self._draws += 1
                known = trials.known.get(point(asked.values))
                if known is not None:
                    trials.tell(asked, known)
                elif point(asked.values) in flying:
                    trials.fail(asked)
                else:
                    return asked
        if size is None or size > _LISTED:
            return None
        # What a sampler keeps missing is found by looking at all there is.
        grids = {name: space.every(spec) for name, spec in specs.items()}
        return _nearest(trials, grids, present, number)


def from_spec(argument: str, *, sampler: str, seed: int | None) -> SweepProposer:
    """Build the proposer of `sweep` or `sweep:constants`.

    Raises:
        UsageError: another argument or sampler, or Optuna is not installed.
    """
    if argument not in {"", "constants"}:
        message = (
            f"the proposer 'sweep:{argument}' is unknown: write sweep for the values with a knob "
            "comment, or sweep:constants for plain numbers too"
        )
        raise UsageError(message)
    if sampler not in SAMPLERS:
        message = f"the sampler {sampler!r} is unknown: choose tpe, random or grid"
        raise UsageError(message)
    try:
        import optuna  # noqa: F401, PLC0415 - takes half a second, and may be missing
    except ImportError as error:
        message = (
            f"the proposer 'sweep' needs Optuna ({error}): pip install 'pytest-autoloop[sweep]', "
            "or choose another with --autoloop-proposer"
        )
        raise UsageError(message) from error
    return SweepProposer(constants=argument == "constants", sampler=sampler, seed=seed)


def _nearest(
    trials: Trials,
    grids: Mapping[str, Sequence[Value]],
    present: Mapping[str, Value],
    number: int,
) -> Asked | None:
    """Begin a trial of the unknown point that is nearest to the present one."""
    unknown: Iterable[dict[str, Value]] = (
        point for point in space.points(grids) if not trials.is_taken(trials.point(point))
    )
    nearest = min(unknown, key=lambda point: space.distance(grids, point, present), default=None)
    return None if nearest is None else trials.ask(Draw(number, 0), nearest)


def _gain(experiment: Experiment) -> float | None:
    """Return the measured log gain over the parent, None when there is none."""
    if experiment.effect is None or math.isnan(experiment.effect.log_gain):
        return None
    return min(max(experiment.effect.log_gain, -_LARGEST_LOG), _LARGEST_LOG)


def _fair(experiment: Experiment, gain: float) -> bool:
    """Tell whether a gain may be told as the point's value.

    A candidate that was refused although it gained, for another benchmark that lost or a gain
    that was not real, would draw the search to itself.
    """
    accepted = experiment.status in {"keep", "explore"} or experiment.reason == "no-gain"
    return accepted or (experiment.status == "discard" and gain <= 0)


def _described(knobs: Sequence[Knob], texts: Mapping[str, str]) -> str:
    """Write what changes, such as `block_size 8 → 32, alpha 0.1 → 0.031`."""
    changes = []
    for knob in knobs:
        new = texts[knob.name]
        if new != knob.text:
            short = _short(knob.text), _short(new)
            old, new = short if short[0] != short[1] else (knob.text, new)
            changes.append(f"{knob.name} {old} → {new}")
    return ", ".join(changes)


def _short(text: str) -> str:
    try:
        return text if text.lstrip("+-").isdigit() else f"{float(text):.4g}"
    except ValueError:
        return text
