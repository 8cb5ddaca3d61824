"""Tells pytest-autoloop what may change."""

import pytest_autoloop as autoloop


@autoloop.target
def target():
    """Make `fib` faster. Its signature, results and errors must not change."""
    return "fib.py"
