"""Run optimization as a pytest session.

``import pytest_autoloop as autoloop`` in a conftest.py gives the decorators that describe a
project: `target`, the file that may change, `metric`, a number that says how good it is, and
`proposer`, who suggests changes, where it is not one of those that come with the plugin.

PYTEST_DONT_REWRITE: children import this before pytest does, and a project may make an error of
its warning.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pytest_autoloop.harness.decorators import metric, proposer, target
    from pytest_autoloop.model import Brief, Edit, Experiment, Proposal
    from pytest_autoloop.usage import Usage

__version__ = "0.1.0"

__all__ = ["Brief", "Edit", "Experiment", "Proposal", "Usage", "metric", "proposer", "target"]

_HOMES = {
    **dict.fromkeys(("metric", "proposer", "target"), "harness.decorators"),
    **dict.fromkeys(("Brief", "Edit", "Experiment", "Proposal"), "model"),
    "Usage": "usage",
}


def __getattr__(name: str) -> object:
    """Import what is asked for: every pytest run of an environment imports this package."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    # Not kept here: a session in which a name appears late looks as if it was tampered with.
    found: object = getattr(import_module(f"{__name__}.{home}"), name)
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
