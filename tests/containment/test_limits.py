"""How many tasks a session may start, counted once or each time."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from tests.containment.contained import import_path

COUNTS = """
import os, resource, sys
from pytest_autoloop.evaluation.containment import limits
from pytest_autoloop.evaluation.containment.policy import Policy
if not os.getuid():
    os.setuid(65534)
def bound():
    if not (child := os.fork()):
        limits.limit_resources(Policy(programs=True), "harness")
        os.write(writing, b"%d " % resource.getrlimit(resource.RLIMIT_NPROC)[0])
        os._exit(0)
    os.waitpid(child, 0)
reading, writing = os.pipe()
bound()
limits.prepare()
bound()
print(os.read(reading, 100).decode())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts them so")
def test_a_count_from_before_bounds_as_a_fresh_one() -> None:
    """What was counted once gives about the same limit: no more than has been started since."""
    done = subprocess.run(
        [sys.executable, "-c", COUNTS],
        env=os.environ | {"PYTHONPATH": import_path()},
        capture_output=True,
        text=True,
        check=True,
    )
    fresh, kept = map(int, done.stdout.split())

    assert fresh > 512
    # Others come and go in between.
    assert abs(kept - fresh) < 256
