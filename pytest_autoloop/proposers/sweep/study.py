"""What a sweep remembers: an Optuna study in a file, and what is known of each point."""

from __future__ import annotations

import hashlib
import json
import random
import warnings
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import ProposerError
from pytest_autoloop.proposers.sweep import space
from pytest_autoloop.proposers.sweep.grammar import Choice, Range
from pytest_autoloop.proposers.sweep.label import Label

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from optuna import Study
    from optuna.samplers import BaseSampler
    from optuna.storages import JournalStorage
    from optuna.trial import FrozenTrial, Trial

    from pytest_autoloop.proposers.sweep.grammar import Spec
    from pytest_autoloop.proposers.sweep.space import Point, Value

FILE = "sweep.log"
#: What Optuna raises for a file that it, or another version of it, did not write.
_DAMAGED = (OSError, ValueError, LookupError, TypeError, AttributeError, AssertionError)
SAMPLERS = ("tpe", "random", "grid")
#: Points that are drawn blindly before TPE has an opinion, the first one included.
_STARTUP = 8
_SPACE = "space"
_TOTAL = "total:"
#: Marks a trial that was refused before it ran, so that its point is not asked for again.
_REFUSED = "refused"
#: What the proposal of a trial is known by.
_LABEL = "proposal"


@dataclass(frozen=True, slots=True)
class Known:
    """What became of a point: measured, failed in the harness, or refused before it ran."""

    #: Log gain over the first commit; None when it was not measured.
    value: float | None = None
    #: Whether nothing was learned of it.
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A trial that waits for its result."""

    number: int
    values: dict[str, Value]


@dataclass(frozen=True, slots=True)
class Draw:
    """What a random choice depends on, beside what the study knows: so it can be repeated."""

    number: int
    #: Counted within one experiment.
    attempt: int


class Trials:
    """The trials of one target and one space, in the file of the campaign.

    Failed trials count as pruned: Optuna's TPE sorts those behind every measured one, so it
    learns to avoid the region without a value that nobody measured.
    """

    def __init__(
        self, study: Study, specs: Mapping[str, Spec], sampler: str, seed: int | None
    ) -> None:
        self.specs = dict(specs)
        self.known: dict[Point, Known] = {}
        #: Points of trials that have no result yet, by their numbers.
        self.flying: dict[int, Point] = {}
        #: Those of them that an earlier session began.
        self.waiting: list[tuple[Label, Asked]] = []
        self.totals: dict[str, float] = {}
        self._study = study
        self._sampler, self._seed = sampler, seed
        if seed is None:
            study.sampler = _sampler(sampler, None)
        self._running: dict[int, Trial] = {}
        self._distributions = {name: space.distribution(spec) for name, spec in specs.items()}
        self._recall()

    @classmethod
    def open(
        cls, records: Path, target: str, specs: Mapping[str, Spec], sampler: str, seed: int | None
    ) -> Trials:
        """Go on with the study of a target, or begin one.

        A study whose knobs were others keeps its name; the new one's has a digest behind it.

        Raises:
            ProposerError: the file cannot be read or written.
        """
        path = records / FILE
        try:
            with quiet():
                study = _load(path, target, _described(specs))
                return cls(study, specs, sampler, seed)
        except _DAMAGED as error:
            message = (
                f"the sweep cannot use its study {path}: {error or type(error).__name__}; "
                "move the file away to begin a new study"
            )
            raise ProposerError(message) from error

    def point(self, values: Mapping[str, Value]) -> Point:
        """Return the texts of some values, in the order of the names."""
        return tuple(space.text_of(self.specs[name], values[name]) for name in sorted(self.specs))

    def is_taken(self, point: Point) -> bool:
        """Tell whether a point is known, or will be."""
        return point in self.known or point in self.flying.values()

    def taken(self) -> int:
        """Count the points that are known or will be."""
        return len(self.known.keys() | set(self.flying.values()))

    def ask(self, draw: Draw, values: Mapping[str, Value] | None = None) -> Asked:
        """Begin a trial: of these values, or of ones that the sampler likes."""
        with quiet():
            if values is not None:
                self._study.enqueue_trial(dict(values))
            elif self._seed is not None:
                # A sampler that goes on would draw otherwise than one that begins with a session.
                text = f"{self._seed} {draw.number} {draw.attempt}"
                seed = random.Random(text).getrandbits(32)  # noqa: S311 - no secret
                self._study.sampler = _sampler(self._sampler, seed)
            trial = self._study.ask(self._distributions)
            self._running[trial.number] = trial
            asked = Asked(trial.number, dict(trial.params))
            self.flying[asked.number] = self.point(asked.values)
            return asked

    def label(self, asked: Asked, label: Label) -> None:
        """Write down what the row of a trial will be recognised by."""
        with quiet():
            self._running[asked.number].set_user_attr(_LABEL, label.written())

    def tell(self, asked: Asked, known: Known) -> None:
        """End a trial, and remember what became of its point."""
        from optuna.trial import TrialState  # noqa: PLC0415 - takes half a second

        self.known[self.point(asked.values)] = known
        self.flying.pop(asked.number, None)
        with quiet():
            if known.refused:
                self._refuse(asked)
                self._study.tell(asked.number, state=TrialState.FAIL)
            elif known.value is None:
                self._study.tell(asked.number, state=TrialState.PRUNED)
            else:
                self._study.tell(asked.number, known.value)

    def fail(self, asked: Asked) -> None:
        """End a trial of which nobody knows what became; its point may be asked for again."""
        from optuna.trial import TrialState  # noqa: PLC0415 - takes half a second

        self.flying.pop(asked.number, None)
        with quiet():
            self._study.tell(asked.number, state=TrialState.FAIL)

    def _refuse(self, asked: Asked) -> None:
        from optuna.trial import TrialState, create_trial  # noqa: PLC0415 - takes half a second

        if asked.number in self._running:
            self._running[asked.number].set_user_attr(_REFUSED, value=True)
            return
        # Optuna marks no trial that another session began: the mark gets one of its own.
        refused = create_trial(
            state=TrialState.FAIL,
            params=asked.values,
            distributions=self._distributions,
            user_attrs={_REFUSED: True},
        )
        self._study.add_trial(refused)

    def add(self, values: Mapping[str, Value], value: float) -> None:
        """Remember a point that is known without a trial, such as the incumbent's."""
        from optuna.trial import create_trial  # noqa: PLC0415 - takes half a second

        self.known[self.point(values)] = Known(value)
        with quiet():
            trial = create_trial(
                params=dict(values), distributions=self._distributions, value=value
            )
            self._study.add_trial(trial)

    def remember(self, commit: str, total: float) -> None:
        """Remember how much better a commit is than the first one, as a log gain."""
        self.totals[commit] = total
        with quiet():
            self._study.set_user_attr(_TOTAL + commit, total)

    def _recall(self) -> None:
        """Read what the file knows; trials without a label are of no proposal."""
        from optuna.trial import TrialState  # noqa: PLC0415 - takes half a second

        for trial in self._study.get_trials(deepcopy=False):
            if trial.state == TrialState.WAITING:
                # It was to be begun; one that is not would be begun instead of the next one.
                self._study.tell(self._study.ask(), state=TrialState.FAIL)
                continue
            if trial.state == TrialState.RUNNING:
                self._await(trial)
                continue
            if trial.params.keys() != self.specs.keys():
                continue
            point = self.point(trial.params)
            if trial.state == TrialState.COMPLETE:
                self.known[point] = Known(trial.value)
            elif trial.state == TrialState.PRUNED:
                self.known[point] = Known()
            elif trial.user_attrs.get(_REFUSED):
                self.known.setdefault(point, Known(refused=True))
        for name, total in self._study.user_attrs.items():
            if name.startswith(_TOTAL):
                self.totals[name.removeprefix(_TOTAL)] = float(total)

    def _await(self, trial: FrozenTrial) -> None:
        """Wait for the result of a trial that an earlier session began."""
        from optuna.trial import TrialState  # noqa: PLC0415 - takes half a second

        label = Label.of(trial.user_attrs.get(_LABEL))
        if label is None or trial.params.keys() != self.specs.keys():
            self._study.tell(trial.number, state=TrialState.FAIL)
            return
        asked = Asked(trial.number, dict(trial.params))
        self.flying[asked.number] = self.point(asked.values)
        self.waiting.append((label, asked))


def stored(records: Path, target: str) -> dict[str, Spec]:
    """Return the knobs of the study that a campaign holds for a target; empty without one.

    Raises:
        ProposerError: the file cannot be read.
    """
    path = records / FILE
    if not path.is_file():
        return {}
    import optuna  # noqa: PLC0415 - takes half a second

    try:
        with quiet():
            storage = _storage(path)
            if target not in optuna.get_all_study_names(storage):
                return {}
            text = optuna.load_study(study_name=target, storage=storage).user_attrs.get(_SPACE)
        return _specs(text) if isinstance(text, str) else {}
    except _DAMAGED as error:
        message = (
            f"the sweep cannot read its study {path}: {error or type(error).__name__}; "
            "move the file away to begin a new study"
        )
        raise ProposerError(message) from error


@contextmanager
def quiet() -> Iterator[None]:
    """Keep Optuna from logging, and from warning of its own plans."""
    from optuna import logging  # noqa: PLC0415 - takes half a second

    before = logging.get_verbosity()
    logging.set_verbosity(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.set_verbosity(before)


def _load(path: Path, target: str, described: str) -> Study:
    import optuna  # noqa: PLC0415 - takes half a second

    path.parent.mkdir(parents=True, exist_ok=True)
    _mend(path)
    storage = _storage(path)
    name = target
    if target in optuna.get_all_study_names(storage):
        first = optuna.load_study(study_name=target, storage=storage)
        if first.user_attrs.get(_SPACE, described) != described:
            name = f"{target} {hashlib.sha256(described.encode()).hexdigest()[:8]}"
    study = optuna.create_study(
        study_name=name, storage=storage, direction="maximize", load_if_exists=True
    )
    if _SPACE not in study.user_attrs:
        study.set_user_attr(_SPACE, described)
    return study


def _storage(path: Path) -> JournalStorage:
    from optuna import storages  # noqa: PLC0415 - takes half a second
    from optuna.storages.journal import JournalFileBackend  # noqa: PLC0415 - as above

    return storages.JournalStorage(JournalFileBackend(str(path)))


def _sampler(name: str, seed: int | None) -> BaseSampler:
    from optuna import samplers  # noqa: PLC0415 - takes half a second

    if name == "tpe":
        return samplers.TPESampler(n_startup_trials=_STARTUP, seed=seed)
    # A grid is walked by its own order; its sampler is never asked.
    return samplers.RandomSampler(seed=seed)


def _mend(path: Path) -> None:
    """Take away the half line that a killed process left at the end; Optuna reads no further."""
    if not path.is_file():
        return
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if whole != content:
        path.write_bytes(whole)


def _described(specs: Mapping[str, Spec]) -> str:
    return json.dumps({name: asdict(spec) for name, spec in sorted(specs.items())})


def _specs(described: str) -> dict[str, Spec]:
    found: dict[str, Spec] = {}
    for name, fields in json.loads(described).items():
        found[name] = Choice(tuple(fields["texts"])) if "texts" in fields else Range(**fields)
    return found
