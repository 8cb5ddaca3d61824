"""Fresh inputs from recorded calls: other values of the same types, in the same places.

A candidate that knows the recorded calls gains nothing on these. There are several mutators, from
strong to gentle, because nobody says what a function demands of its arguments: whoever uses them
takes the strongest one that the original copes with as it copes with the recorded calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated import numbers, texts
from pytest_autoloop.evaluation.isolated.facts import (
    Arguments,
    Facts,
    Observed,
    Path,
    is_large,
    is_record,
    observe,
    parameters,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

__all__ = ["GENTLE", "MUTATORS", "Arguments", "Mutator", "Observed", "fresh", "observe"]


@dataclass(frozen=True, slots=True)
class Mutator:
    """How far a mutated call may be from the recorded one."""

    name: str
    #: Containers get other lengths.
    lengths: bool = False
    #: Numbers are drawn anew from the range that was seen.
    numbers: bool = False
    #: Equal whole numbers become equal others, everywhere in the call: labels of a graph.
    labels: bool = False
    #: Letters become others of their case.
    letters: bool = False
    #: Digits in texts become others.
    digits: bool = False
    #: Items that stand in no order change places.
    shuffles: bool = False
    #: Single numbers move a little.
    nudges: bool = False


#: From strong to gentle.
MUTATORS = (
    Mutator("lengths", lengths=True, numbers=True, letters=True, digits=True),
    Mutator("values", numbers=True, letters=True, digits=True),
    Mutator("labels", labels=True, letters=True, digits=True),
    Mutator("numbers", numbers=True, digits=True),
    Mutator("shuffles", shuffles=True, digits=True),
    Mutator("digits", digits=True, nudges=True),
    Mutator("swaps", shuffles=True),
    Mutator("nudges", nudges=True),
)
#: Those that keep lengths and nesting, and so about what a call costs.
GENTLE = tuple(mutator for mutator in MUTATORS if not mutator.lengths)


def fresh(
    arguments: Arguments,
    observed: Observed,
    rng: random.Random,
    mutator: Mutator,
    own: Observed | None = None,
) -> Arguments:
    """Return another call of the same kind; the given one is left as it is.

    `observed` is what all recorded calls of the function show, `own` what this one shows: where
    that is given, it need not be found out again for each fresh call.
    """
    # Where values keep their shape, they also keep the cost of this very call.
    range_of = observed if mutator.lengths else own or observe([arguments])
    variation = _Variation(arguments, observed, range_of.facts, rng, mutator)
    positional, named = arguments
    return (
        tuple(variation.parameter(place, value) for place, value in enumerate(positional)),
        {name: variation.parameter(name, value) for name, value in named.items()},
    )


class _Variation:
    """One mutation of one call: what was replaced once is replaced alike everywhere in it."""

    def __init__(
        self,
        arguments: Arguments,
        observed: Observed,
        facts: dict[Path, Facts],
        rng: random.Random,
        mutator: Mutator,
    ) -> None:
        self._observed = observed
        self._rng = rng
        self._mutator = mutator
        self._large = is_large(arguments)
        self._facts = facts
        self._table = texts.letters(rng) if mutator.letters else texts.digits(rng)
        self._labels = _relabelled(arguments, rng) if mutator.labels else {}
        self._resized: dict[int, int] = {}
        self._copies: dict[int, Any] = {}

    def parameter(self, name: Any, value: Any) -> Any:  # noqa: ANN401
        """Return what stands for one argument."""
        path = (name,)
        kind = type(value)
        if kind is int and name in self._observed.lengths:
            return self._resized.get(value, value) if self._mutator.lengths else value
        if kind is str and path in self._observed.choices:
            return self._choice(value, self._observed.choices[path])
        if kind is bool and self._mutator.lengths:
            return self._rng.random() < 0.5  # noqa: PLR2004
        if kind in {int, float}:
            return self._scalar(path, value)
        return self._value(path, value)

    def _choice(self, value: str, choices: tuple[str, ...]) -> str:
        # Another mode costs something else: only where nothing is timed.
        return self._rng.choice(choices) if self._mutator.lengths else value

    def _scalar(self, path: Path, value: Any) -> Any:  # noqa: ANN401
        """Vary a bare number: it may size something, or be all that there is."""
        if self._mutator.lengths:
            seen = self._observed.facts[path].numbers if path in self._observed.facts else [value]
            drawn = numbers.alike(value, seen, self._rng)
            if type(value) is int and self._rng.random() < 0.5:  # noqa: PLR2004
                moved = drawn + self._rng.choice((-1, 1))
                return moved if moved >= min(0, *seen, value) else drawn
            return drawn
        if self._mutator.labels and type(value) is int:
            return self._labels.get(value, value)
        if not self._large and (self._mutator.numbers or self._mutator.nudges):
            return numbers.near(value, self._rng)
        return value

    def _value(self, path: Path, value: Any) -> Any:  # noqa: ANN401
        kind = type(value)
        if kind in _CONTAINERS or _is_array(kind):
            # What stands in two places does so in the fresh call as well.
            known = self._copies.get(id(value))
            if known is None:
                known = self._copies[id(value)] = self._container(path, value)
            return known
        if kind is str:
            return self._text(value)
        if kind is int:
            return self._whole(path, value)
        if kind is float:
            return self._inner(path, value)
        if kind is bytes:
            return _bytes(value, self._rng, self._mutator)
        return value

    def _inner(self, path: Path, value: Any) -> Any:  # noqa: ANN401
        if self._mutator.numbers:
            facts = self._facts.get(path)
            return numbers.alike(value, facts.numbers, self._rng) if facts else value
        return numbers.near(value, self._rng) if self._mutator.nudges else value

    def _whole(self, path: Path, value: int) -> int:
        if self._mutator.labels:
            return self._labels.get(value, value)
        moved: int = self._inner(path, value)
        return moved

    def _text(self, value: str) -> str:
        if value in self._observed.names:
            return value
        if self._mutator.lengths and len(value) > 1 and self._rng.random() < 0.5:  # noqa: PLR2004
            value = texts.resized(value, self._rng)
        if self._mutator.shuffles:
            value = texts.swapped(value, self._rng)
        if self._mutator.letters or self._mutator.digits:
            return value.translate(self._table)
        return value

    def _container(self, path: Path, value: Any) -> Any:  # noqa: ANN401
        kind = type(value)
        ways: dict[type, Callable[[Path, Any], Any]] = {
            list: self._list,
            tuple: self._tuple,
            dict: self._dict,
        }
        if kind in ways:
            return ways[kind](path, value)
        if kind in {set, frozenset}:
            return kind(self._value((*path, "*"), item) for item in _ordered(value))
        if kind is bytearray:
            return bytearray(_bytes(bytes(value), self._rng, self._mutator))
        if self._mutator.numbers or self._mutator.nudges:
            return numbers.array(value, self._rng)
        return value.copy()

    def _tuple(self, path: Path, value: tuple[Any, ...]) -> tuple[Any, ...]:
        kinds = {type(item) for item in value}
        # A few numbers are a record, many are a series.
        if len(value) > _LONGEST_RECORD and kinds in ({int}, {float}):
            return tuple(self._list(path, list(value)))
        if kinds in ({int}, {float}):
            return tuple(self._value((*path, 0), item) for item in value)
        return tuple(self._value((*path, place), item) for place, item in enumerate(value))

    def _list(self, path: Path, value: list[Any]) -> list[Any]:
        if not value:
            return []
        always = self._observed.facts.get(path) or Facts()
        count = self._count(len(value)) if self._mutator.lengths else len(value)
        kinds = {type(item) for item in value}
        if kinds in ({int}, {float}):
            return self._series(value, always, count, kinds == {int})
        if count != len(value):
            value = self._rng.choices(value, k=count)
        found = [self._value((*path, "*"), item) for item in value]
        if always.sequences and always.symmetric:
            _mirror(found, value)
        if self._mutator.shuffles and not (always.ascending or always.descending or always.square):
            self._rng.shuffle(found)
        return _in_order(found, always)

    def _series(self, value: list[Any], always: Facts, count: int, whole: bool) -> list[Any]:
        mutator, rng = self._mutator, self._rng
        if mutator.numbers:
            return numbers.series(value, always, count, rng)
        if mutator.labels and whole:
            return _in_order([self._labels.get(item, item) for item in value], always)
        ordered = always.sequences and (always.ascending or always.descending)
        found = list(value)
        if mutator.nudges:
            found = [numbers.near(item, rng) for item in value]
            return _in_order(found, always)
        if mutator.shuffles and not ordered:
            rng.shuffle(found)
        return found

    def _dict(self, path: Path, value: dict[Any, Any]) -> dict[Any, Any]:
        if is_record(value):
            return {key: self._value((*path, key), item) for key, item in value.items()}
        varied: dict[Any, Any] = {}
        for key, item in value.items():
            varied[self._key(path, key)] = self._value((*path, "v"), item)
        return varied

    def _key(self, path: Path, key: Any) -> Any:  # noqa: ANN401
        kind = type(key)
        if kind is str:
            return key if self._mutator.shuffles or self._mutator.lengths else self._text(key)
        if kind is int and self._mutator.labels:
            return self._labels.get(key, key)
        if kind is tuple and (self._mutator.labels or self._mutator.letters):
            return tuple(self._key(path, item) for item in key)
        return key

    def _count(self, length: int) -> int:
        """Return the new length for all containers that have this one."""
        if length not in self._resized:
            most = min(2 * length + 2, length + 200)
            self._resized[length] = self._rng.choice(
                (length, self._rng.randint(1, most), self._rng.randint(1, max(1, length)))
            )
        return self._resized[length]


#: More numbers than that in a tuple are a series.
_LONGEST_RECORD = 8
_CONTAINERS = frozenset({list, tuple, dict, set, frozenset, bytearray})


def _is_array(kind: type) -> bool:
    return kind.__module__ == "numpy" and kind.__name__ == "ndarray"


def _ordered(members: Any) -> list[Any]:  # noqa: ANN401
    # The order of a set's strings depends on the hash seed: equal seeds must give equal inputs.
    return sorted(members, key=lambda member: (type(member).__name__, repr(member)))


def _in_order(items: list[Any], always: Facts) -> list[Any]:
    if always.sequences and (always.ascending or always.descending):
        try:
            items.sort(reverse=not always.ascending)
        except TypeError:
            return items
    return items


def _mirror(rows: list[Any], before: list[Any]) -> None:
    """Make rows symmetric again; what stands on the diagonal, often zero, stays."""
    for i, row in enumerate(rows):
        for j in range(min(i + 1, len(row))):
            if type(row) is list and len(rows[j]) > i:
                row[j] = before[i][i] if i == j and len(before[i]) > i else rows[j][i]


def _bytes(value: bytes, rng: random.Random, mutator: Mutator) -> bytes:
    if not value:
        return value
    if all(byte < 128 for byte in value):  # noqa: PLR2004 - text in all but name
        table = texts.letters(rng) if mutator.letters else texts.digits(rng)
        return value.decode("ascii").translate(table).encode("ascii")
    if not (mutator.numbers or mutator.shuffles):
        return value
    found = list(value)
    rng.shuffle(found)
    return bytes(found)


def _relabelled(arguments: Arguments, rng: random.Random) -> dict[int, int]:
    """Return a permutation of the whole numbers in a call: a graph keeps its shape."""
    found: set[int] = set()
    for _, value in parameters(arguments):
        _collect(value, found)
    before = sorted(found)
    after = list(before)
    rng.shuffle(after)
    return dict(zip(before, after, strict=True))


def _collect(value: Any, found: set[int]) -> None:  # noqa: ANN401
    kind = type(value)
    if kind is int:
        found.add(value)
    elif kind is dict:
        for key, item in value.items():
            _collect(key, found)
            _collect(item, found)
    elif kind in {list, tuple, set, frozenset}:
        for item in value:
            _collect(item, found)
