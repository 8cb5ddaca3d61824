"""The file by which experiments are found in the journal: derived, so it is made anew at any fault.

SQLite's write-ahead log keeps it whole when the process or the machine is stopped at any instant;
what was not yet on the disk is missing at its end, and is read from the journal again.
"""

from __future__ import annotations

import dataclasses
import json
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from pytest_autoloop.history.journal import record_failure
from pytest_autoloop.history.records import decode, encode, lean
from pytest_autoloop.history.rows import Row
from pytest_autoloop.model import Effect, Experiment, GuardReport

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Sequence
    from pathlib import Path
    from typing import Any

    from pytest_autoloop.history.journal import Line

#: Offset and length are the line's in the journal. What other people may have named is a blob,
#: because SQLite's text holds no name of a file that is not UTF-8. `results` is the length of
#: results.tsv after the experiment's row. The long column is the last: nobody reads over it.
_SCHEMA = """
CREATE TABLE experiments (
    offset INTEGER PRIMARY KEY,
    length INTEGER NOT NULL,
    number INTEGER NOT NULL UNIQUE,
    status BLOB NOT NULL,
    reason BLOB NOT NULL,
    made TEXT NOT NULL,
    parent TEXT NOT NULL,
    log_gain REAL,
    search BLOB NOT NULL,
    target BLOB NOT NULL,
    fingerprint TEXT NOT NULL,
    tokens INTEGER,
    cost REAL,
    elapsed REAL NOT NULL,
    results INTEGER,
    lean TEXT NOT NULL
);
CREATE INDEX fingerprints ON experiments (fingerprint, number) WHERE fingerprint != '';
"""
_COLUMNS = 16


class Index:
    """The connection to the file, held by one session at a time.

    Every method may raise what `faults` returns.
    """

    def __init__(self, path: Path) -> None:
        import sqlite3  # noqa: PLC0415 - only a campaign needs it

        # Proposals are prepared beside a measurement; who calls sees to it that calls do not mix.
        self._database = sqlite3.connect(
            path, timeout=0.0, isolation_level=None, check_same_thread=False
        )
        try:
            # Alone with the file it needs no shared memory, which network file systems lack.
            self._database.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._database.execute("PRAGMA journal_mode = WAL")
            self._database.execute("PRAGMA synchronous = NORMAL")
            ((version,),) = self.ask("PRAGMA user_version")
            if version == 0:
                self._database.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version={_VERSION};")
                self._database.execute("COMMIT")
            elif version != _VERSION:
                raise sqlite3.DatabaseError("it is of another version")  # noqa: TRY301
            self.ask("SELECT MAX(offset) FROM experiments")
        except BaseException:
            self.close()
            raise

    def ask(self, question: str, *values: object) -> list[tuple[Any, ...]]:
        """Return all that a query finds."""
        return self._database.execute(question, values).fetchall()

    def add(self, entries: Iterable[Sequence[object]]) -> None:
        """Add some experiments, all or none: a value for each column."""
        self._database.execute("BEGIN")
        try:
            marks = ", ".join("?" * _COLUMNS)
            self._database.executemany(f"INSERT INTO experiments VALUES ({marks})", entries)  # noqa: S608
            self._database.execute("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._database.execute("ROLLBACK")
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()


def faults() -> type[sqlite3.Error]:
    """Return what an index raises when something is wrong with its file."""
    import sqlite3  # noqa: PLC0415 - only a campaign needs it

    return sqlite3.Error


def transient(error: sqlite3.Error) -> bool:
    """Tell whether the disk, or another session, is to blame and not the file's content."""
    import sqlite3  # noqa: PLC0415 - only a campaign needs it

    return isinstance(error, sqlite3.OperationalError) and "decode" not in str(error)


def open_index(path: Path, *, anew: bool = False) -> Index:
    """Return the index in a file, an empty one where that is missing, damaged or of another format.

    Raises:
        JournalError: it cannot be opened or made.
    """
    if not anew:
        try:
            return Index(path)
        except faults() as error:
            if "locked" in str(error):
                raise record_failure("opened", path, error, path.parent.name) from error
    try:
        for suffix in ("", "-wal", "-shm", "-journal"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return Index(path)
    except (OSError, faults()) as error:
        raise record_failure("made", path, error, path.parent.name) from error


def entry(line: Line, results: int | None) -> tuple[object, ...]:
    """Return a line of the journal as a value for each column."""
    experiment = line.experiment
    row = Row.of(experiment)
    words = (row.status, row.reason, row.search, row.target)
    status, reason, search, target = (word.encode("utf-8", "surrogatepass") for word in words)
    used = (experiment.tokens_used, experiment.cost_usd)
    text = json.dumps(encode(lean(experiment)), allow_nan=False, separators=(",", ":"))
    return (
        *(line.offset, line.length, row.number, status, reason, row.commit, row.parent),
        *(row.log_gain, search, target, experiment.fingerprint, *used, experiment.elapsed),
        *(results, text),
    )


class Words(dict[bytes, str]):
    """The texts of the blobs of `entry`, one object for all that are equal."""

    def __missing__(self, blob: bytes) -> str:
        """Decode a blob that is new."""
        return self.setdefault(blob, blob.decode("utf-8", "surrogatepass"))


@lru_cache(maxsize=512)
def lean_from(text: str) -> Experiment:
    """Return the experiment of the column `lean`; the same object for the same text.

    Each brief tells the last few hundred again.

    Raises:
        ValueError, JournalError: it is damaged.
    """
    return decode(json.loads(text))


def _version() -> int:
    """Return a number that changes with the columns and with the fields of an experiment."""
    kinds = (Experiment, GuardReport, Effect)
    fields = [f"{kind.__name__}.{f.name}" for kind in kinds for f in dataclasses.fields(kind)]
    return 1 + zlib.crc32("\n".join((_SCHEMA, *fields)).encode("ascii")) % 0x7FFFFFFE


_VERSION = _version()
