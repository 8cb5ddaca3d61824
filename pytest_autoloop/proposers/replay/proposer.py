"""Proposes each item of a queue once, as it is or merged onto what has been kept."""

from __future__ import annotations

import random
from collections import Counter, deque
from typing import TYPE_CHECKING

from pytest_autoloop import text
from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.history.merging import merged
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.handed import Handed, known_as
from pytest_autoloop.proposers.replay.files import file_candidates, files_of, later
from pytest_autoloop.proposers.replay.revisions import git_candidates, items_of
from pytest_autoloop.proposers.replay.tried import digest, untried

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from pytest_autoloop.model import Brief, Experiment, Target
    from pytest_autoloop.proposers.base import Workbench
    from pytest_autoloop.proposers.replay.candidates import Candidate

_GIT = "git:"
_SHUFFLED = "shuffled"
#: Files beside the target that a row names.
_NAMED = 20
#: What was handed out, among the campaign's records, and its one key.
_FILE = "replay.jsonl"
_ITEM = "item"


def from_spec(
    argument: str, invocation_dir: Path, *, order: str = "listed", stack: bool = False
) -> ReplayProposer:
    """Build the proposer of ``replay:ARGUMENT``: a folder, a file, or ``git:LIST``.

    `order` is ``listed``, ``shuffled`` or ``shuffled:SEED``; without a seed it is 0. With `stack`
    each change is merged onto what has been kept. Relative paths start at `invocation_dir`.

    Raises:
        UsageError: the argument is empty or malformed, the folder is missing or empty.
    """
    if not argument.strip():
        raise UsageError(
            "the proposer 'replay:' names no queue: write replay:FOLDER for a folder of files or "
            "patches, or replay:git:LIST for commits and branches, such as replay:git:'idea/*'"
        )
    kind, _, seed = order.partition(":")
    proposer = ReplayProposer(
        argument,
        invocation_dir,
        seed=int(seed or 0) if kind == _SHUFFLED else None,
        stack=stack,
    )
    # What needs no target is refused before any test is collected.
    if argument.startswith(_GIT):
        items_of(argument.removeprefix(_GIT))
    else:
        files_of(invocation_dir / argument)
    return proposer


class ReplayProposer(ProposerBase):
    """Proposes each candidate of a queue once; `check` fills the queue, later it only shrinks.

    `seed` shuffles the queue, None leaves it in its order. In a campaign that goes on, the items
    that have a row are left out, whatever was added to the queue or taken from it since.
    """

    name = "replay"

    def __init__(
        self, argument: str, invocation_dir: Path, *, seed: int | None = None, stack: bool = False
    ) -> None:
        self._argument = argument
        self._directory = invocation_dir
        self._seed = seed
        self._stack = stack
        #: By target: where there are several, each has what changes it.
        self._queues: dict[str, deque[Candidate]] = {}
        self._file: Handed | None = None
        #: Digests of what earlier sessions handed out.
        self._handed: frozenset[str] = frozenset()
        #: Descriptions of what has no row yet, of what this session handed out.
        self._out: Counter[str] = Counter()
        #: Numbers of the experiments that were heard of.
        self._told: set[int] = set()

    def check(self, target: Target, source: bytes) -> None:
        """Read the whole queue: files and git may change afterwards.

        `source` is the campaign's first version of the target, which files and patches start from.

        Raises:
            UsageError: there is nothing to replay, or something named does not exist.
            RepositoryError: git refused.
        """
        if self._argument.startswith(_GIT):
            items = items_of(self._argument.removeprefix(_GIT))
            repository = Repository.open(self._directory)
            found = git_candidates(repository, items, target.path)
        else:
            found = self._read_files(target.path, source)
        if self._seed is not None:
            random.Random(self._seed).shuffle(found)  # noqa: S311 - an order, no secret
        self._queues[target.name] = deque(found)

    def start(self, workbench: Workbench) -> None:
        """Read what earlier sessions handed out.

        Raises:
            ProposerError: that cannot be read.
        """
        self._file = Handed(workbench.records / _FILE)
        self._handed = frozenset(str(entry.get(_ITEM)) for entry in self._file.read())

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Leave out what was tried; what was handed out and has no row is tried once more."""
        rows = [row for row in experiments if self._is_news(row)]
        for name, queue in self._queues.items():
            own = [row for row in rows if row.target in {"", name}]
            self._queues[name] = deque(untried(queue, own, self._handed))

    def observe(self, experiment: Experiment) -> None:
        """Leave out what an earlier session handed out, and this one judged."""
        if self._out[experiment.description] and experiment.proposer == self.name:
            self._out[experiment.description] -= 1
            self._told.add(experiment.number)
        else:
            self.resume((experiment,))

    def _is_news(self, row: Experiment) -> bool:
        known = row.proposer != self.name or row.number in self._told
        self._told.add(row.number)
        return not known

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the next candidate, None after the last.

        Asked for a better answer it has none: each item of the queue has a row of its own.

        Raises:
            ProposerError: the temporary directory or the records cannot be used; the candidate
                stays queued.
        """
        queue = self._queues.get(brief.target.name)
        if brief.remark or not queue:
            return None
        candidate = queue[0]
        try:
            proposal = self._proposal(candidate, brief)
        except OSError as error:
            raise ProposerError(_no_room(candidate.origin, error)) from error
        if self._file is not None:
            self._file.add({_ITEM: digest(candidate)})
        queue.popleft()
        self._out[known_as(candidate.description)] += 1
        return proposal

    def _read_files(self, target: str, source: bytes) -> list[Candidate]:
        place = self._directory / self._argument
        try:
            return file_candidates(place, target, source)
        except OSError as error:
            raise UsageError(_no_room(place, error)) from error

    def _proposal(self, candidate: Candidate, brief: Brief) -> Proposal:
        description, target = candidate.description, brief.target.path
        if candidate.elsewhere:
            named, more = candidate.elsewhere[:_NAMED], candidate.elsewhere[_NAMED:]
            own = (Edit(target, candidate.content),) if candidate.content else ()
            edits = (*own, *(Edit(path, b"") for path in named))
            remarks = (f"changes {text.count(len(more), 'file')} more",) if more else ()
            return Proposal(description, edits, self.name, remarks=remarks)
        if self._stack:
            candidate = later(candidate, target, brief.source)
        content, fault = candidate.content, candidate.fault
        if self._stack and not fault:
            change = merged(candidate.base, content, brief.source, target)
            content = change.content
            if change.fault:
                advice = f"bring {candidate.origin} up to date with the best, or queue it earlier"
                fault = f"{change.fault}; {advice}"
        if fault:
            return Proposal(description, invalid=fault, proposer=self.name)
        return Proposal(description, (Edit(target, content),), self.name)


def _no_room(origin: object, error: OSError) -> str:
    return (
        f"cannot work on {origin} in the temporary directory: {error.strerror or error}; make room "
        "there, or name another one with TMPDIR"
    )
