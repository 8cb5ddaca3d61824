"""What each subcommand prints."""

from __future__ import annotations

import json
import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.applying import ends
from pytest_autoloop.errors import UsageError
from pytest_autoloop.history.journal import Journal, campaigns
from pytest_autoloop.reporting.document import experiment_document
from pytest_autoloop.shortening import SIMPLER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.model import Experiment, Json


@dataclass(frozen=True, slots=True)
class Record:
    """One campaign, as its journal tells it."""

    tag: str
    #: Names of the targets: a path, and a symbol of it behind two colons.
    targets: tuple[str, ...]
    #: Without what only the journal itself has to hold, such as diffs and pairs.
    experiments: tuple[Experiment, ...]
    #: The directory that holds the records.
    root: Path

    @property
    def branch(self) -> str:
        """Short name of the branch that holds what was kept."""
        return f"autoexp/{self.tag}"

    @property
    def paths(self) -> tuple[str, ...]:
        """The files that the campaign may change."""
        return tuple(dict.fromkeys(name.partition("::")[0] for name in self.targets))

    @property
    def first(self) -> str:
        """Commit on which the branch begins."""
        return ends(self.experiments)[0]

    @property
    def best(self) -> Experiment:
        """The experiment that the branch is at; a baseline when there is none."""
        commit = ends(self.experiments)[1]
        made = [e for e in self.experiments if e.commit == commit]
        return next((e for e in made if e.status == "keep"), made[-1])


def choose(start: Path, tag: str | None) -> Record:
    """Find a campaign at or above a directory; without a tag, the newest one.

    Raises:
        UsageError: there is no campaign, or none of that name.
        JournalError: its journal cannot be read.
    """
    root = next((d for d in (start, *start.parents) if campaigns(d)), None)
    if root is None:
        message = f"no campaign at or above {start}: start one with pytest --autoloop N"
        raise UsageError(message)
    known = campaigns(root)
    if tag is not None and tag not in known:
        raise UsageError(f"no campaign {tag!r} in {root}; there are: {', '.join(known)}")
    journals = [Journal(root, name) for name in ([tag] if tag else known)]
    journal = max(journals, key=lambda journal: journal.path.stat().st_mtime_ns)
    experiments = tuple(line.experiment for line in journal.scan(lean=True))
    if not experiments:
        raise UsageError(f"{journal.path} holds no experiment yet")
    return Record(journal.path.parent.name, _targets(journal), experiments, root)


def _targets(journal: Journal) -> tuple[str, ...]:
    """Return the names of a campaign's targets; there was but one of them once."""
    header = journal.read_header() or {}
    named = header.get("targets")
    if isinstance(named, list):
        return tuple(map(str, named))
    return (str(header.get("target", "")),)


def history(record: Record, *, as_json: bool) -> None:
    """List every experiment of a campaign."""
    if as_json:
        _print([experiment_document(experiment) for experiment in record.experiments])
        return
    for experiment in record.experiments:
        values = " ".join(
            f"{name}={value:.4g}" for name, value in experiment.metrics.items() if value is not None
        )
        reason = f" ({experiment.reason})" if experiment.reason else ""
        print(
            f"{experiment.number:03}  {experiment.commit[:10]:10}  "
            f"{experiment.status + reason:24}  {values:20}  {experiment.description}"
        )


def best(record: Record, *, as_json: bool) -> None:
    """Show the best version of the target, and how to get it."""
    experiment = record.best
    if as_json:
        _print(experiment_document(experiment))
        return
    if experiment.commit == record.first:
        print(f"campaign {record.tag}: nothing was kept")
        return
    gain = "" if experiment.effect is None else f", {text.gain(experiment.effect)} over its parent"
    if experiment.reason == SIMPLER:
        gain = ", which is simpler and as good"
    print(
        f"campaign {record.tag}, experiment {experiment.number:03}: {experiment.description}{gain}"
    )
    paths = " ".join(shlex.quote(f":/{path}") for path in record.paths)
    print(f"see it:  git diff {record.first[:10]} {record.branch} -- {paths}")
    print(f"take it: pytest-autoloop apply {record.tag} (or git merge {record.branch})")


def _print(value: Sequence[dict[str, Json]] | dict[str, Json]) -> None:
    print(json.dumps(value, indent=2))
