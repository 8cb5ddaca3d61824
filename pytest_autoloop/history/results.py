"""results.tsv: one row per experiment, for people, spreadsheets and pandas.

Nothing of it is held in memory but its length and the sum of all costs.
"""

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
#: Every float is a whole multiple of 2 to minus this, so sums of such multiples are exact.
_FINEST = 1074
_SHORT_COMMIT = 10
_LONGEST_TEXT = 200
_FLAGS = os.O_WRONLY | os.O_APPEND | NO_FOLLOW | getattr(os, "O_BINARY", 0)


class ResultsFile:
    """The table of one campaign; `write` or `resume` begins it, `append` goes on.

    It is a view of the journal: writing all experiments gives the same bytes as appending them.
    """

    #: Bytes that the file has when nobody else has touched it.
    size: int

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
        self.size = 0
        self._cost = 0

    def write(self, experiments: Iterable[Experiment]) -> None:
        """Write the whole file anew, at once.

        Raises:
            UsageError: a file of somebody else is in its place.
            JournalError: it cannot be written, or is a link.
        """
        self._cost = 0
        content = b"".join((self._header, *map(self._row, experiments)))
        self._replace(content)
        self.size = len(content)

    def resume(self, size: int | None, last: Experiment, costs: Iterable[float]) -> bool:
        """Go on with the file as it is; tell whether it is what it should be: if not, `write` it.

        Args:
            size: bytes that it should have, None when that is not known.
            last: the experiment of its last row.
            costs: dollars of every experiment that has a price, the last one too.

        """
        self._cost = sum(map(_units, costs))
        row = self._cells(last)
        try:
            if self.path.is_symlink() or size is None or self.path.stat().st_size != size:
                return False
            with self.path.open("rb") as stream:
                if stream.readline(len(self._header)) != self._header:
                    return False
                stream.seek(-min(size, len(row) + 1), os.SEEK_END)
                if stream.read() != b"\n" + row:
                    return False
        except OSError:
            return False
        self.size = size
        return True

    def append(self, experiment: Experiment) -> bool:
        """Add one row; return False, without it, where somebody changed or removed the file.

        It must then be written anew, from the journal.

        Raises:
            JournalError: it cannot be written, or is a link.
        """
        if self.path.is_symlink():
            raise _failure(self.path, OSError(errno.ELOOP, "it is a link, which is not followed"))
        try:
            if self.path.stat().st_size != self.size:
                return False
            row = self._row(experiment)
            descriptor = os.open(self.path, _FLAGS)
            with open(descriptor, "wb") as stream:  # noqa: PTH123 -- a descriptor
                stream.write(row)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise _failure(self.path, error) from error
        self.size += len(row)
        return True

    def _replace(self, content: bytes) -> None:
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
            replace_file(self.path, content, mode=mode)
        except OSError as error:
            raise _failure(self.path, error) from error

    def _row(self, experiment: Experiment) -> bytes:
        """Return the row of the next experiment, whose cost is added to the sum."""
        if experiment.cost_usd is not None:
            self._cost += _units(experiment.cost_usd)
        return self._cells(experiment)

    def _cells(self, experiment: Experiment) -> bytes:
        return _line(
            (
                experiment.commit[:_SHORT_COMMIT],
                *(_number(experiment.metrics.get(name)) for name in self.metric_names),
                "keep" if experiment.status == "baseline" else experiment.status,
                _text(experiment.description),
                str(experiment.number),
                experiment.parent[:_SHORT_COMMIT],
                "" if experiment.cost_usd is None else f"{self._cost / (1 << _FINEST):.6f}",
                f"{experiment.seconds:.3f}",
            )
        )


def _units(cost: float) -> int:
    numerator, denominator = cost.as_integer_ratio()  # which is a power of two
    return numerator << (_FINEST + 1 - denominator.bit_length())


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
        "directory you may write to, on a disk with room; then the same command with "
        "--autoloop-tag and the campaign's tag goes on, and writes it again from the journal."
    )
