"""Campaigns that are recorded without being run: real commits, refs and journals."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.repository import Repository
from pytest_autoloop.model import Effect, Experiment, GuardReport

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.model import Json
    from tests.projects import Project

#: What the header tells of the metric of `tests.projects.COUNTED`.
LETTERS: dict[str, Json] = {"name": "letters", "direction": "lower", "unit": "letters"}


@dataclass
class Made:
    """A campaign in the making."""

    project: Project
    tag: str
    target: str = "words.txt"
    header: Mapping[str, Json] = field(default_factory=dict)
    first: str = field(init=False)
    tip: str = field(init=False)
    number: int = field(init=False, default=0)

    def __post_init__(self) -> None:
        self.repository = Repository.open(self.project.root)
        self.first = self.tip = self.repository.head()
        self.journal = Journal.create(self.project.root, self.tag)
        manifest: dict[str, Json] = {"metrics": [LETTERS]}
        told: dict[str, Json] = {
            "target": self.target,
            "targets": [self.target],
            "commit": self.first,
            "manifests": {self.target: manifest},
            **self.header,
        }
        self.journal.write_header(told)
        self._add(blank(0, "baseline", self.first, metrics={"letters": 17.0}))
        self._set_branch()

    def keep(self, content: str, description: str = "", **fields: Any) -> str:
        """Keep a version that is 10% better; return its commit."""
        number = self.number + 1
        told = description or f"idea {number}"
        commit = self._commit(content, told)
        diff = self.repository.diff(self.tip, commit, self.target)
        fields = {"effect": Effect(0.0953, 0.09, 0.1), **fields}
        made = blank(number, "keep", commit, parent=self.tip, description=told, diff=diff)
        self._add(replace(made, metrics={"letters": 17.0 - number}, **fields))
        self.tip = commit
        self._set_branch()
        return commit

    def discard(self, content: str | None, description: str = "", **fields: Any) -> str:
        """Discard a version; one without content never became one."""
        number = self.number + 1
        told = description or f"idea {number}"
        commit = "" if content is None else self._commit(content, told)
        diff = self.repository.diff(self.tip, commit, self.target) if commit else ""
        guard = GuardReport(
            passed=False,
            reason="guard",
            test="test_words.py::test_it",
            message="assert 1 == 2",
            output="the output\nassert 1 == 2",
        )
        made = blank(number, "discard", commit, parent=self.tip, description=told, diff=diff)
        self._add(replace(made, **{"reason": "guard", "guard": guard, **fields}))
        return commit

    def _commit(self, content: str, description: str) -> str:
        number = self.number + 1
        message = f"{description}\n\nAutoloop-Experiment: {self.tag}/{number:03}\n"
        commit = self.repository.commit_file(self.tip, self.target, content.encode(), message)
        self.repository.set_ref(f"refs/autoloop/{self.tag}/{number:03}", commit)
        return commit

    def _add(self, experiment: Experiment) -> None:
        self.journal.append(experiment)
        self.number = experiment.number

    def _set_branch(self) -> None:
        self.repository.set_ref(f"refs/heads/autoexp/{self.tag}", self.tip)


def blank(number: int, status: Any, commit: str, **fields: Any) -> Experiment:
    """Return an experiment of which little is known."""
    made = Experiment(
        number=number,
        status=status,
        reason="",
        description="baseline" if status == "baseline" else f"idea {number}",
        proposer="replay" if number else "",
        commit=commit,
        parent="",
        timestamp="2026-11-20T08:00:00+00:00",
        seconds=1.0,
        metrics={"letters": None},
        elapsed=10.0 * (number + 1),
    )
    return replace(made, **fields)
