"""What recorded calls of one function show: which values stand where, and what always holds."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

#: Positional and keyword arguments of one call.
Arguments: TypeAlias = "tuple[tuple[Any, ...], dict[str, Any]]"
#: Where a value stands: the parameter, then how to get there; "*" is any item of a list.
Path: TypeAlias = "tuple[Any, ...]"

#: As many values of one place are remembered; more would tell nothing new.
_REMEMBERED = 256
#: Up to so many short strings of one parameter are taken for a choice, like mode="fast".
_CHOICES = 8
_SHORT = 24
#: A call with so many values in it is varied by them; what it passes besides stays as it is.
_LARGE = 8


@dataclass(slots=True)
class Facts:
    """What holds for every value that was seen in one place."""

    ascending: bool = True
    descending: bool = True
    unique: bool = True
    #: The numbers are those of a range, in any order.
    permutation: bool = True
    #: The items have equal lengths.
    even: bool = True
    #: As many rows as columns, equal across the diagonal.
    square: bool = True
    symmetric: bool = True
    #: How many sequences of at least two items were seen.
    sequences: int = 0
    #: Whether a number below zero was seen.
    negative: bool = False
    numbers: list[Any] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Observed:
    """All that is known about one function's arguments."""

    facts: dict[Path, Facts]
    #: Strings that are keys of records: whoever names a column names one of them.
    names: frozenset[str]
    #: Parameters that take one of a few short strings.
    choices: dict[Path, tuple[str, ...]]
    #: Parameters that are always the length of another argument.
    lengths: frozenset[Any]


def parameters(arguments: Arguments) -> list[tuple[Any, Any]]:
    """Return each parameter, by place or name, with its value."""
    positional, named = arguments
    return [*enumerate(positional), *named.items()]


def observe(calls: Iterable[Arguments]) -> Observed:
    """Note what recorded calls of one function have in common."""
    observer = _Observer()
    for call in calls:
        observer.add(call)
    return observer.finish()


def is_large(arguments: Arguments) -> bool:
    """Tell whether there is enough in a call to make it another one without touching scalars."""
    return sum(_size(value) for _, value in parameters(arguments)) >= _LARGE


def _size(value: object) -> int:
    if isinstance(value, str | bytes | bytearray):
        return len(value)
    if isinstance(value, dict):
        return sum(1 + _size(item) for item in value.values())
    if isinstance(value, list | tuple | set | frozenset):
        if len(value) >= _LARGE:
            return len(value)
        return sum(1 + _size(item) for item in value)
    return int(getattr(value, "size", 0))


def _names(container: object, text: str) -> bool:
    """Tell whether a text is a key or an item of a container: the start node of a graph."""
    if isinstance(container, dict):
        return not is_record(container) and text in container
    return isinstance(container, list | tuple | set | frozenset) and text in container


def is_record(value: dict[Any, Any]) -> bool:
    """Tell whether a dict's keys are names of fields: strings, with values of several kinds."""
    if not value or not all(type(key) is str and key.isidentifier() for key in value):
        return False
    return len({type(item) for item in value.values()}) > 1


class _Observer:
    def __init__(self) -> None:
        self._facts: dict[Path, Facts] = {}
        self._names: set[str] = set()
        self._calls = 0
        self._lengths: dict[Any, list[bool]] = {}
        self._alone: set[Any] = set()

    def add(self, call: Arguments) -> None:
        self._calls += 1
        found = parameters(call)
        sizes = {len(value) for _, value in found if hasattr(value, "__len__")}
        for parameter, value in found:
            if type(value) is int:
                self._lengths.setdefault(parameter, []).append(value in sizes)
            if not any(other != parameter and _size(item) for other, item in found):
                self._alone.add(parameter)
            if type(value) is str and any(_names(item, value) for _, item in found):
                self._alone.add(parameter)
            self._note((parameter,), value)

    def finish(self) -> Observed:
        choices = {
            path: tuple(sorted(facts.texts))
            for path, facts in self._facts.items()
            if len(path) == 1 and self._is_choice(path, facts)
        }
        lengths = frozenset(
            parameter for parameter, is_one in self._lengths.items() if all(is_one) and is_one
        )
        return Observed(self._facts, frozenset(self._names), choices, lengths)

    def _is_choice(self, path: Path, facts: Facts) -> bool:
        texts = facts.texts
        if not texts or len(texts) > _CHOICES:
            return False
        if not all(len(text) <= _SHORT and text.isascii() and " " not in text for text in texts):
            return False
        # The only thing that a function is given is what it works on, however short.
        return path[0] not in self._alone

    def _note(self, path: Path, value: Any) -> None:  # noqa: ANN401
        facts = self._facts.setdefault(path, Facts())
        facts.seen += 1
        kind = type(value)
        if kind in {int, float}:
            if len(facts.numbers) < _REMEMBERED:
                facts.numbers.append(value)
            facts.negative |= value < 0
        elif kind is str:
            if len(facts.texts) <= _CHOICES:
                facts.texts.add(value)
        elif kind in {list, tuple}:
            self._note_sequence(path, value, facts)
        elif kind is dict:
            if is_record(value):
                self._names.update(value)
            for key, item in value.items():
                self._note((*path, key if is_record(value) else "v"), item)

    def _note_sequence(self, path: Path, value: Sequence[Any], facts: Facts) -> None:
        if len(value) > 1:
            facts.sequences += 1
            note_order(value, facts)
        kinds = {type(item) for item in value}
        if kinds <= {int} or kinds <= {float}:
            facts.negative |= any(item < 0 for item in value)
            return
        mixed = type(value) is tuple
        for place, item in enumerate(value):
            self._note((*path, place if mixed else "*"), item)


def note_order(value: Sequence[Any], facts: Facts) -> None:
    """Strike from the facts what does not hold for this sequence."""
    try:
        ordered = sorted(value)
        distinct = len(set(value)) == len(value)
    except TypeError:
        facts.ascending = facts.descending = facts.unique = facts.permutation = False
    else:
        facts.ascending &= ordered == list(value)
        facts.descending &= ordered[::-1] == list(value)
        facts.unique &= distinct
        whole = distinct and all(type(item) is int for item in value)
        facts.permutation &= whole and ordered[-1] - ordered[0] == len(value) - 1
    rows = all(type(item) in {list, tuple} for item in value)
    facts.even &= rows and len({len(item) for item in value}) == 1
    facts.square &= facts.even and len(value[0]) == len(value)
    if facts.symmetric:
        facts.symmetric = facts.square and all(
            value[i][j] == value[j][i] for i in range(len(value)) for j in range(i)
        )
