"""A disk that is full or cannot be written ends a campaign with one sentence, and loses nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.history.test_ledger import Desk

if TYPE_CHECKING:
    from tests.history.conftest import Checkout

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="file systems are mounted by bwrap")

#: Takes a campaign up, records discards until something gives way, and prints what was said.
PROGRAM = """
import sys
from pathlib import Path
from pytest_autoloop.errors import AutoloopError
from tests.history.conftest import Checkout
from tests.history.test_ledger import Desk
desk = Desk(Checkout(Path(sys.argv[1])), begin=False)
try:
    while True:
        desk.ledger.record(desk.prepare("discard"))
except AutoloopError as error:
    print(type(error).__name__, error)
desk.ledger.close()
"""
ROOT = Path(__file__).parent.parent.parent


def contained(*arguments: str) -> list[str]:
    """Return what begins a command with file systems of its own, or skip."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        pytest.skip("no bwrap to mount a file system with")
    command = [bwrap, "--dev-bind", "/", "/", *arguments]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("bwrap cannot mount a file system here")
    return command


def run(checkout: Checkout, *before: str) -> str:
    """Run the program and return what it printed."""
    done = subprocess.run(
        [*before, sys.executable, "-c", PROGRAM, str(checkout.root)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def begun(checkout: Checkout) -> Checkout:
    """Begin a campaign with its baseline."""
    desk = Desk(checkout)
    desk.baseline()
    desk.ledger.close()
    return checkout


def test_a_full_disk(begun: Checkout, tmp_path: Path) -> None:
    """On a small file system of its own: what was recorded is whole, and goes on elsewhere."""
    records = begun.root / ".pytest_autoloop"
    copied = tmp_path / "copied"
    shutil.copytree(records, copied)
    # The small file system is gone with its command, so what it holds is copied back at the end.
    script = f'cp -r "{copied}/." "{records}"; "$@"; cp -r "{records}/." "{copied}"'
    small = ("--size", str(200 * 1024), "--tmpfs", str(records))
    said = run(begun, *contained(*small), "sh", "-c", script, "sh")
    assert said.startswith(f"JournalError {records / 'nov20'}"), said
    assert said.count("\n") == 1
    assert "No space left on device" in said or "full" in said
    assert "then the same command with --autoloop-tag=nov20 goes on" in said

    shutil.rmtree(records)
    copied.rename(records)
    desk = Desk(begun, begin=False)
    assert len(desk.journal.read()) > 3
    for answer in desk.ledger.answers.pending():
        desk.ledger.answers.drop(answer.number)
    desk.ledger.record(desk.prepare())
    desk.whole()
    desk.ledger.close()


def test_a_table_that_cannot_be_written(begun: Checkout) -> None:
    """The experiment is in the journal; once the table can be written it is made up for."""
    table = str(begun.root / "results.tsv")
    said = run(begun, *contained("--ro-bind", table, table))
    assert said.startswith(f"JournalError {table} cannot be written: Read-only file system"), said
    assert said.count("\n") == 1
    assert "--autoloop-tag" in said

    desk = Desk(begun, begin=False)
    assert len(desk.journal.read()) == 2
    assert Path(table).read_text().count("\n") == 3
    assert desk.ledger.answers.pending() == []
    desk.whole()
    desk.ledger.close()
