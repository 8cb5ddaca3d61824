"""Hypothesis strategies, as source, from the values that calls had and the hints that they have.

Values say more than hints: which range, which letters, which keys. Numbers stay within what was
seen, for a slow function may never come back from a larger one; texts and lists also become empty.
"""

from __future__ import annotations

import ast
import string
from typing import TYPE_CHECKING

from pytest_autoloop.onboarding.literals import written

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Texts of a few words that are all names stand for choices.
_CHOICES = 4
_LONGEST_TEXT, _LONGEST_LIST = 200, 30
#: What hides errors: capitals, digits, ends of lines, letters of other alphabets.
_ODD = " aZé0\n"
_ALPHABET = 70
_WORDS = 8
_BY_HINT = {
    "int": "st.integers(0, 20)",
    "float": "st.floats(-1000, 1000)",
    "str": f"st.text(max_size={_LONGEST_TEXT // 4})",
    "bytes": f"st.binary(max_size={_LONGEST_TEXT // 4})",
    "bool": "st.booleans()",
    "None": "st.none()",
}
_LIST, _DICT = "st.lists({0}, max_size={size})", "st.dictionaries({0}, {1}, max_size={size})"
#: Name to how many parts stand in its brackets (0: any number), and the strategy of them.
_CONTAINERS = {
    **dict.fromkeys(("list", "List", "Sequence", "Iterable", "Collection"), (1, _LIST)),
    **dict.fromkeys(("set", "Set"), (1, "st.sets({0}, max_size={size})")),
    **dict.fromkeys(("dict", "Dict", "Mapping"), (2, _DICT)),
    **dict.fromkeys(("tuple", "Tuple"), (0, "st.tuples({all})")),
    "Optional": (1, "{0} | st.none()"),
}


def strategy(values: Sequence[object], hint: str = "") -> str:
    """Return the source of a strategy for values like these; empty where nothing is known.

    Args:
        values: what was seen in the place, plain data.
        hint: the annotation of the place, as it is written; empty without one.

    """
    kinds = {type(value) for value in values}
    parts = [_of_kind(kind, [v for v in values if type(v) is kind], hint) for kind in _KINDS]
    if kinds and not all(kind in _KINDS for kind in kinds):
        return ""
    told = [part for part in parts if part]
    if values and len(told) != len(kinds):
        return ""
    if not values:
        told = [_of_hint(hint)]
    elif "None" in hint.replace("Optional[", "None[") and type(None) not in kinds:
        told.append("st.none()")
    return " | ".join(dict.fromkeys(told))


_CONSTANT: dict[type, str] = {type(None): "st.none()", bool: "st.booleans()"}
_KINDS = (type(None), bool, int, float, str, bytes, list, tuple, set, dict)


def _of_kind(kind: type, values: Sequence[object], hint: str) -> str:
    if not values or kind in _CONSTANT:
        return _CONSTANT[kind] if values else ""
    if kind in {int, float}:
        return _numbers(kind, [v for v in values if isinstance(v, int | float)])
    if kind is str:
        return _texts([v for v in values if isinstance(v, str)])
    if kind is bytes:
        return f"st.binary(max_size={_size(values, _LONGEST_TEXT)})"
    if kind is dict:
        return _dicts([v for v in values if isinstance(v, dict)], hint)
    return _series(kind, [list(v) for v in values if isinstance(v, list | tuple | set)], hint)


def _numbers(kind: type, values: Sequence[int | float]) -> str:
    low, high = min(values), max(values)
    if kind is int:
        low, high = (min(low, 0), max(high, 0)) if low == high else (low, high)
        return f"st.integers({low}, {high})"
    if low == high:
        low, high = -2 * abs(low) - 1, 2 * abs(high) + 1
    return f"st.floats({low!r}, {high!r})"


def _texts(values: Sequence[str]) -> str:
    distinct = list(dict.fromkeys(values))
    choices = len(values) > len(distinct) or len(distinct) > 1
    if choices and len(distinct) <= _CHOICES and all(value.isidentifier() for value in distinct):
        return f"st.sampled_from({written(distinct)})"
    seen = {letter for value in values for letter in value}
    if seen & set(string.ascii_lowercase):
        seen |= set("etaoin")
    letters = "".join(sorted(seen | set(_ODD)))
    size = _size(values, _LONGEST_TEXT)
    alphabet = "" if len(letters) > _ALPHABET else f"{written(letters)}, "
    made = f"st.text({alphabet}max_size={size})"
    words = list(dict.fromkeys(word for value in distinct for word in value.split()))[:_WORDS]
    if len(words) > 1:
        # Words that come again, as they do in real texts and never by chance.
        made += f" | st.lists(st.sampled_from({written(words)})).map(' '.join)"
    return made


def _series(kind: type, values: Sequence[list[object]], hint: str) -> str:
    _, inner = _parts(hint)
    lengths = {len(value) for value in values}
    if kind is tuple and len(lengths) == 1 and lengths != {0}:
        columns = [[value[place] for value in values] for place in range(lengths.pop())]
        parts = [strategy(column) for column in columns]
        return f"st.tuples({', '.join(parts)})" if all(parts) else ""
    elements = strategy([one for value in values for one in value], inner[0] if inner else "")
    if not elements:
        return ""
    size = _size(values, _LONGEST_LIST)
    if kind is set:
        return f"st.sets({elements}, max_size={size})"
    made = f"st.lists({elements}, max_size={size})"
    return f"{made}.map(tuple)" if kind is tuple else made


def _dicts(values: Sequence[dict[object, object]], hint: str) -> str:
    keys = [tuple(value) for value in values]
    if len(values) > 1 and len(set(keys)) == 1 and keys[0] and isinstance(keys[0][0], str):
        columns = {key: strategy([value[key] for value in values]) for key in keys[0]}
        if not all(columns.values()):
            return ""
        pairs = ", ".join(f"{written(key)}: {made}" for key, made in columns.items())
        return f"st.fixed_dictionaries({{{pairs}}})"
    _, inner = _parts(hint)
    hints = inner if len(inner) == 2 else ["", ""]  # noqa: PLR2004 - of keys and values
    first = strategy([key for value in values for key in value], hints[0])
    second = strategy([one for value in values for one in value.values()], hints[1])
    size = _size(values, _LONGEST_LIST)
    return f"st.dictionaries({first}, {second}, max_size={size})" if first and second else ""


def _size(values: Sequence[object], most: int) -> int:
    longest = max(len(value) for value in values)  # type: ignore[arg-type]  # all have a length
    return min(most, 2 * longest + 1)


def _of_hint(hint: str) -> str:
    """Return a strategy for an annotation alone; empty for one that is not known."""
    alternatives = _alternatives(hint)
    if len(alternatives) > 1:
        made = [_of_hint(one) for one in alternatives]
        return " | ".join(made) if all(made) else ""
    if hint in _BY_HINT:
        return _BY_HINT[hint]
    outer, inner = _parts(hint)
    made = [_of_hint(one) for one in inner]
    known = _CONTAINERS.get(outer)
    if known is None or not made or not all(made) or known[0] not in {0, len(made)}:
        return ""
    return known[1].format(*made, all=", ".join(made), size=_LONGEST_LIST // 2)


def _parts(hint: str) -> tuple[str, list[str]]:
    """Split ``dict[str, int]`` into its name and what stands in the brackets."""
    try:
        tree = ast.parse(hint, mode="eval").body
    except SyntaxError:
        return "", []
    if not isinstance(tree, ast.Subscript):
        return ast.unparse(tree).rpartition(".")[2], []
    inner = tree.slice.elts if isinstance(tree.slice, ast.Tuple) else [tree.slice]
    return ast.unparse(tree.value).rpartition(".")[2], [ast.unparse(one) for one in inner]


def _alternatives(hint: str) -> list[str]:
    """Split ``int | None`` at its bars."""
    try:
        tree = ast.parse(hint, mode="eval").body
    except SyntaxError:
        return []
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.BitOr):
        return [*_alternatives(ast.unparse(tree.left)), *_alternatives(ast.unparse(tree.right))]
    return [ast.unparse(tree)]
