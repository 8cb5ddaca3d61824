"""The proposer that searches the values of knobs with Optuna."""

from __future__ import annotations

from pytest_autoloop.proposers.sweep.proposer import SweepProposer, from_spec

__all__ = ["SweepProposer", "from_spec"]
