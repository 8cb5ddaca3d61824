"""The seam between the loop and whoever suggests candidates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pytest_autoloop.model import Brief, Experiment, Proposal


class Proposer(Protocol):
    """Suggests candidates, one at a time.

    A proposer only ever proposes text. It reports no number, picks no status and touches no
    commit.
    """

    #: Name that is written into the journal and the commit, for example ``openai:gpt-5``.
    name: str

    def propose(self, brief: Brief) -> Proposal | None:
        """Return the next proposal, or None when there is nothing left to suggest.

        Raises:
            ProposerError: the proposer cannot answer (key, quota, network, refusal).
        """

    def observe(self, experiment: Experiment) -> None:
        """Learn what became of the last proposal; proposers that do not learn do nothing."""

    def close(self) -> None:
        """Let go of connections and processes when the campaign ends."""
