"""One session at a time in a campaign."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import pytest_autoloop
from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history import lock as lock_module
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.lock import CampaignLock, is_held

HOLD = """
import pathlib, sys
from pytest_autoloop.history import lock as lock_module
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.lock import CampaignLock, is_held
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
        told = rf"is being run by another session \(process {holder.pid}\): wait"
        with pytest.raises(UsageError, match=told):
            CampaignLock(tmp_path)
        holder.kill()
    for _ in range(2):
        lock = CampaignLock(tmp_path)
        assert (tmp_path / "lock").read_text() == f"{os.getpid()}\n"
        lock.close()
        lock.close()


FORKED = """
import os, pathlib, sys
from pytest_autoloop.history import lock as lock_module
from pytest_autoloop.history.journal import Journal
from pytest_autoloop.history.lock import CampaignLock, is_held
lock = CampaignLock(pathlib.Path(sys.argv[1]))
if os.fork():
    print("held", flush=True)
    os.kill(os.getpid(), 9)
sys.stdin.read()
"""


@pytest.mark.skipif(os.name == "nt", reason="Windows has no fork")
def test_what_a_killed_session_had_just_begun_is_waited_for(tmp_path: Path) -> None:
    """A child has its parent's files open until it runs a program, and so it has the lock."""
    holder = subprocess.Popen(
        [sys.executable, "-c", FORKED, str(tmp_path)],
        cwd=Path(pytest_autoloop.__file__).parent.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    taken: list[CampaignLock] = []
    with holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert holder.wait() == -9
        taker = threading.Thread(target=lambda: taken.append(CampaignLock(tmp_path)))
        taker.start()
        holder.stdin.close()
        taker.join()
    (lock,) = taken
    lock.close()


def test_a_file_alone_holds_nobody_off(tmp_path: Path) -> None:
    """What a session left that is no more, on this or another machine, is not in the way."""
    (tmp_path / "lock").write_text("1\n" * 50)
    lock = CampaignLock(tmp_path)
    with pytest.raises(UsageError, match=rf"\(process {os.getpid()}\)"):
        CampaignLock(tmp_path)
    (tmp_path / "lock").write_bytes(b"\xff")
    with pytest.raises(UsageError, match="another session: wait"):
        CampaignLock(tmp_path)
    lock.close()


def test_a_lock_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    """The message gives the file."""
    (tmp_path / "lock").mkdir()
    with pytest.raises(JournalError, match="lock cannot be opened"):
        CampaignLock(tmp_path)


def test_a_campaign_that_did_not_begin_leaves_nothing(tmp_path: Path) -> None:
    """Whoever had opened the file takes the new one; other campaigns' records stay."""
    journal = Journal.create(tmp_path, "new")
    assert not is_held(journal.directory)
    lock = CampaignLock(journal.directory)
    assert is_held(journal.directory)
    other = Journal.create(tmp_path, "other")
    lock.abandon()
    assert not journal.directory.exists()
    lock = CampaignLock(other.directory)
    other.write_header({})
    lock.abandon()
    assert {path.name for path in other.directory.iterdir()} == {"lock", "campaign.json"}
    other.header_path.unlink()
    lock = CampaignLock(other.directory)
    lock.abandon()
    assert not (tmp_path / ".pytest_autoloop").exists()


@pytest.mark.skipif(os.name == "nt", reason="a file that is open cannot be removed there")
def test_a_lock_that_was_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that was opened before it was removed holds nothing, so it is opened again."""
    opened: list[int] = []
    hold = lock_module._hold

    def removed_meanwhile(descriptor: int) -> None:
        hold(descriptor)
        if not opened:
            (tmp_path / "lock").unlink()
        opened.append(descriptor)

    monkeypatch.setattr(lock_module, "_hold", removed_meanwhile)
    lock = CampaignLock(tmp_path)
    assert len(opened) == 2
    assert is_held(tmp_path)
    lock.close()
