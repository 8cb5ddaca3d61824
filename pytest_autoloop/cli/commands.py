"""The record of a campaign, as every command reads it."""

from __future__ import annotations

import difflib
import json
import math
import os
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_autoloop.applying import ends
from pytest_autoloop.audits import recorded_audit
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import Metric
from pytest_autoloop.shortening import SIMPLER, standing
from pytest_autoloop.text import LARGEST_LOG

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.model import Effect, Experiment, Json

#: Tags, or directories, that a message lists.
_LISTED = 10
#: Levels below a directory that are looked into, and large directories that hold no projects.
_DEEPEST = 4
_NOT_OURS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "build", "dist"})


@dataclass(frozen=True)  # without slots, which what is cached needs
class Record:
    """One campaign, as its journal tells it."""

    tag: str
    #: Names of the targets: a path, and a symbol of it behind two colons.
    targets: tuple[str, ...]
    #: Without what only the journal itself has to hold, such as diffs and pairs.
    experiments: tuple[Experiment, ...]
    #: The directory that holds the records.
    root: Path
    #: What holds for the whole campaign, as `Journal.read_header` returns it.
    header: dict[str, Json] = field(default_factory=dict)
    #: Where in the journal each experiment is, by number: offset and length in bytes.
    places: dict[int, tuple[int, int]] = field(default_factory=dict)

    @property
    def branch(self) -> str:
        """Short name of the branch that holds what was kept."""
        return f"autoexp/{self.tag}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the campaign may change."""
        return tuple(dict.fromkeys(name.partition("::")[0] for name in self.targets))

    @property
    def journal(self) -> Journal:
        """The campaign's journal."""
        return Journal(self.root, self.tag)

    @property
    def first(self) -> str:
        """Commit on which the branch begins."""
        return self._ends[0]

    @property
    def best(self) -> Experiment:
        """The experiment that the branch is at; a baseline when there is none."""
        commit = self._ends[1]
        made = [e for e in self.experiments if e.commit == commit]
        return next((e for e in made if e.status == "keep"), made[-1])

    @cached_property
    def _ends(self) -> tuple[str, str]:
        try:
            return ends(self.experiments)
        except IndexError:
            raise UsageError(
                f"{self.journal.path} holds no baseline, so nothing of campaign {self.tag} can be "
                "compared: restore the file from a copy"
            ) from None

    @property
    def keeps(self) -> list[Experiment]:
        """What the branch holds, oldest first: what was kept since it began."""
        began = max(
            (n for n, e in enumerate(self.experiments) if e.commit == self.first), default=0
        )
        return [e for e in self.experiments[began:] if e.status == "keep"]

    @cached_property
    def metrics(self) -> dict[str, tuple[Metric, ...]]:
        """The metrics by target, the one to improve first; those that the header tells of."""
        manifests = self.header.get("manifests")
        found: dict[str, tuple[Metric, ...]] = {}
        known = {one.name for one in fields(Metric)}
        for name, manifest in (manifests if isinstance(manifests, dict) else {}).items():
            listed = manifest.get("metrics") if isinstance(manifest, dict) else None
            documents: list[dict[str, Any]] = [
                {key: value for key, value in one.items() if key in known}
                for one in (listed if isinstance(listed, list) else [])
                if isinstance(one, dict) and one.get("direction") in {"lower", "higher"}
            ]
            found[name] = tuple(Metric(**one) for one in documents if "name" in one)
        return found

    def primary(self, experiment: Experiment) -> Metric:
        """Return the metric that an experiment was to improve."""
        of_target = self.metrics.get(experiment.target or self.targets[0], ())
        return next(iter(of_target), Metric(next(iter(experiment.metrics), "score"), "lower"))

    def claimed(self, target: str) -> float | None:
        """Return the log gain of a target's keeps together; None where nothing was kept for it.

        It is what they claimed when they were kept, which overstates a little: see `audited`.
        """
        own = [e for e in self.experiments if e.target in {target, ""}]
        began = max((n for n, e in enumerate(own) if e.status == "baseline"), default=len(own))
        rows = [Row.of(e) for e in own[began:]]
        return standing(rows).claimed if any(row.status == "keep" for row in rows) else None

    def audited(self, target: str) -> Effect | None:
        """Return the gain of the best over the first on fresh pairs, where it is recorded.

        The audit of another best than the present one tells nothing.

        Raises:
            JournalError: the header holds something else there.
        """
        kept = [e for e in self.keeps if e.target in {target, ""}]
        return recorded_audit(self.header, target, kept[-1].commit) if kept else None

    def experiment(self, number: int) -> Experiment:
        """Return all of one experiment.

        Raises:
            UsageError: there is none of that number.
            JournalError: its line cannot be read.
        """
        if number not in self.places:
            last = max(self.places)
            raise UsageError(
                f"campaign {self.tag} has no experiment {number}: its numbers go from "
                f"{min(self.places)} to {last}; pytest-autoloop history {self.tag} lists them"
            )
        return self.journal.at(*self.places[number])

    def repository(self) -> Repository:
        """Open the repository that the campaign was run in.

        Raises:
            UsageError: there is none.
        """
        return Repository.open(self.root)

    def check_commit(self, repository: Repository, commit: str) -> None:
        """Refuse to go on without one of the campaign's commits.

        Raises:
            UsageError: it is not in this repository.
        """
        if not commit or repository.resolve(commit) is None:
            raise UsageError(
                f"commit {commit[:10] or '(none)'} of campaign {self.tag} is not in "
                f"{repository.root}: fetch it (git fetch origin 'refs/autoloop/{self.tag}/*:"
                f"refs/autoloop/{self.tag}/*'), or import an archive with pytest-autoloop verify"
            )


def home(start: Path, tag: str | None = None) -> Path:
    """Return the directory at or above a given one that holds records of campaigns.

    A session may have been started above the root directory that its tests gave it: the only one
    below that has records, or those of `tag`, is meant where nothing else can be.

    Raises:
        UsageError: there is none, or there are several below.
    """
    above = next((d for d in (start, *start.parents) if campaigns(d)), None)
    if above is not None and (tag is None or tag in campaigns(above)):
        return above
    below = [d for d in _below(start) if tag is None or tag in campaigns(d)]
    if above is not None and len(below) != 1:
        return above
    if not below:
        named = "campaign" if tag is None else f"campaign {tag!r}"
        raise UsageError(
            f"no {named} in, above or below {start}: start one with pytest --autoloop N"
        )
    if len(below) > 1:
        listed = ", ".join(str(d.relative_to(start)) for d in below[:_LISTED])
        raise UsageError(
            f"no campaign at or above {start}, and several below: change to one of the "
            f"directories {listed}"
        )
    return below[0]


def _below(start: Path) -> list[Path]:
    """Return the directories below one, not too deep, that hold records of campaigns."""
    found = []
    for where, names, _ in os.walk(start):
        place = Path(where)
        if place != start and campaigns(place):
            found.append(place)
        deep = len(place.relative_to(start).parts) >= _DEEPEST
        names[:] = [] if deep else [n for n in sorted(names) if n[0] != "." and n not in _NOT_OURS]
    return found


def choose(start: Path, tag: str | None) -> Record:
    """Find a campaign as `home` does; without a tag, the newest one there.

    Raises:
        UsageError: there is no campaign, or none of that name.
        JournalError: its journal cannot be read.
    """
    root = home(start, tag)
    known = campaigns(root)
    if tag is not None and tag not in known:
        raise UsageError(f"no campaign {tag!r} in {root}{_meant(tag, known)}")
    return read(root, tag or _newest(root, known))


def read(root: Path, tag: str) -> Record:
    """Read the record of a campaign.

    Raises:
        UsageError: it holds no experiment.
        JournalError: it cannot be read.
    """
    journal = Journal(root, tag)
    header = journal.read_header() or {}
    experiments, places = [], {}
    for line in journal.scan(lean=True):
        experiments.append(line.experiment)
        places[line.experiment.number] = (line.offset, line.length)
    if not experiments:
        raise UsageError(
            f"{journal.path} holds no experiment yet: wait for the baseline, or start the campaign "
            f"again with pytest --autoloop N --autoloop-tag {tag}"
        )
    return Record(tag, _targets(header), tuple(experiments), root, header, places)


def _newest(root: Path, tags: Sequence[str]) -> str:
    """Return the campaign that was written to last, of those that have begun if any has."""
    times = {}
    for tag in tags:
        journal = Journal(root, tag)
        begun = journal.path.is_file()
        file = journal.path if begun else journal.header_path
        times[tag] = (begun and file.stat().st_size > 0, file.stat().st_mtime_ns)
    return max(times, key=times.__getitem__)


def _meant(tag: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(tag, known, n=1)
    listed = ", ".join(known[:_LISTED]) + (" …" if len(known) > _LISTED else "")
    return f": did you mean {near[0]}? There are: {listed}" if near else f"; there are: {listed}"


def _targets(header: dict[str, Json]) -> tuple[str, ...]:
    """Return the names of a campaign's targets; there was but one of them once."""
    named = header.get("targets")
    if isinstance(named, list):
        return tuple(map(str, named))
    return (str(header.get("target", "")),)


def is_simpler(experiment: Experiment) -> bool:
    """Say whether an experiment was kept for being shorter, not for a gain."""
    return experiment.reason == SIMPLER


def effect_document(effect: Effect | None) -> dict[str, Json] | None:
    """Return an effect as factors, as `experiment_document` does: 1.25 is 25% better.

    A bound that is not known is null.
    """
    if effect is None:
        return None
    bounds = {"gain": effect.log_gain, "low": effect.low, "high": effect.high}
    return {name: factor(value) for name, value in bounds.items()}


def gains_document(record: Record) -> dict[str, Json]:
    """Return the gain over the baseline by target: what keeps claimed, and what an audit found."""
    found: dict[str, Json] = {}
    for target in record.targets:
        claimed = record.claimed(target)
        found[target] = {
            "claimed": None if claimed is None else factor(claimed),
            "audited": effect_document(record.audited(target)),
        }
    return found


def factor(log_gain: float) -> float | None:
    """Return a log gain as a factor; None for one that no float can hold."""
    return math.exp(log_gain) if abs(log_gain) <= LARGEST_LOG else None


def print_json(value: Json | Sequence[Json]) -> None:
    """Print strict JSON."""
    print(json.dumps(value, indent=2, allow_nan=False))
