"""Replays a queue of files, patches, commits or branches, as they are or stacked."""

from __future__ import annotations

from pytest_autoloop.proposers.replay.proposer import ReplayProposer, from_spec

__all__ = ["ReplayProposer", "from_spec"]
