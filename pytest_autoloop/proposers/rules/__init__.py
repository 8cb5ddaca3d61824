"""Suggests well-known source rewrites, offline: one rule at one place per proposal.

This package imports libcst, an optional dependency: import it only when the rules were asked for.
"""

from __future__ import annotations

from pytest_autoloop.proposers.rules.proposer import RulesProposer

__all__ = ["RulesProposer"]
