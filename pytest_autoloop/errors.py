"""The error tree.

AutoloopError
├── UsageError        the user's project or command line has to change (exit 4)
├── BaselineRed       the harness fails on the untouched target (exit 1)
├── RepositoryError   git refused something (exit 1)
├── JournalError      the record of a campaign cannot be read or written (exit 1)
├── ProposerError     a proposer could not answer: key, quota, network, refusal (exit 1)
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
    """A proposer could not produce a proposal, through no fault of a candidate."""


class EvaluationError(AutoloopError):
    """A child process could not be started or spoken to."""
