"""results.tsv: one row per experiment, for people, spreadsheets and pandas."""

from __future__ import annotations

import errno
import math
import os
import unicodedata
from typing import TYPE_CHECKING

from pytest_autoloop.errors import JournalError, UsageError
from pytest_autoloop.history.files import NO_FOLLOW, replace_file
from pytest_autoloop.text import UNPRINTABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from pytest_autoloop.model import Experiment

_FIRST = "commit"
_LAST = ("status", "description", "experiment", "parent", "cost_usd", "seconds")
_SHORT_COMMIT = 10
_LONGEST_TEXT = 200
_FLAGS = os.O_WRONLY | os.O_APPEND | NO_FOLLOW | getattr(os, "O_BINARY", 0)


class ResultsFile:
    """The table of one campaign; `write` begins it, `append` goes on.

    It is a view of the journal: writing all experiments gives the same bytes as appending them.
    """

    def __init__(self, path: Path, metric_names: Sequence[str]) -> None:
        self.path = path
        self.metric_names = tuple(metric_names)
        columns = (_FIRST, *self.metric_names, *_LAST)
        for name in self.metric_names:
            if columns.count(name) > 1 or not name or name != _text(name):
                raise UsageError(
                    f"{name!r} cannot head a metric's column of {path}. "
                    f"Give every metric its own name, none of {', '.join((_FIRST, *_LAST))}."
                )
        self._header = _line(columns)
        self._rows: list[bytes] = []
        self._costs: list[float] = []

    def write(self, experiments: Iterable[Experiment]) -> None:
        """Write the whole file anew, at once.

        Raises:
            UsageError: a file of somebody else is in its place.
            JournalError: it cannot be written, or is a link.
        """
        self._costs = []
        self._rows = [self._row(experiment) for experiment in experiments]
        self._replace()

    def append(self, experiment: Experiment) -> None:
        """Add one row; a file that somebody changed or removed meanwhile is written anew.

        Raises:
            UsageError: a file of somebody else is in its place.
            JournalError: it cannot be written, or is a link.
        """
        before = len(self._header) + sum(map(len, self._rows))
        row = self._row(experiment)
        self._rows.append(row)
        try:
            whole = not self.path.is_symlink() and self.path.stat().st_size == before
            if whole:
                descriptor = os.open(self.path, _FLAGS)
                with open(descriptor, "wb") as stream:  # noqa: PTH123 -- a descriptor
                    stream.write(row)
        except FileNotFoundError:
            whole = False
        except OSError as error:
            raise _failure(self.path, error) from error
        if not whole:
            self._replace()

    def _replace(self) -> None:
        if self.path.is_symlink():
            raise _failure(self.path, OSError(errno.ELOOP, "it is a link, which is not followed"))
        found = self.path.stat() if self.path.exists() else None
        if found and found.st_size and not is_ours(self.path):
            raise UsageError(
                f"{self.path} was not written by pytest-autoloop and is not overwritten. "
                "Move it away, or choose another name for the results."
            )
        mode = found.st_mode & 0o777 if found else None
        try:
            replace_file(self.path, b"".join((self._header, *self._rows)), mode=mode)
        except OSError as error:
            raise _failure(self.path, error) from error

    def _row(self, experiment: Experiment) -> bytes:
        cost = experiment.cost_usd
        if cost is not None:
            self._costs.append(cost)
        return _line(
            (
                experiment.commit[:_SHORT_COMMIT],
                *(_number(experiment.metrics.get(name)) for name in self.metric_names),
                "keep" if experiment.status == "baseline" else experiment.status,
                _text(experiment.description),
                str(experiment.number),
                experiment.parent[:_SHORT_COMMIT],
                "" if cost is None else f"{math.fsum(self._costs):.6f}",
                f"{experiment.seconds:.3f}",
            )
        )


def is_ours(path: Path) -> bool:
    """Tell whether a file is a table of ours, by the columns it begins and ends with."""
    try:
        with path.open("rb") as stream:
            header = stream.readline(1 << 16).decode("utf-8", "replace")
    except OSError:
        return False
    columns = header.rstrip("\r\n").split("\t")
    return columns[0] == _FIRST and tuple(columns[-len(_LAST) :]) == _LAST


def _line(cells: Iterable[str]) -> bytes:
    return ("\t".join(cells) + "\n").encode("utf-8")


def _number(value: float | None) -> str:
    """Return a metric's value; what is unknown is empty, never 0."""
    return "" if value is None or not math.isfinite(value) else f"{value:.10g}"


def _text(text: str) -> str:
    """Return text as one cell: no tab or line break, no quotation mark that would open one."""
    spaced = (" " if unicodedata.category(c) in UNPRINTABLE else c for c in text)
    clean = " ".join("".join(spaced).replace('"', "'").split())
    return clean if len(clean) <= _LONGEST_TEXT else clean[: _LONGEST_TEXT - 1] + "…"


def _failure(path: Path, error: OSError) -> JournalError:
    return JournalError(
        f"{path} cannot be written: {error.strerror or error}. Make it an ordinary file in a "
        "directory you may write to, on a disk with room; it is rebuilt from the journal."
    )
