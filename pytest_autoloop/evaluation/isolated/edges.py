"""Inputs at the edge of what a function is for: empty, single, repeated, long, extreme, foreign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pytest_autoloop.evaluation.isolated.facts import Arguments, Facts, Observed, parameters

if TYPE_CHECKING:
    import random
    from collections.abc import Callable

#: Letters beyond ASCII: accents, one that lengthens in upper case, other scripts, title case,
#: combining marks, emoji. No word ends with a capital sigma: whether it becomes the final form
#: depends on what lower() is given, a word or its letters, and both are honest.
_WORDS = (
    "é",
    "Éclair naïve",
    "straße Maß",
    "Σίσυφος Ωμέγα",
    "Жук жук",
    "日本語 日本",
    "ǅungla ǆ",
    "e\u0301te\u0301 \u0301",
    "🙂 ok 🙂",
    "\u0663\u0664 ٣x",
    "ﬁn\u00a0de\u2003ligne",
    "x\u00b2 ½ ª",
)
_SPACES = ("", " ", "\t\n", "\r\n \x0b\x0c", "\x00", "_", "-", "a", "A", "aA aA", "0", "'", '"')
_FLOATS = (0.0, -0.0, 1.0, -1.0, 0.1, 1e-12, -1e-9, 1e9, -1e12, 0.5)
#: Beyond 32 bits and, with the last, beyond any machine word; nothing whose double overflows one.
_WHOLE = (0, 1, -1, 2, -2, 255, 2**31, -(2**31) - 1, 2**40, 10**30)
_LONGEST = 4000


def edge(arguments: Arguments, observed: Observed, rng: random.Random) -> Arguments:
    """Return a recorded call in which one argument stands at the edge of its type.

    It keeps what every recorded call shows: order, uniqueness, no number below zero.
    """

    def replace(name: Any, value: Any) -> Any:  # noqa: ANN401
        facts = observed.facts.get((name,)) or Facts()
        return _kept(value, _edge(name, value, observed, rng), facts)

    return _replaced(arguments, rng, replace)


def foreign(arguments: Arguments, observed: Observed, rng: random.Random) -> Arguments:
    """Return a recorded call in which one argument is nothing that was ever recorded.

    It is of another type, or breaks what every recorded call shows.
    """

    def replace(name: Any, value: Any) -> Any:  # noqa: ANN401
        if rng.random() < 0.5:  # noqa: PLR2004
            return rng.choice(_foreign(value))
        if type(value) in {int, float}:
            return rng.choice((-1, -2, 0)) if type(value) is int else rng.choice((-1.0, 0.0))
        return _edge(name, value, observed, rng)

    return _replaced(arguments, rng, replace)


def other_types(arguments: Arguments) -> list[Arguments]:
    """Return a call once for each argument and each type that it is not of."""
    positional, named = arguments
    found: list[Arguments] = []
    for place, value in enumerate(positional):
        found += [
            ((*positional[:place], other, *positional[place + 1 :]), named)
            for other in _foreign(value)
        ]
    for name, value in named.items():
        found += [(positional, {**named, name: other}) for other in _foreign(value)]
    return found


def _kept(value: Any, found: Any, facts: Facts) -> Any:  # noqa: ANN401
    kind = type(value)
    if kind in {int, float}:
        return found if found >= 0 or facts.negative or value < 0 else abs(found)
    if kind not in {list, tuple}:
        return found
    items = list(found)
    if items and {type(item) for item in items} in ({int}, {float}) and not facts.negative:
        items = [abs(item) for item in items]
    if not facts.sequences:
        return kind(items)
    if facts.permutation or facts.even:
        # Few edges of such a thing are one.
        return kind(items) if not items else value
    return kind(_ordered(items, facts))


def _ordered(items: list[Any], facts: Facts) -> list[Any]:
    try:
        if facts.unique:
            items = list(dict.fromkeys(items))
        if facts.ascending or facts.descending:
            items.sort(reverse=not facts.ascending)
    except TypeError:
        return []
    return items


def _replaced(arguments: Arguments, rng: random.Random, replace: Any) -> Arguments:  # noqa: ANN401
    found = parameters(arguments)
    if not found:
        return arguments
    chosen, value = rng.choice(found)
    other = replace(chosen, value)
    positional, named = arguments
    return (
        tuple(other if place == chosen else item for place, item in enumerate(positional)),
        {name: other if name == chosen else item for name, item in named.items()},
    )


def _foreign(value: object) -> tuple[object, ...]:
    kinds: dict[type, tuple[object, ...]] = {
        int: (float(value) if type(value) is int and abs(value) < 2**53 else 1.5, "1", None),
        float: ("1.0", None, [1.0]),
        str: (None, 7, b"bytes", ["text"]),
        list: ("text", None, 7, tuple(value) if type(value) is list else ()),
        tuple: ("text", None, 7),
        dict: (None, [], "text"),
        set: (None, [], "text"),
        bytes: (None, "text", 7),
    }
    return kinds.get(type(value), (None,))


def _edge(name: Any, value: Any, observed: Observed, rng: random.Random) -> Any:  # noqa: ANN401
    kind = type(value)
    if kind is int:
        return _whole(name, value, observed, rng)
    if kind is str and (name,) in observed.choices:
        return rng.choice((*observed.choices[name,], "", value.upper(), "unheard-of"))
    if hasattr(value, "dtype") and hasattr(value, "ndim"):
        return _array(value, rng)
    ways: dict[type, Callable[[], Any]] = {
        float: lambda: rng.choice((*_FLOATS, -value, value * 1e6)),
        str: lambda: _text(value, rng),
        bytes: lambda: _bytes(value, rng),
        bytearray: lambda: bytearray(_bytes(bytes(value), rng)),
        list: lambda: _items(value, rng),
        tuple: lambda: tuple(_items(list(value), rng)),
        dict: lambda: _members(value, kind, rng),
        set: lambda: _members(value, kind, rng),
        frozenset: lambda: _members(value, kind, rng),
    }
    return ways[kind]() if kind in ways else value


def _bytes(value: bytes, rng: random.Random) -> bytes:
    return rng.choice((b"", b"\x00", b"\xff\xfe", value * 2, value[:1]))


def _whole(name: Any, value: int, observed: Observed, rng: random.Random) -> int:  # noqa: ANN401
    facts = observed.facts.get((name,))
    seen = facts.numbers if facts else [value]
    near = [0, 1, -1, 2, value - 1, value + 1, min(seen) - 1, max(seen) + 1]
    # A number that sizes something would make the original run for years.
    if max(map(abs, seen)) > 10**6:
        near += [-value, 2**31, 2**40, 10**30]
    return int(rng.choice(near))


def _text(value: str, rng: random.Random) -> str:
    words = value.split()[:20]
    choices = (
        rng.choice(_SPACES),
        rng.choice(_WORDS),
        " ".join([*words[:5], rng.choice(_WORDS), *words[5:10], rng.choice(_WORDS)]),
        _inserted(value, rng),
        value[:1],
        value[:1] * 50,
        value.upper()[:_LONGEST],
        value.title()[:_LONGEST],
        value[::-1],
        f"{value} {value}"[:_LONGEST],
        (value or "ab ") * max(1, min(20, _LONGEST // max(1, len(value)))),
        f" {value} ",
        value.replace(" ", "\n"),
    )
    return rng.choice(choices)


def _inserted(value: str, rng: random.Random) -> str:
    place = rng.randint(0, len(value))
    # A word that stands alone, so that its last letter is the last of a word.
    middle = rng.choice(_WORDS)
    return f"{value[:place]} {middle} {value[place:]}"


def _items(value: list[Any], rng: random.Random) -> list[Any]:
    length = len(value)
    head = value[:1]
    choices: list[Any] = [
        list,
        lambda: list(head),
        lambda: value[-1:],
        lambda: head * min(max(length, 3), 50),
        lambda: value[::-1],
        lambda: value + value if length <= _LONGEST else value,
        lambda: value[: length // 2],
        lambda: value[:2],
        lambda: rng.sample(value, length),
    ]
    kinds = {type(item) for item in value}
    if kinds == {int}:
        choices += [lambda: _spiced(value, _WHOLE, rng), lambda: [-item for item in value]]
        choices += [lambda: [0] * min(length, 50)]
    elif kinds == {float}:
        choices += [lambda: _spiced(value, _FLOATS, rng), lambda: [-item for item in value]]
        choices += [lambda: [0.0] * min(length, 50)]
    elif kinds == {str}:
        choices += [lambda: _spiced(value, (*_SPACES, *_WORDS), rng)]
        choices += [lambda: [_text(item, rng) for item in value[:50]]]
    elif kinds and kinds <= {list, tuple}:
        place = rng.randrange(length)
        item = value[place]
        inner = type(item)(_items(list(item), rng))
        choices += [lambda: [*value[:place], inner, *value[place + 1 :]]] * 3
    found: list[Any] = rng.choice(choices)()
    return found


def _spiced(value: list[Any], spices: tuple[Any, ...], rng: random.Random) -> list[Any]:
    found = list(value[:200])
    for _ in range(rng.randint(1, 3)):
        found.insert(rng.randint(0, len(found)), rng.choice(spices))
    return found


def _members(value: Any, kind: Any, rng: random.Random) -> Any:  # noqa: ANN401
    if kind is dict:
        pairs = list(value.items())
        return dict(rng.choice(([], pairs[:1], pairs[::-1], pairs[: len(pairs) // 2])))
    members = sorted(value, key=repr)
    return kind(rng.choice(([], members[:1], members[: len(members) // 2])))


def _array(value: Any, rng: random.Random) -> Any:  # noqa: ANN401
    """Return an edge of a numpy array: fewer rows, one value throughout, its negative."""
    import numpy  # noqa: PLC0415 - only where the target has arrays

    if not value.ndim:
        return value.copy()
    choices = [value[:0], value[:1], value[::-1], numpy.zeros_like(value)]
    if value.dtype.kind in "if":
        choices.append(-value)
    return numpy.ascontiguousarray(rng.choice(choices))
