"""Tells pytest-autoloop what may change, and what makes it better."""

from cache import lines_loaded

import pytest_autoloop as autoloop


@autoloop.target
def target():
    """Find the tiling that makes a small cache load the fewest lines."""
    return "tiling.ini"


@autoloop.metric(direction="lower", unit="lines")
def traffic(target):
    """Cache lines that are loaded while two matrices are multiplied."""
    return lines_loaded(target.read_text(encoding="utf-8"))
