"""Tells pytest-autoloop what may change, and what makes it better.

To adapt: the functions of workload.py, which call the target as its users do, and the constants.
The score is the most memory that Python allocates meanwhile, as tracemalloc counts it. What C
libraries allocate by themselves it does not see: for that, run measure.py under memray.
"""

import json
import os
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

import pytest

import pytest_autoloop as autoloop
from pytest_autoloop.guards import autoloop_baseline  # noqa: F401 - a fixture

HERE = Path(__file__).parent
#: By which name the tests import the target.
MODULE = "index"
#: How many times as long as the original the workload may take: memory is not all that counts.
SLOWER = 5.0
#: Of so many runs the quickest counts, since anything else that runs makes one only slower.
RUNS = 3

if not (HERE / "workload.py").is_file():
    raise pytest.UsageError(
        f"{HERE / 'workload.py'} is missing: define in it prepare(), which makes an input, "
        "work(module, prepared), which uses the target on it, held_out(), which makes a list of "
        "other inputs, and answers(module, prepared), which asks the target everything"
    )


@autoloop.target
def target():
    """Make the target hold less memory, at its peak and while it is in use.

    Public names, results and exceptions must not change. Time may be spent for it, within the
    bound of the metric `slowdown`. Files are no memory: everything stays in the process.
    """
    return "index.py"


@pytest.fixture(scope="session")
def measured():
    """Return what measure.py prints."""
    command = [sys.executable, HERE / "measure.py", MODULE, *sys.path]
    # The order of a set is not what is measured.
    environment = {**os.environ, "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.fail(f"measure.py ended with exit code {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout)


# A change for a few bytes is not worth reading.
@autoloop.metric(direction="lower", unit="KiB", min_gain=0.01)
def peak_memory(measured):
    """Most memory that the workload holds at once."""
    return measured["peak_kib"]


@autoloop.metric(direction="lower", unit="blocks")
def allocated_blocks(measured):
    """Blocks of memory that are in use when the workload is done."""
    return measured["blocks"]


@pytest.fixture(scope="session")
def prepared():
    """Return what the target is used on."""
    return import_module("workload").prepare()


@autoloop.metric(direction="lower", unit="×", at_most=SLOWER)
def slowdown(autoloop_baseline, prepared):  # noqa: F811 - the fixture
    """How many times as long as the original the workload takes."""
    candidate, work = import_module(MODULE), import_module("workload").work
    seconds = {}
    for _ in range(RUNS):
        for module in (autoloop_baseline, candidate):
            began = time.perf_counter()
            work(module, prepared)
            took = time.perf_counter() - began
            seconds[module] = min(took, seconds.get(module, took))
    return seconds[candidate] / seconds[autoloop_baseline]
