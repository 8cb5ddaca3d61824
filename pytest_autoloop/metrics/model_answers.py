"""What models have answered, in a file of the project that no candidate can write."""

from __future__ import annotations

import sqlite3
import threading
import time
from contextlib import closing, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Below ``.pytest_autoloop``.
ANSWERS_FILE = "model_answers.sqlite"
#: Seconds for which an answer counts, up to the session's beginning: the model behind a name
#: changes, and what is compared has to come from the same one.
KEPT_SECONDS = 24 * 3600.0
_TABLE = """
    CREATE TABLE IF NOT EXISTS answers (
        key TEXT PRIMARY KEY, answered REAL NOT NULL, model TEXT NOT NULL, answer TEXT NOT NULL
    )
"""


class RememberedAnswers:
    """Answers by the key of their question; may be used by several threads.

    A file that cannot be read or written is done without: it saves money, nothing more.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._since = time.time() - KEPT_SECONDS
        self._connection: sqlite3.Connection | None = None
        #: Of this session: what the file is for where it cannot be used.
        self._known: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        """Return an answer that is not too old; None when there is none."""
        with self._lock:
            if key in self._known:
                return self._known[key]
            with suppress(sqlite3.Error, OSError):
                asked = "SELECT answer FROM answers WHERE key = ? AND answered >= ?"
                rows = self._open().execute(asked, (key, self._since)).fetchall()
                if rows:
                    self._known[key] = str(rows[0][0])
                    return self._known[key]
        return None

    def put(self, key: str, model: str, answer: str) -> None:
        """Remember an answer."""
        with self._lock:
            self._known[key] = answer
            with suppress(sqlite3.Error, OSError):
                connection = self._open()
                put = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)"
                # Half of a pair of surrogates is no text to the file; it is remembered here alone.
                with suppress(UnicodeEncodeError), connection:
                    connection.execute(put, (key, time.time(), model, answer))

    def close(self) -> None:
        """Close the file, without what is too old."""
        with self._lock:
            if self._connection is None:
                return
            with suppress(sqlite3.Error), closing(self._connection) as connection, connection:
                connection.execute("DELETE FROM answers WHERE answered < ?", (self._since,))
            self._connection = None

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._path.parent.mkdir(exist_ok=True)
            # The lock above lets one thread in at a time.
            connection = sqlite3.connect(self._path, check_same_thread=False, timeout=10)
            # A lost answer is asked again: no waiting for the disk.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute(_TABLE)
            connection.commit()
            self._connection = connection
        return self._connection
