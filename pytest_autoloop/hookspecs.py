"""Hooks that a conftest.py or a plugin may implement to take part in a campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Executor

    from pytest_autoloop.model import Brief, Experiment, Json, Proposal


@pytest.hookspec(firstresult=True)
def pytest_autoloop_propose(config: pytest.Config, brief: Brief) -> Proposal | None:
    """Return the next candidate.

    The first implementation that returns a proposal wins; None leaves it to the configured
    proposer.
    """


@pytest.hookspec(firstresult=True)
def pytest_autoloop_check(config: pytest.Config, proposal: Proposal) -> str | None:
    """Veto a candidate before it runs by returning the reason."""


@pytest.hookspec(firstresult=True)
def pytest_autoloop_make_executor(config: pytest.Config) -> Executor | None:
    """Return a `concurrent.futures.Executor` whose workers judge candidates.

    They need this version of pytest-autoloop, and what the project needs. It is asked for again
    when the executor is lost, and shut down at the end. The first implementation that returns one
    wins; nobody is asked where `--autoloop-executor` names one.
    """


@pytest.hookspec
def pytest_autoloop_experiment_finished(config: pytest.Config, experiment: Experiment) -> None:
    """Act on a finished experiment; it is already in the journal."""


@pytest.hookspec
def pytest_autoloop_campaign_finished(config: pytest.Config, outcome: Mapping[str, Json]) -> None:
    """Act on the end of a session's campaign; `outcome` is what ``--autoloop-json`` prints."""
