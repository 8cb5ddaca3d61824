"""Conditions: the same answer from fewer or cheaper questions.

The measured ratios are those of CPython 3.11, before by after, for the expression alone.
"""

from __future__ import annotations

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, Swap, expression_rule
from pytest_autoloop.proposers.rules.shapes import (
    all_same,
    alternatives,
    argument,
    arguments,
    called,
    compared,
    is_constant,
    is_simple,
    lambda_of_one,
    mentions,
    method,
    number,
    plain_comprehension,
    receiver,
    subscripted,
)

_SEVERAL = 3
_PAIR = 2


def _prefixes(node: cst.BooleanOperation, scan: Scan) -> Swap | None:
    calls = [call for call in alternatives(node) if isinstance(call, cst.Call)]
    found = [argument(call) for call in calls]
    if len(calls) < _PAIR or len(calls) != len(alternatives(node)):
        return None
    if scan.is_inner_alternative(node):
        return None
    if method(calls[0]) not in {"startswith", "endswith"} or not all_same(
        [call.func for call in calls]
    ):
        return None
    texts = [text for text in found if isinstance(text, cst.SimpleString | cst.Name)]
    if len(texts) != len(calls):
        return None
    return Swap(f"{scan.code(calls[0].func)}(({', '.join(map(scan.code, texts))}))")


def _equal_to_any(node: cst.BooleanOperation, scan: Scan) -> Swap | None:
    pairs = [compared(part, cst.Equal) for part in alternatives(node)]
    sides = [pair for pair in pairs if pair is not None]
    if len(sides) < _SEVERAL or len(sides) != len(pairs) or scan.is_inner_alternative(node):
        return None
    if not all_same([left for left, _ in sides]) or not is_simple(sides[0][0]):
        return None
    if not all(is_constant(right) for _, right in sides):
        return None
    constants = ", ".join(scan.code(right) for _, right in sides)
    return Swap(f"{scan.code(sides[0][0])} in {{{constants}}}")


def _length(node: cst.BaseExpression) -> cst.BaseExpression | None:
    return argument(node) if isinstance(node, cst.Call) and called(node) == "len" else None


def _emptiness(node: cst.Comparison, scan: Scan) -> Swap | None:
    for operator, bound, is_filled in (
        (cst.Equal, 0, False),
        (cst.LessThan, 1, False),
        (cst.NotEqual, 0, True),
        (cst.GreaterThan, 0, True),
        (cst.GreaterThanEqual, 1, True),
    ):
        sides = compared(node, operator)
        if sides and number(sides[1]) == bound and (container := _length(sides[0])):
            if not is_filled:
                return Swap(f"not {scan.operand(container)}")
            # The container is as good as True only where it is asked for nothing else.
            return Swap(scan.operand(container)) if scan.is_condition(node) else None
    return None


def _keys(node: cst.Comparison, scan: Scan) -> Swap | None:
    sides = compared(node, cst.In, cst.NotIn)
    if sides is None or not isinstance(sides[1], cst.Call) or sides[1].args:
        return None
    if method(sides[1]) != "keys":
        return None
    word = "in" if compared(node, cst.In) else "not in"
    return Swap(f"{scan.operand(sides[0])} {word} {scan.operand(receiver(sides[1]))}")


def _lookup(node: cst.IfExp, scan: Scan) -> Swap | None:
    sides = compared(node.test, cst.In, cst.NotIn)
    if sides is None:
        return None
    found, default = node.body, node.orelse
    if compared(node.test, cst.NotIn):
        found, default = default, found
    parts = subscripted(found)
    if parts is None or not (is_simple(default) or is_constant(default)):
        return None
    if not all_same([sides[1], parts[0]]) or not all_same([sides[0], parts[1]]):
        return None
    otherwise = "" if scan.code(default) == "None" else f", {scan.code(default)}"
    return Swap(f"{scan.operand(parts[0])}.get({scan.code(parts[1])}{otherwise})")


def _short_circuit(node: cst.Call, scan: Scan) -> Swap | None:
    values = argument(node)
    if called(node) not in {"all", "any"} or not isinstance(values, cst.ListComp):
        return None
    return Swap(f"{called(node)}({scan.code(values)[1:-1].strip()})")


def _searched(node: cst.Call, scan: Scan) -> Swap | None:
    values = plain_comprehension(argument(node))
    if called(node) != "any" or values is None or values.for_in.ifs:
        return None
    sides = compared(values.elt, cst.Equal)
    item = values.for_in.target
    if sides is None or not isinstance(item, cst.Name):
        return None
    wanted = [side for side in sides if not all_same([side, item])]
    if len(wanted) != 1 or mentions(wanted[0], item.value):
        return None
    return Swap(f"{scan.operand(wanted[0])} in {scan.operand(values.for_in.iter)}")


def _key_function(node: cst.Lambda, scan: Scan) -> Swap | None:
    parts = lambda_of_one(node)
    if parts is None:
        return None
    name, body = parts
    if isinstance(body, cst.Attribute) and isinstance(body.value, cst.Name):
        if body.value.value == name:
            getter = scan.spelled("operator.attrgetter").code
            return Swap(f'{getter}("{body.attr.value}")', "operator.attrgetter")
        return None
    item = subscripted(body)
    if item and isinstance(item[0], cst.Name) and item[0].value == name and is_constant(item[1]):
        getter = scan.spelled("operator.itemgetter").code
        return Swap(f"{getter}({scan.code(item[1])})", "operator.itemgetter")
    return None


def _unwrapped(node: cst.Lambda, scan: Scan) -> Swap | None:
    parts = lambda_of_one(node)
    if parts is None or not isinstance(parts[1], cst.Call):
        return None
    name, call = parts[0], cst.ensure_type(parts[1], cst.Call)
    passed = arguments(call)
    if len(passed) != 1 or not isinstance(passed[0], cst.Name) or passed[0].value != name:
        return None
    if not is_simple(call.func) or mentions(call.func, name):
        return None
    return Swap(scan.code(call.func))


#: As much as what is not looked at: ×4.9 where the first of 1,000 values decides.
SHORT_CIRCUIT = expression_rule("short-circuit", 0.5, cst.Call, _short_circuit)
#: ×2.3 for sorting 500 words by length.
UNWRAPPED = expression_rule("unwrapped-lambda", 0.42, cst.Lambda, _unwrapped)
#: ×3, without a generator's step per item.
SEARCH = expression_rule("search-in", 0.6, cst.Call, _searched)
#: ×2.1 for two prefixes.
PREFIXES = expression_rule("prefix-tuple", 0.5, cst.BooleanOperation, _prefixes)
#: ×2.0
EMPTINESS = expression_rule("emptiness", 0.48, cst.Comparison, _emptiness)
#: ×1.8 by item, ×1.2 by attribute, for sorting 1,000 values.
KEY_FUNCTION = expression_rule("operator-key", 0.35, cst.Lambda, _key_function)
#: ×1.7
KEYS = expression_rule("dict-keys", 0.42, cst.Comparison, _keys)
#: ×1.7 for three constants; a set of two gains little.
EQUAL_TO_ANY = expression_rule("equal-to-any", 0.38, cst.BooleanOperation, _equal_to_any)
#: ×1.4 where the key is there, ×1.0 where it is not.
LOOKUP = expression_rule("dict-get", 0.25, cst.IfExp, _lookup)

RULES = (
    SEARCH,
    SHORT_CIRCUIT,
    PREFIXES,
    EMPTINESS,
    UNWRAPPED,
    KEYS,
    EQUAL_TO_ANY,
    KEY_FUNCTION,
    LOOKUP,
)
