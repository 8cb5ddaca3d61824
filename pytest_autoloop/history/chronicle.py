"""What a running campaign knows of its experiments, in little memory and without reading them all.

The journal tells everything; this finds it there. A slim row of each experiment is held in memory,
the rest is asked for. All of it is derived, and made anew from the journal when it does not fit.
"""

from __future__ import annotations

import threading
from collections import Counter
from heapq import nlargest
from itertools import islice
from typing import TYPE_CHECKING, TypeAlias, TypeVar, cast

from pytest_autoloop.errors import JournalError
from pytest_autoloop.history.index import Words, entry, faults, lean_from, open_index, transient
from pytest_autoloop.history.journal import Line, record_failure
from pytest_autoloop.history.records import lean
from pytest_autoloop.history.rows import Row
from pytest_autoloop.usage import Spending, Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from pytest_autoloop.history.index import Index
    from pytest_autoloop.history.journal import Journal
    from pytest_autoloop.model import Experiment, Status

    Found = TypeVar("Found")

#: Tokens, dollars and unpriced tokens, as in `Spending`.
_Spent: TypeAlias = "tuple[int | None, float | None, int]"

_NAME = "chronicle.sqlite"
#: Lines of the journal that are taken in at once, and experiments that are read at once.
_BATCH = 500
_SLIM = (
    "number, status, reason, search, target, made, parent, log_gain, tokens, cost, elapsed, results"
)


class Chronicle:
    """Finds experiments; every method may be called from any thread.

    A target's experiments are those with its name, and those without one: they are from before
    there could be several targets.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.path = journal.directory / _NAME
        self._turn = threading.RLock()
        self._index: Index | None = None
        #: Length of results.tsv with the last experiment's row; None when that is not known.
        self.results_size: int | None = None
        self._last_read: tuple[tuple[int, int], Experiment] | None = None
        self._load()

    @classmethod
    def open(cls, journal: Journal) -> Chronicle:
        """Return what is known of a campaign: from its file, and from the journal what that lacks.

        Raises:
            JournalError: the journal is damaged, or the file can be neither read nor made anew.
        """
        return cls(journal)

    def close(self) -> None:
        """Let go of the file."""
        with self._turn:
            if self._index is not None:
                self._index.close()
                self._index = None

    def add(
        self, experiment: Experiment, offset: int, length: int, *, results: int | None = None
    ) -> None:
        """Take note of an experiment that is in the journal, at that place.

        `results` is the length of results.tsv with its row, None when that is not known.

        Raises:
            JournalError: the file cannot be written; the journal has the experiment all the same.
        """
        with self._turn:
            self._write([entry(Line(offset, length, experiment), results)])
            self._note(Row.of(experiment), experiment.tokens_used, experiment.cost_usd)
            self._elapsed, self.results_size = experiment.elapsed, results

    def note_results(self, size: int) -> None:
        """Remember the length that results.tsv has with the last experiment's row.

        Raises:
            JournalError: the file cannot be written.
        """
        query = "UPDATE experiments SET results = ? WHERE number = ?"
        self._ask(lambda index: index.ask(query, size, self._rows[-1].number))
        self.results_size = size

    # What is in memory ------------------------------------------------------------------------

    @property
    def rows(self) -> Sequence[Row]:
        """A slim row of every experiment, in the order in which they were recorded."""
        return self._rows

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def last_number(self) -> int:
        """The highest number of an experiment, -1 when there is none."""
        return self._last_number

    @property
    def elapsed(self) -> float:
        """Seconds that the campaign had run when its last experiment ended."""
        return self._elapsed

    @property
    def spent(self) -> Spending:
        """What all experiments cost."""
        return self.spent_with(Usage())

    def spent_with(self, usage: Usage) -> Spending:
        """Return what all experiments cost together with what came to none."""
        return Spending(*_sum(self._spent, usage.tokens, usage.cost_usd))

    @property
    def head(self) -> str:
        """Commit at which the branch stands: of the last keep or baseline; empty without one."""
        return self._head

    def statuses(self, target: str | None = None) -> Counter[str]:
        """Return how many experiments of a target have each status; of all without a target."""
        return Counter(row.status for row in self._of(target))

    def reasons(self, target: str | None = None) -> Counter[str]:
        """Return how many experiments of a target have each reason, where there is one."""
        return Counter(row.reason for row in self._of(target) if row.reason)

    # What is looked up ------------------------------------------------------------------------

    def experiment(self, number: int) -> Experiment:
        """Return all of an experiment, from the journal.

        Raises:
            KeyError: there is none of that number.
            JournalError: its line is damaged.
        """
        query = "SELECT offset, length FROM experiments WHERE number = ?"
        found = self._ask(lambda index: index.ask(query, number))
        if not found:
            raise KeyError(number)
        # The best one is asked for again and again: for every brief, for every line of a report.
        last = self._last_read
        if last is None or last[0] != found[0]:
            last = self._last_read = found[0], self._journal.at(*found[0])
        return last[1]

    def find(self, fingerprint: str, *, since: int = 0) -> int | None:
        """Return the first experiment with a fingerprint, of those from a number on."""
        query = (
            "SELECT MIN(number) FROM experiments "
            "WHERE fingerprint = ? AND fingerprint != '' AND number >= ?"
        )
        ((number,),) = self._ask(lambda index: index.ask(query, fingerprint, since))
        return None if number is None else int(number)

    def lean(self, numbers: Iterable[int]) -> list[Experiment]:
        """Return experiments without diff, pairs, stages and output of guards, in that order.

        Raises:
            KeyError: there is none of one of the numbers.
        """
        query = "SELECT number, lean FROM experiments WHERE number IN "
        wanted = list(numbers)

        def fetch(index: Index) -> list[Experiment]:
            found: dict[int, Experiment] = {}
            for begun in range(0, len(wanted), _BATCH):
                batch = wanted[begun : begun + _BATCH]
                texts = index.ask(f"{query}({', '.join('?' * len(batch))})", *batch)
                found |= {number: lean_from(text) for number, text in texts}
            return [found[number] for number in wanted]

        return self._ask(fetch)

    def all_lean(self) -> Iterator[Experiment]:
        """Yield all experiments as `lean` returns them, oldest first, a few at a time."""
        numbers = iter([row.number for row in self._rows])
        while batch := list(islice(numbers, _BATCH)):
            yield from self.lean(batch)

    def made(self, commit: str) -> Experiment:
        """Return the last experiment with a commit, as `lean` returns it.

        Raises:
            KeyError: there is none.
        """
        number = next((row.number for row in reversed(self._rows) if row.commit == commit), None)
        if number is None:
            raise KeyError(commit)
        return self.lean([number])[0]

    def keeps(self, target: str | None = None) -> list[Experiment]:
        """Return what was kept, oldest first, as `lean` returns it."""
        return self.lean(row.number for row in self._of(target) if row.status == "keep")

    def biggest(self, target: str | None = None, count: int = 10) -> list[Experiment]:
        """Return the keeps that gained most, the biggest first, as `lean` returns them."""
        kept = [
            (row.log_gain, row.number)
            for row in self._of(target)
            if row.status == "keep" and row.log_gain is not None
        ]
        return self.lean(number for _, number in nlargest(count, kept))

    def latest(self, target: str | None = None, count: int = 300) -> list[Experiment]:
        """Return the last experiments, the baseline too, oldest first, as `lean` returns them."""
        rows = islice(self._of(target, self._rows[::-1]), count)
        return self.lean([row.number for row in rows][::-1])

    def costs(self) -> list[float]:
        """Return the dollars of every experiment that has a price, oldest first."""
        query = "SELECT cost FROM experiments WHERE cost IS NOT NULL ORDER BY offset"
        return [cost for (cost,) in self._ask(lambda index: index.ask(query))]

    # How it comes to be -----------------------------------------------------------------------

    def _of(self, target: str | None, rows: Sequence[Row] | None = None) -> Iterator[Row]:
        chosen = self._rows if rows is None else rows
        return (row for row in chosen if target is None or row.target in {target, ""})

    def _load(self, *, anew: bool = False) -> None:
        """Open the file, bring it up to the journal's last line and read the rows from it."""
        with self._turn:
            self.close()
            self._last_read = None
            self._index = open_index(self.path, anew=anew)
            try:
                end = self._fitting_end(self._index)
                if end is None:
                    self._index.close()
                    self._index, end = open_index(self.path, anew=True), 0
                self._catch_up(end)
                self._read_rows(self._index)
            except faults() as error:
                self.close()
                if anew or transient(error):
                    raise self._failure("read", error) from error
                self._load(anew=True)
            except BaseException:
                self.close()
                raise

    def _fitting_end(self, index: Index) -> int | None:
        """Return up to where the file knows the journal; None when it is not of this journal."""
        query = "SELECT offset, length, lean FROM experiments ORDER BY offset DESC LIMIT 1"
        last = index.ask(query)
        if not last:
            return 0
        ((offset, length, text),) = last
        try:
            same = lean(self._journal.at(offset, length)) == lean_from(text)
        except (JournalError, ValueError):
            return None
        return int(offset + length) if same else None

    def _catch_up(self, end: int) -> None:
        lines = self._journal.scan(end, lean=True)
        while batch := [entry(line, None) for line in islice(lines, _BATCH)]:
            self._write(batch)

    def _write(self, entries: Sequence[Sequence[object]]) -> None:
        assert self._index is not None, "the chronicle is closed"
        try:
            self._index.add(entries)
        except faults() as error:
            if "UNIQUE" in str(error):
                raise self._damage("two experiments of one number", entries) from error
            raise self._failure("written", error) from error
        except (OverflowError, UnicodeEncodeError) as error:  # as no campaign writes it
            raise self._damage(f"what no experiment can have ({error})", entries) from error

    def _read_rows(self, index: Index) -> None:
        self._rows: list[Row] = []
        self._last_number, self._head = -1, ""
        self._spent: _Spent = (None, None, 0)
        self._elapsed = 0.0
        self.results_size = None
        # Thousands of rows repeat few texts.
        shared: dict[str, str] = {}
        words = Words()
        for found in index.ask(f"SELECT {_SLIM} FROM experiments ORDER BY offset"):  # noqa: S608
            number, status, reason, search, target, made, parent, gain, *rest = found
            tokens, cost, self._elapsed, self.results_size = rest
            row = Row(
                number,
                cast("Status", words[status]),
                words[reason],
                made,
                shared.setdefault(parent, parent),
                gain,
                words[search],
                words[target],
            )
            self._note(row, tokens, cost)

    def _note(self, row: Row, tokens: int | None, cost: float | None) -> None:
        self._rows.append(row)
        self._last_number = max(self._last_number, row.number)
        if row.status in {"keep", "baseline"}:
            self._head = row.commit
        self._spent = _sum(self._spent, tokens, cost)

    def _ask(self, question: Callable[[Index], Found]) -> Found:
        """Return what the file answers; one that is damaged is made anew, and asked again."""
        with self._turn:
            assert self._index is not None, "the chronicle is closed"
            try:
                return question(self._index)
            except faults() as error:
                if transient(error):
                    raise self._failure("read", error) from error
            except (JournalError, ValueError):  # no such experiment was ever written there
                pass
            self._load(anew=True)
            try:
                return question(self._index)
            except faults() as error:
                raise self._failure("read", error) from error

    def _damage(self, what: str, entries: Sequence[Sequence[object]]) -> JournalError:
        place = f"{self._journal.path} holds {what}, from byte {entries[0][0]} on"
        return JournalError(f"{place}. Restore it from a copy, then start again.")

    def _failure(self, verb: str, error: Exception) -> JournalError:
        return record_failure(verb, self.path, error, self._journal.tag)


def _sum(spent: _Spent, tokens: int | None, cost: float | None) -> _Spent:
    """Return a sum with one more part, as `Spending.of` adds them up."""
    counted, total, unpriced = spent
    if tokens is not None:
        counted = (counted or 0) + tokens
    if cost is None:
        return counted, total, unpriced + (tokens or 0)
    return counted, cost if total is None else total + cost, unpriced
