"""Writes the files of a start, and runs the tests among them: they have to pass at once."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
from dataclasses import replace
from typing import TYPE_CHECKING

from pytest_autoloop.onboarding.children import PYTEST
from pytest_autoloop.onboarding.files import remove, shown
from pytest_autoloop.onboarding.start import without

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.onboarding.files import Planned
    from pytest_autoloop.onboarding.start import Start

#: Seconds that one generated test may take, and all of them.
_TEST_SECONDS, _ALL_SECONDS = 30, 300
#: Names of generated tests, and of recorded cases in them.
_OF_FUNCTION = re.compile(r"::test_(\w+)_does_what_the_original_does")
_OF_CASE = re.compile(r"::test_it_\w+\[(\w+?)-")


def write_and_try(
    root: Path, start: Start, missing: Sequence[Path] = ()
) -> tuple[list[Planned], list[str]]:
    """Write the files; a generated test that does not pass is taken out again.

    `missing` are files that somebody still has to add lines to: what needs them is not tried.
    Returns the files that are there at the end, and notes on what was taken out.

    Raises:
        UsageError: a file cannot be written; the new ones are removed again.
    """
    notes = list(start.notes)
    written: list[Planned] = []
    try:
        for one in start.files:
            if one.action != "keep":
                one.write()
            written.append(one)
    except BaseException:
        remove(written)
        raise
    if missing:
        waiting = ", ".join(shown(path, root) for path in missing)
        notes.append(f"what was written was not tried: it needs the lines for {waiting}")
        return written, notes
    failed, said = _failing(root, [one.path for one in _tests(start)])
    if not failed:
        return written, notes
    names = {
        m[1] for node in failed for m in (_OF_FUNCTION.search(node), _OF_CASE.search(node)) if m
    }
    smaller = without(start, names) if names else start
    remove(_tests(start))
    kept = {one.path for one in smaller.files}
    for one in _tests(smaller):
        one.write()
    still, said_again = _failing(root, [one.path for one in _tests(smaller)])
    if names:
        notes.append(
            f"{', '.join(sorted(names))}: no guard was written, for it fails on the code as it is "
            f"({_reason(said)})"
        )
    broken = {root / node.partition("::")[0] for node in still}
    if still:
        remove([one for one in _tests(smaller) if one.path in broken])
        listed = ", ".join(sorted(shown(path, root) for path in broken))
        notes.append(f"{listed} did not pass, and was taken back ({_reason(said_again)})")
    left = [one for one in written if one.path in kept and one.path not in broken]
    return [replace(one) for one in left], notes


def _tests(start: Start) -> list[Planned]:
    """Return the new test files, with what nothing else needs."""
    return [one for one in start.files if one.action == "new" and one.path.name.startswith("test_")]


def _failing(root: Path, files: Sequence[Path]) -> tuple[list[str], str]:
    """Return node ids that do not pass, and what pytest said; a file that hangs counts whole."""
    if not files:
        return [], ""
    names = [shown(path, root) for path in files]
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    with tempfile.TemporaryDirectory(prefix="pytest-autoloop-onboarding-") as scratch:
        command = [*PYTEST, "-q", "-rfE", "--color=no", "-o", f"cache_dir={scratch}"]
        try:
            done = subprocess.run(
                [*command, f"--timeout={_TEST_SECONDS}", "--benchmark-max-time=0.1", *names],
                cwd=root,
                env=environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=_ALL_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return names, f"no end after {_ALL_SECONDS} s"
    found = re.findall(r"^(?:FAILED|ERROR) (\S+)", done.stdout, flags=re.MULTILINE)
    # A session may fail for what no test is to blame for, such as a coverage that is too low.
    ran = done.returncode in {0, 1}
    return found or ([] if ran else names), done.stdout + done.stderr


def _reason(said: str) -> str:
    """Return the line of pytest's output that says most."""
    lines = re.findall(r"^E +(.+)$", said, flags=re.MULTILINE)
    told = lines[0] if lines else said.strip().splitlines()[-1] if said.strip() else "it failed"
    return json.dumps(told[:160], ensure_ascii=False)
