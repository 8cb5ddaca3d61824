"""The seam between the loop and whoever suggests candidates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable
    from contextlib import AbstractContextManager
    from pathlib import Path

    from pytest_autoloop.model import Brief, Experiment, Lessons, Proposal, Target


@dataclass(frozen=True, slots=True)
class Found:
    """What somebody left in a checkout."""

    #: The target's content; None when it is gone or no regular file.
    content: bytes | None
    #: POSIX paths of all other files that were changed, added or removed.
    elsewhere: tuple[str, ...] = ()


class Checkout(Protocol):
    """A checkout of the project that a proposer may change; all of it is put back afterwards."""

    @property
    def path(self) -> Path:
        """Its root directory."""

    def found(self) -> Found:
        """Return what is there now."""


class Workbench(Protocol):
    """What the loop lends a proposer for a whole campaign."""

    @property
    def root(self) -> Path:
        """Root of the user's checkout, to be read only."""

    @property
    def records(self) -> Path:
        """Directory of the campaign's records, ``.pytest_autoloop/<tag>``."""

    def checkout(self, source: bytes) -> AbstractContextManager[Checkout]:
        """Lend a private checkout with this content of the target, until the block ends."""


class Proposer(Protocol):
    """Suggests candidates, one at a time.

    A proposer only ever proposes text. It reports no number, picks no status and touches no
    commit. `ProposerBase` has all but `name` and `propose`.
    """

    #: Name that is written into the journal and the commit, for example ``openai:gpt-5``.
    name: str
    #: Whether it looks at `Brief.profile`, which costs a run of the benchmarks after each keep.
    uses_profile: bool
    #: Whether `propose` may be called while another call has not returned yet.
    parallel: bool

    def check(self, target: Target, source: bytes) -> None:
        """Refuse what cannot work, before anything is spent.

        Raises:
            UsageError: this target, a missing program or key, a server that cannot be reached.
        """

    def start(self, workbench: Workbench) -> None:
        """Take what is needed during the campaign; the baseline is green."""

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Hear what was tried before, once after `start`, in a campaign that goes on.

        They come oldest first, without diffs, pairs and output.
        """

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the next proposal, or None when there is nothing left to suggest.

        Raises:
            ProposerError: the proposer cannot answer (key, quota, network, refusal).
        """

    def review(self, brief: Brief) -> Lessons | None:
        """Look back at the experiments so far; None from those that do not.

        Raises:
            ProposerError: as for `propose`.
        """

    def observe(self, experiment: Experiment) -> None:
        """Learn what became of a proposal; proposers that do not learn do nothing."""

    def close(self) -> None:
        """Let go of connections and processes when the campaign ends."""


class ProposerBase:
    """What most proposers have in common: no conditions, no look back, nothing learned or held."""

    uses_profile = False
    parallel = False

    def check(self, target: Target, source: bytes) -> None:
        """Accept any target."""

    def start(self, workbench: Workbench) -> None:
        """Need nothing."""

    def resume(self, experiments: Iterable[Experiment]) -> None:
        """Learn nothing: the brief tells what was tried."""

    def review(self, brief: Brief) -> Lessons | None:  # noqa: ARG002 - for those that look back
        """Do not look back."""
        return None

    def observe(self, experiment: Experiment) -> None:
        """Learn nothing: the brief tells what became of a proposal."""

    def close(self) -> None:
        """Hold nothing open."""
