"""Values that can be written down as Python: what recorded calls are made of."""

from __future__ import annotations

import math
import pprint

#: Bounds of a value that somebody is to read.
LONGEST = 400
_DEEPEST = 6
_WIDTH = 88


def is_literal(value: object, depth: int = 0) -> bool:
    """Tell whether a value is plain data that its repr gives back exactly."""
    kind = type(value)
    if value is None or kind in {bool, int, str, bytes} or depth > _DEEPEST:
        return depth <= _DEEPEST
    if isinstance(value, float):
        return kind is float and math.isfinite(value)
    parts: list[object] = []
    if isinstance(value, dict) and kind is dict:
        parts = [*value.keys(), *value.values()]
    elif isinstance(value, list | tuple) and kind in {list, tuple}:
        parts = [*value]
    elif isinstance(value, set) and kind is set and value:
        # An empty one is written as a call, and a set of texts in another order each time.
        return all(type(one) is int for one in value)
    else:
        return False
    return all(is_literal(one, depth + 1) for one in parts)


def written(value: object, *, indent: int = 0) -> str:
    """Return a literal as source, on several lines where it is long; all but the first indented."""
    text = pprint.pformat(value, width=_WIDTH - indent, sort_dicts=False)
    if '"' not in text:  # then every other quote begins or ends a text
        text = text.replace("'", '"')
    return text.replace("\n", "\n" + " " * indent)
