"""One session at a time in a campaign."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import pytest_autoloop
from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.lock import CampaignLock

HOLD = """
import pathlib, sys
from pytest_autoloop.history.lock import CampaignLock
lock = CampaignLock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_a_campaign_is_held_by_one_session(tmp_path: Path) -> None:
    """The second one is told; when the first is killed nothing has to be cleaned up."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        cwd=Path(pytest_autoloop.__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(UsageError, match="is being run by another session"):
            CampaignLock(tmp_path)
        holder.kill()
    CampaignLock(tmp_path).close()
    CampaignLock(tmp_path).close()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The message gives the file."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(JournalError, match="lock cannot be opened"):
        CampaignLock(tmp_path)
