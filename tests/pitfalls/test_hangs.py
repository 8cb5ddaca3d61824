"""A candidate that never ends is stopped, and the report names the test it hung in."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.pitfalls.bench import open_bench
from tests.projects import MODULE

if TYPE_CHECKING:
    from pathlib import Path

    from pytest_autoloop.model import LauncherName
    from tests.projects import Project

GUARD = "test_double.py::test_double"

#: Neither reacts to a timer inside the process.
STUBBORN = {
    "c-loop": "sum(range(10**12))",
    "swallows": """
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
""",
}


def test_plain_hang_is_stopped_by_name(project: Project, launcher: LauncherName) -> None:
    """The timer inside the child ends a hanging guard, with a traceback that shows where."""
    project.commit(MODULE)
    with open_bench(project, launcher=launcher) as bench:
        hang = "import time\ndef double(n):\n    time.sleep(600)\n"
        report = bench.guard(hang, GUARD, test_timeout=0.5)

    assert (report.status, report.reason, report.test) == ("timeout", "guard", GUARD)
    assert "time.sleep(600)" in report.message


@pytest.mark.parametrize("kind", STUBBORN)
def test_stubborn_hang_is_killed(
    kind: str, project: Project, tmp_path: Path, launcher: LauncherName
) -> None:
    """The parent's clock ends what no timer in the child can; the guard is named all the same."""
    project.commit(MODULE)
    marker = tmp_path / "reached"
    body = STUBBORN[kind]
    hang = f"def double(n):\n    open({str(marker)!r}, 'w').close()\n    {body.lstrip()}\n"
    with open_bench(project, launcher=launcher) as bench:
        # On a busy machine a child may need longer than the limit to come to the test at all.
        for seconds in (2, 4, 8, 16, 32, 64):
            report = bench.guard(hang, GUARD, seconds=seconds, test_timeout=seconds / 4)
            assert report.status == "timeout"
            if marker.exists():
                break

    assert report.reason == "guards"
    assert report.test == GUARD
    # On a busy machine it takes longer until the limit is looked at.
    found = re.search(rf"did not finish in (\d+) s, in {re.escape(GUARD)}", report.message)
    assert found is not None
    assert int(found[1]) >= seconds
