"""What was tried where, and whether it is worth another try."""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

from pytest_autoloop import text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from pytest_autoloop.model import Experiment, Json, Outcome

#: It worked, and gained too little beside what there was at the time.
_MEASURED = frozenset({"no-gain", "regression", "constraint", "unverified-gain"})
#: Characters by which a description is known: a campaign cuts long ones.
_COMPARED = 120
#: How often such an idea is tried while its place stays as it is.
_TRIES = 2


def known_as(description: str) -> str:
    """Return what a campaign makes of a description, short enough to be compared."""
    return text.visible(" ".join(description.split()))[:_COMPARED]


class Idea(NamedTuple):
    """A rewrite at a place; when the place changes it is another idea."""

    #: By `known_as`.
    description: str
    #: Which one in the file of those with this description, from 0.
    occurrence: int
    #: Digest of the place's text.
    place: bytes

    @classmethod
    def of(cls, entry: dict[str, Json]) -> Idea | None:
        """Read what `entry` wrote; None when it is something else."""
        words, occurrence, place = (entry.get(key) for key in cls._fields)
        if not (isinstance(words, str) and isinstance(occurrence, int) and isinstance(place, str)):
            return None
        try:
            return cls(words, occurrence, bytes.fromhex(place))
        except ValueError:
            return None

    def entry(self) -> dict[str, Json]:
        """Return it as JSON has it."""
        return {**self._asdict(), "place": self.place.hex()}


class Memory:
    """The ideas that were proposed, and what became of them."""

    def __init__(self) -> None:
        self._tries: Counter[Idea] = Counter()
        self._known: set[tuple[str, int]] = set()
        self._refused: set[Idea] = set()
        #: Number of the experiment and description of what waits for an outcome: of this session,
        #: and of earlier ones, of which nobody knows yet whether they were judged.
        self._waiting: dict[tuple[int, str], Idea] = {}
        self._recalled: dict[tuple[int, str], Idea] = {}
        self._told: set[int] = set()
        #: Whether each was refused, of ideas from before this process, whose places are unknown.
        self._earlier: dict[str, list[bool]] = {}

    def learn(self, rows: Iterable[Outcome | Experiment], *, own: bool = False) -> None:
        """Hear what became of experiments; those that are known already change nothing.

        Args:
            rows: the experiments, oldest first.
            own: whether all of them are of these ideas. Then a number may be another one than it
                was meant to be, as it is where several are under way.

        """
        for row in rows:
            if row.number in self._told:
                continue
            self._told.add(row.number)
            worked = row.status in {"keep", "explore"} or row.reason in _MEASURED
            description = known_as(row.description)
            idea = self._found(row.number, description, own=own)
            if idea is None:
                self._earlier.setdefault(description, []).append(not worked)
            elif not worked:
                self._refused.add(idea)

    def recall(self, idea: Idea, number: int) -> None:
        """Hear what an earlier session proposed; without an outcome it was never tried."""
        self._recalled[number, idea.description] = idea

    def propose(self, idea: Idea, number: int) -> None:
        """Remember that an idea is proposed for the experiment of this number."""
        self._count(idea)
        self._waiting[number, idea.description] = idea

    def rank(self, idea: Idea) -> int | None:
        """Return 0 for a new idea, 1 for a known one at a new place, 2 for another try, or None."""
        self._place(idea)
        if (idea.description, idea.occurrence) not in self._known:
            return 0
        if idea in self._refused or self._tries[idea] >= _TRIES:
            return None
        return 2 if self._tries[idea] else 1

    def _found(self, number: int, description: str, *, own: bool) -> Idea | None:
        """Return the idea that a row is about; None when it is unknown."""
        keys = [(number, description)]
        if own:
            both = (*self._waiting, *self._recalled)
            keys += [key for key in both if key[1] == description]
        for key in keys:
            if key in self._waiting:
                return self._waiting.pop(key)
            if key in self._recalled:
                idea = self._recalled.pop(key)
                self._count(idea)
                return idea
        return None

    def _count(self, idea: Idea) -> None:
        self._tries[idea] += 1
        self._known.add(idea[:2])

    def _place(self, idea: Idea) -> None:
        """Take the present place for that of an idea from before: nobody knows of another."""
        earlier = self._earlier.get(idea.description, [])
        if idea.occurrence < len(earlier) and idea[:2] not in self._known:
            self._count(idea)
            if earlier[idea.occurrence]:
                self._refused.add(idea)


class Places:
    """Knows what text surrounds the lines of one source."""

    def __init__(self, source: bytes) -> None:
        self._lines = source.splitlines(keepends=True)
        self._functions = sorted(_functions(source), key=lambda span: span[1] - span[0])

    def digest(self, lines: Iterable[int]) -> bytes:
        """Return a digest of some lines, counted from 1, with the functions that hold them."""
        wanted: set[int] = set()
        for line in lines:
            if line not in wanted:
                spans = ((first, last) for first, last in self._functions if first <= line <= last)
                first, last = next(spans, (line, line))
                wanted.update(range(first, last + 1))
        content = b"".join(b"".join(self._lines[line - 1 : line]) for line in sorted(wanted))
        return hashlib.sha256(content).digest()


def _functions(source: bytes) -> Iterator[tuple[int, int]]:
    """Yield the first and the last line of each function, its decorators among them."""
    with warnings.catch_warnings():
        # The target's own doubtful escapes are not news.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(source)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = min([node.lineno, *(one.lineno for one in node.decorator_list)])
            yield first, node.end_lineno or first
