"""Tells pytest-autoloop what may change."""

import pytest_autoloop as autoloop


@autoloop.target
def target():
    """Make `report` faster. Its signature and results must not change."""
    return "report.py"
