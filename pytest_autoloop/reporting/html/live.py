"""The page of a campaign that runs: written again as experiments end, never in the loop's way.

A thread reads the journal on from where it stopped and writes two files, each at once: the page,
complete for whoever opens it now, and beside it a small script with the last experiments, which an
open page loads every two seconds; a page from a file may not fetch anything else. At the end the
page is written without it, and the script is removed.
"""

from __future__ import annotations

import secrets
import threading
import time
from typing import TYPE_CHECKING

from pytest_autoloop.errors import AutoloopError
from pytest_autoloop.history.files import replace_file
from pytest_autoloop.reporting.html.reading import Reader, check_place

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pytest_autoloop.history.journal import Journal

#: Seconds from one write to the next, and what share of the time writing may take.
_PAUSE = 2.0
_SHARE = 0.05
#: How long the end of a campaign waits for a disk that does not answer.
_PATIENCE = 30.0


class LiveReport:
    """A report that follows a campaign.

    Args:
        path: of the page; its folder has to exist.
        pause: seconds between two writes.

    Raises:
        UsageError: nothing can be written there, or something stands there that is no report.

    """

    def __init__(self, path: Path, *, pause: float = _PAUSE) -> None:
        check_place(path, f"--autoloop-report={path}")
        self.path = path
        #: The script that tells an open page what is new; there while the campaign runs.
        self.news_path = path.with_name(f"{path.name}.live.js")
        self._pause = pause
        self._nonce = secrets.token_urlsafe(18)
        self._identity = secrets.token_hex(8)
        self._journal: Journal | None = None
        self._outcome: tuple[str, ...] = ()
        self._failure = ""
        #: Something is to be written; the campaign is over.
        self._wanted = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def update(self, journal: Journal) -> None:
        """Say that a campaign's journal has one experiment more; returns at once."""
        self._journal = journal
        self._wanted.set()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._follow, name="autoloop-report", daemon=True
            )
            self._thread.start()

    def close(self, outcome: Sequence[str] = ()) -> str:
        """Write the page a last time, and wait for it.

        Args:
            outcome: lines that the page tells above all else, such as the audited gain.

        Returns:
            A sentence about what went wrong, empty if nothing did. The campaign is not to fail
            for it: `pytest-autoloop report` makes the page anew from the journal.

        """
        if self._thread is None:
            return ""
        self._outcome = tuple(outcome)
        self._over.set()
        self._wanted.set()
        self._thread.join(_PATIENCE)
        if self._thread.is_alive():
            return self._told(f"nothing was written in {_PATIENCE:.0f} seconds")
        return self._failure

    def _follow(self) -> None:
        reader: Reader | None = None
        while not self._over.is_set():
            self._wanted.wait()
            self._wanted.clear()
            if self._over.is_set():
                break
            assert self._journal is not None, "update came before"
            reader = reader or Reader(self._journal)
            seconds = self._write(reader, last=False)
            # A page of ten thousand experiments is written less often.
            self._over.wait(max(self._pause, seconds / _SHARE))
        assert self._journal is not None, "update came before"
        self._write(reader or Reader(self._journal), last=True)

    def _write(self, reader: Reader, *, last: bool) -> float:
        """Read what is new and write the files; return the seconds that writing took."""
        live, nonce = ("", "") if last else (self.news_path.name, self._nonce)
        identity, began = self._identity, time.monotonic()
        try:
            reader.read()
            began = time.monotonic()
            content = reader.page(outcome=self._outcome, live=live, nonce=nonce, identity=identity)
            replace_file(self.path, content, durable=False)
            if last:
                self.news_path.unlink(missing_ok=True)
            else:
                # After the page: one that is told of too much to take in loads itself anew.
                news = reader.news(live=live, identity=identity)
                replace_file(self.news_path, news, durable=False)
        except (OSError, AutoloopError) as error:
            said = (error.strerror if isinstance(error, OSError) else None) or error
            self._failure = self._told(str(said))
        except Exception as error:  # noqa: BLE001 - a fault of the page must not cost a campaign
            self._failure = self._told(f"{type(error).__name__}: {error}")
        else:
            self._failure = ""
        return time.monotonic() - began

    def _told(self, what: str) -> str:
        tag = "" if self._journal is None else f" {self._journal.tag}"
        return (
            f"the report {self.path} could not be written: {what}; make room, then "
            f"`pytest-autoloop report{tag} --output FILE` writes it from the journal"
        )
