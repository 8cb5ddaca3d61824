"""What travels between a campaign and its workers.

Everything is plain data that can be pickled. A task may run twice: workers commit nothing, and of
two replies to one question the campaign takes the first.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pytest_autoloop.errors import AutoloopError
    from pytest_autoloop.evaluation.runner import Project
    from pytest_autoloop.harness.specifications import TargetSpecification
    from pytest_autoloop.model import Metric, Target
    from pytest_autoloop.remote.bench import Bench
    from pytest_autoloop.remote.hosts import Host, Needs
    from pytest_autoloop.remote.learned import Learned
    from pytest_autoloop.settings import Settings


@dataclass(frozen=True, slots=True)
class Site:
    """What a worker needs to judge candidates of one target; paths in it are the campaign's."""

    #: Names it: equal for sites that are the same.
    key: str
    #: A git bundle whose one commit, without parents, has the tree that candidates are judged in;
    #: and that commit.
    bundle: bytes
    commit: str
    #: Files that git does not carry, by POSIX path below the repository, with their mode.
    files: Mapping[str, tuple[int, bytes]]
    settings: Settings
    project: Project
    target: Target
    options: TargetSpecification
    metrics: tuple[Metric, ...]
    #: As in `Workplace`.
    source: bytes
    original: bytes
    #: All targets of the campaign, by path.
    targets: tuple[str, ...]
    hidden: tuple[str, ...]
    hidden_nodes: frozenset[str]
    frozen: Mapping[str, bytes]
    untouched: Mapping[str, bytes]
    copied: Mapping[str, str]


class Question(Protocol):
    """What a worker is asked; a frozen dataclass of plain data."""

    def answer(self, bench: Bench) -> object:
        """Return what is asked for, as plain data.

        Raises:
            AutoloopError: it cannot be answered there.
        """


@dataclass(frozen=True, slots=True)
class Supplies:
    """What a worker is given that lacks it: as a rule once."""

    site: Site
    #: What was learned of the harness, by class of host.
    learned: Mapping[str, Learned] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Task:
    """One question to any worker."""

    #: Key of the site that it is about.
    site: str
    question: Question
    needs: Needs
    #: Different in each attempt, so that no engine takes one for another and answers from a cache.
    nonce: str
    supplies: Supplies | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What a worker answered; exactly one of the fields from `answer` on says what."""

    host: Host
    answer: object = None
    #: It does not know the site: ask again, with supplies.
    lacking: bool = False
    #: Why it may not take part, in words: another version, a layer of the sandbox that is missing.
    refusal: str = ""
    #: What was raised.
    error: AutoloopError | None = None
    #: The engine saw that so many workers ended while they had this task, and gave up.
    deaths: int = 0
    #: What it has just learned of the harness, if it had to.
    learned: Learned | None = None
    #: Seconds that it took.
    seconds: float = 0.0
