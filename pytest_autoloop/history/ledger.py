"""Where one campaign is remembered, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.history.lock import CampaignLock
    from pytest_autoloop.history.repository import Repository
    from pytest_autoloop.history.results import ResultsFile
    from pytest_autoloop.model import Experiment


@dataclass(frozen=True, slots=True)
class Ledger:
    """Commits, refs, journal, branch and table of one tag."""

    tag: str
    repository: Repository
    journal: Journal
    results: ResultsFile
    #: Held as long as the session runs; the system lets go of it when the process ends.
    lock: CampaignLock

    @property
    def branch(self) -> str:
        """Short name of the branch that keeps advance."""
        return f"autoexp/{self.tag}"

    def commit(self, experiment: Experiment, target: str, content: bytes) -> Experiment:
        """Commit a candidate before it runs, so that every try can be looked at again.

        Raises:
            RepositoryError: git refused.
        """
        message = (
            f"{experiment.description}\n\n"
            f"Autoloop-Experiment: {self.tag}/{experiment.number:03}\n"
            f"Autoloop-Parent: {experiment.parent}\n"
            f"Autoloop-Proposer: {experiment.proposer}\n"
        )
        commit = self.repository.commit_file(experiment.parent, target, content, message)
        # It must be new: a candidate's ref is never moved.
        ref = f"refs/autoloop/{self.tag}/{experiment.number:03}"
        self.repository.set_ref(ref, commit, expected_old="")
        diff = self.repository.diff(experiment.parent, commit, target)
        changed = [
            line
            for line in diff.splitlines()
            if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
        ]
        return replace(experiment, commit=commit, diff=diff, diff_lines=len(changed))

    def record(self, experiment: Experiment) -> None:
        """Remember a finished experiment: journal first, then the branch, then the table.

        Raises:
            JournalError: the journal or the table cannot be written.
            RepositoryError: the branch has been moved by somebody else.
        """
        self.journal.append(experiment)
        if experiment.status in {"keep", "baseline"}:
            self.repository.set_ref(
                f"refs/heads/{self.branch}", experiment.commit, expected_old=experiment.parent
            )
        self.results.append(experiment)
