"""The error tree.

AutoloopError
├── UsageError        the user's project or command line has to change (exit 4)
├── BaselineRed       the harness fails on the untouched target (exit 1)
├── RepositoryError   git refused something (exit 1)
├── JournalError      the record of a campaign cannot be read or written (exit 1)
├── ProposerError     a proposer could not answer (exit 1 after three in a row)
│   ├── AuthenticationError   the key is missing, wrong or not allowed to
│   ├── QuotaError            the account's quota is used up
│   ├── RateLimitError        too many requests, also after waiting
│   ├── UnreachableError      no answer: network, time limit, a server's fault
│   ├── RefusalError          the model would not
│   ├── TruncatedReplyError   the reply ends at the model's output limit
│   ├── EmptyReplyError       nothing was said, or nothing changed
│   └── AgentError            an agent's command failed or took too long
├── MeasurementError  a ready-made metric found no number: the candidate's fault, unless the
│                     baseline has none either
├── GainMissed        the audited gain is below --autoloop-fail-under (exit 1)
└── EvaluationError   the child machinery itself failed, not the candidate (exit 1)

A fault of a *candidate* is never an exception that leaves the loop: it is an `Experiment` with a
status and a reason. Each message names the file, the value and the next step.
"""

from __future__ import annotations


class AutoloopError(Exception):
    """Base of everything this package raises on purpose."""


class UsageError(AutoloopError):
    """The project, its state or the command line must change before a campaign can start."""


class BaselineRed(AutoloopError):
    """The harness does not pass on the untouched target."""


class RepositoryError(AutoloopError):
    """A git command failed."""


class JournalError(AutoloopError):
    """The campaign's record cannot be read or written."""


class ProposerError(AutoloopError):
    """A proposer could not produce a proposal, through no fault of a candidate.

    Args:
        message: what happened, and what to do.
        tokens_used: tokens spent on it, None when unknown.
        cost_usd: dollars spent on it, None when unknown.

    """

    def __init__(
        self, message: str, *, tokens_used: int | None = None, cost_usd: float | None = None
    ) -> None:
        super().__init__(message)
        self.tokens_used = tokens_used
        self.cost_usd = cost_usd


class AuthenticationError(ProposerError):
    """The key is missing, wrong, or may not use the model."""


class QuotaError(ProposerError):
    """The account's quota or credit is used up."""


class RateLimitError(ProposerError):
    """The server limits the rate of requests, also after the client has waited."""


class UnreachableError(ProposerError):
    """The server cannot be reached, does not answer in time, or fails."""


class RefusalError(ProposerError):
    """The model refuses to answer."""


class TruncatedReplyError(ProposerError):
    """The reply ends at the model's output limit, so nothing of it is applied."""


class EmptyReplyError(ProposerError):
    """A reply without text, or an agent that changed nothing."""


class AgentError(ProposerError):
    """An agent's command failed, or was ended at its time limit."""


class MeasurementError(AutoloopError):
    """A ready-made metric found no number to return."""


class GainMissed(AutoloopError):
    """A campaign has won less than was asked for."""


class EvaluationError(AutoloopError):
    """A child process could not be started or spoken to."""
