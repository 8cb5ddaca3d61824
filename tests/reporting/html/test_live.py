"""The page of a campaign that runs."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.reporting.html.live import LiveReport
from tests.reporting.html.made import campaign, experiment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.reporting.html.browser import Browser


def test_an_open_page_follows_and_is_complete_in_the_end(browser: Browser, tmp_path: Path) -> None:
    """It draws what is new without a server, and when all is over it needs no other file."""
    journal = campaign(tmp_path, [experiment(0, "baseline"), experiment(1, "keep")])
    path = tmp_path / "a report & more.html"
    report = LiveReport(path, pause=0)
    report.update(journal)
    _wait_for(report.news_path)
    browser.open(path.as_uri())
    browser.until("rows.length === 2 && follow.heard")
    assert browser.run("byId('state').textContent").startswith("running")
    browser.run("follow.again = 20; listen()")
    journal.append(experiment(2, "keep", description="written while it is open"))
    report.update(journal)
    browser.until("document.querySelectorAll('#table tbody tr').length === 3")
    browser.run("openDetails(2)")
    assert "written while it is open" in browser.run("byId('details').innerText")
    journal.append(experiment(3))
    assert report.close(["audited gain 1.3×"]) == ""
    browser.until("byId('outcome').innerText.includes('1.3×') && rows.length === 4")
    browser.until("document.querySelectorAll('#table tbody tr').length === 4")
    assert not report.news_path.exists()
    assert sorted(entry.name for entry in tmp_path.iterdir()) == [".pytest_autoloop", path.name]
    assert b"nonce-" not in path.read_bytes()
    # All that its console has is that the file beside it is gone, which tells it of the end.
    assert [fault for fault in browser.faults if "ERR_FILE_NOT_FOUND" not in fault] == []


def test_what_was_recorded_before_is_in_it(tmp_path: Path) -> None:
    """A campaign that goes on begins with all of its experiments."""
    journal = campaign(tmp_path, map(experiment, range(70)))
    report = LiveReport(tmp_path / "report.html")
    report.update(journal)
    journal.append(experiment(70))
    report.close()
    assert _rows(tmp_path / "report.html") == 71


def test_a_campaign_without_experiments_leaves_no_page(tmp_path: Path) -> None:
    """There is nothing that it could tell."""
    report = LiveReport(tmp_path / "report.html")
    assert report.close() == ""
    assert not report.path.exists()


def test_a_page_that_cannot_be_written_is_one_sentence_at_the_end(tmp_path: Path) -> None:
    """The folder is gone: the campaign goes on, and is told how to get the page."""
    journal = campaign(tmp_path, [experiment(0, "baseline")])
    folder = tmp_path / "pages"
    folder.mkdir()
    report = LiveReport(folder / "report.html")
    shutil.rmtree(folder)
    report.update(journal)
    told = report.close()
    assert told.startswith(f"the report {folder / 'report.html'} could not be written: No such")
    assert "pytest-autoloop report made" in told


def test_a_damaged_journal_is_told_in_the_same_way(tmp_path: Path) -> None:
    """The report is no reason to end a campaign."""
    journal = campaign(tmp_path, [experiment(0, "baseline")])
    journal.path.write_bytes(b"{}\n")
    report = LiveReport(tmp_path / "report.html")
    report.update(journal)
    assert "is damaged" in report.close()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("missing/report.html", "there is no folder"),
        ("folder", "is a folder"),
        ("notes.html", "is no report, so it is not overwritten"),
    ],
)
def test_a_place_that_will_not_do_is_refused_at_once(tmp_path: Path, name: str, told: str) -> None:
    """Before anything is spent, and what stands there stays."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.html").write_text("<p>mine")
    with pytest.raises(UsageError, match=told):
        LiveReport(tmp_path / name)
    assert (tmp_path / "notes.html").read_text() == "<p>mine"


def _rows(path: Path) -> int:
    import base64
    import json
    import re
    import zlib

    found = re.search(r'id="data-rows">(.*?)</script>', path.read_text("utf-8"))
    assert found is not None
    return len(json.loads(zlib.decompress(base64.b64decode(json.loads(found[1])))))


def _wait_for(path: Path) -> None:
    """Wait until a file is there; the thread that writes it has nothing else to wait on."""
    import threading
    import time

    end = time.monotonic() + 30
    turn = threading.Event()
    while not path.exists():
        assert time.monotonic() < end, f"{path} was never written"
        turn.wait(0.01)
