"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: the constants, and the files in `held_out/`: other implementations of the module that are
right as well, on which the suite has to pass. The score is the share of small faults in the module
that the suite notices; mutation.py makes them.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import pytest_autoloop as autoloop

HERE = Path(__file__).parent
#: The module whose tests are improved.
MODULE = HERE / "ranges.py"
#: What the suite may take: a fault is noticed by a good test, not by very many.
MOST_TESTS, MOST_SECONDS = 40, 3.0
#: Modules that the suite may import.
ALLOWED = {"pytest", MODULE.stem}

for place in (MODULE, HERE / "held_out"):
    if not place.exists():
        raise pytest.UsageError(
            f"{place} is missing: name the module to be tested in conftest.py, and put other "
            "versions of it into held_out/, written in another way and right as well"
        )


@autoloop.target
def target():
    """Make these tests notice more faults of the module that they test.

    Test behaviour that its users rely on, through its public functions alone: the suite has to pass
    on every right implementation, not just on this one. Say in each test's name what is promised.
    """
    return "suite/test_ranges.py"


@pytest.fixture(scope="session")
def module():
    """Return the module as it is, which the suite has to pass on."""
    return MODULE


@pytest.fixture(scope="session")
def allowed():
    """Return the names of the modules that the suite may import."""
    return ALLOWED


@pytest.fixture(scope="session")
def run_suite(target):
    """Return what runs mutation.py: with `score`, or with the path of another implementation."""

    def run(what):
        command = [sys.executable, HERE / "mutation.py", target, MODULE, what, *sys.path]
        # The order of a set is not what is measured.
        environment = {**os.environ, "PYTHONHASHSEED": "0"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.fail(f"mutation.py ended with exit code {done.returncode}:\n{done.stderr}")
        return json.loads(done.stdout)

    return run


@pytest.fixture(scope="session")
def measured(run_suite):
    """Return what is measured of the suite."""
    return run_suite("score")


@autoloop.metric(direction="higher", unit="%")
def mutation_score(measured):
    """Share of the faults that at least one test notices."""
    return measured["score"]


@autoloop.metric(direction="higher", unit="%")
def branch_coverage(measured):
    """Share of the module's lines and branches that the suite runs."""
    return measured["coverage"]


@autoloop.metric(direction="lower", unit="s", at_most=MOST_SECONDS)
def suite_time(measured):
    """How long the suite takes on the module."""
    return measured["seconds"]


@autoloop.metric(direction="lower", unit="tests", at_most=MOST_TESTS)
def suite_size(measured):
    """How many tests the suite has, each set of parameters counted."""
    return measured["tests"]
