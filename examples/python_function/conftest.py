"""Tells pytest-autoloop what may change.

To adapt: the docstring of `target`, which is what a proposer is told, and inputs.py, which makes
valid arguments for the target's functions. The score is the tests with the `benchmark` fixture: let
them call the target with what your users have, in their sizes.
"""

from importlib import import_module
from pathlib import Path

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop.guards import autoloop_baseline  # noqa: F401 - a fixture

HERE = Path(__file__).parent

if not (HERE / "inputs.py").is_file():
    raise pytest.UsageError(
        f"{HERE / 'inputs.py'} is missing: define in it CALLS, a hypothesis strategy of argument "
        "tuples for the name of each function, and LARGE, a function that makes such a tuple from "
        "a random.Random, as large as what you benchmark"
    )


@autoloop.target
def target():
    """Make the functions that the benchmarks call faster, for inputs of every kind.

    Signatures, results, classes of exceptions and their messages must not change. Nothing may be
    remembered from one call to the next.
    """
    return "records.py"


@pytest.fixture
def autoloop_inputs():
    """Return what makes arguments for each function: a candidate is given some of its own."""
    return import_module("inputs").LARGE
