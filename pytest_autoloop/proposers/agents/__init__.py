"""Coding agents as proposers: command lines that edit the target in a checkout of the project."""

from __future__ import annotations

from pytest_autoloop.proposers.agents.presets import AGENTS, Preset
from pytest_autoloop.proposers.agents.proposer import AgentProposer
from pytest_autoloop.proposers.agents.specification import from_spec

__all__ = ["AGENTS", "AgentProposer", "Preset", "from_spec"]
