"""Collections: built by the cheapest call that makes the same.

The measured ratios are those of CPython 3.11, before by after, mostly for 1,000 items.
"""

from __future__ import annotations

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, Swap, expression_rule
from pytest_autoloop.proposers.rules.shapes import (
    all_same,
    argument,
    arguments,
    called,
    compared,
    is_constant,
    keywords,
    lambda_of_one,
    mentions,
    method,
    number,
    plain_comprehension,
    receiver,
    subscripted,
)

_PAIR = 2
#: What goes through its argument to the end, so that a list made at once is faster to read.
_READERS = frozenset({"frozenset", "max", "min", "sorted", "sum", "tuple"})
#: Functions written in C that map calls without a frame; str and int gain nothing from it.
_MAPPED = frozenset({"abs", "bool", "chr", "hash", "len", "ord", "repr", "sum"})
#: Which outer calls make a copy of what the inner calls just made.
_COPIES = {
    "list": frozenset({"list", "sorted"}),
    "tuple": frozenset({"list", "tuple", "sorted"}),
    "set": frozenset({"list", "set", "sorted", "tuple"}),
    "sorted": frozenset({"list", "sorted", "tuple"}),
    "sum": frozenset({"list", "tuple"}),
    "max": frozenset({"list", "sorted", "tuple"}),
    "min": frozenset({"list", "sorted", "tuple"}),
}


def _first_of_sorted(node: cst.Subscript, scan: Scan) -> Swap | None:
    parts = subscripted(node)
    if parts is None or called(parts[0]) != "sorted" or number(parts[1]) not in {0, -1}:
        return None
    call = cst.ensure_type(parts[0], cst.Call)
    named = keywords(call)
    if len(call.args) - len(named) != 1 or any(arg.star for arg in call.args):
        return None
    if not is_constant(named.get("reverse", cst.Name("False"))):
        return None
    is_reversed = "reverse" in named and scan.code(named["reverse"]) == "True"
    is_last = number(parts[1]) == -1
    if is_last and "key" in named:
        # Of equals, sorted has the last one last; min and max return the first.
        return None
    function = "max" if is_reversed != is_last else "min"
    key = f", key={scan.code(named['key'])}" if "key" in named else ""
    return Swap(f"{function}({scan.code(call.args[0].value)}{key})")


def _few_of_sorted(node: cst.Subscript, scan: Scan) -> Swap | None:
    if called(node.value) != "sorted" or len(node.slice) != 1:
        return None
    part, call = node.slice[0].slice, cst.ensure_type(node.value, cst.Call)
    if not isinstance(part, cst.Slice) or part.lower or part.step or part.upper is None:
        return None
    named = keywords(call)
    if len(call.args) - len(named) != 1 or any(arg.star for arg in call.args):
        return None
    if (number(part.upper) or 0) < 0:
        return None
    way = scan.code(named["reverse"]) if "reverse" in named else "False"
    if way not in {"True", "False"}:
        return None
    function = "heapq.nlargest" if way == "True" else "heapq.nsmallest"
    key = f", key={scan.code(named['key'])}" if "key" in named else ""
    values = scan.code(call.args[0].value)
    code = f"{scan.spelled(function).code}({scan.code(part.upper)}, {values}{key})"
    return Swap(code, function)


def _list_for_reader(node: cst.Call, scan: Scan) -> Swap | None:
    values = argument(node)
    if not isinstance(values, cst.GeneratorExp) or plain_comprehension(values) is None:
        return None
    reads = called(node) in _READERS or (
        method(node) == "join" and isinstance(receiver(node), cst.BaseString)
    )
    if not reads:
        return None
    bare = values.with_changes(lpar=[], rpar=[])
    return Swap(f"{scan.code(node.func)}([{scan.code(bare)}])")


def _comprehension_of_call(node: cst.Call, scan: Scan) -> Swap | None:
    values = argument(node)
    if called(node) not in {"list", "set"} or plain_comprehension(values) is None:
        return None
    if not isinstance(values, cst.GeneratorExp | cst.ListComp):
        return None
    inside = scan.code(values.with_changes(lpar=[], rpar=[]))
    inside = inside[1:-1].strip() if isinstance(values, cst.ListComp) else inside
    return Swap(f"[{inside}]" if called(node) == "list" else f"{{{inside}}}")


def _dict_comprehension(node: cst.Call, scan: Scan) -> Swap | None:
    values = plain_comprehension(argument(node))
    if called(node) != "dict" or values is None or not isinstance(values.elt, cst.Tuple):
        return None
    pair = values.elt.elements
    if len(pair) != _PAIR or any(isinstance(part, cst.StarredElement) for part in pair):
        return None
    key, value = (scan.code(part.value) for part in pair)
    return Swap(f"{{{key}: {value} {scan.code(values.for_in).strip()}}}")


def _copy(node: cst.BaseExpression, scan: Scan) -> Swap | None:
    values = plain_comprehension(node)
    if isinstance(node, cst.GeneratorExp) or values is None or values.for_in.ifs:
        return None
    item = values.for_in.target
    if not isinstance(item, cst.Name) or not all_same([values.elt, item]):
        return None
    function = "list" if isinstance(node, cst.ListComp) else "set"
    return Swap(f"{function}({scan.code(values.for_in.iter)})")


def _mapped(node: cst.BaseExpression, scan: Scan) -> Swap | None:
    reader = ""
    values = plain_comprehension(node)
    if isinstance(node, cst.Call) and called(node) in {"all", "any", "max", "min", "sum"}:
        reader, values = called(node), plain_comprehension(argument(node))
    if values is None or values.for_in.ifs or (not reader and not isinstance(node, cst.ListComp)):
        return None
    item, call = values.for_in.target, values.elt
    if not isinstance(call, cst.Call) or called(call) not in _MAPPED:
        return None
    passed = argument(call)
    if not isinstance(item, cst.Name) or passed is None or not all_same([passed, item]):
        return None
    return Swap(f"{reader or 'list'}(map({called(call)}, {scan.code(values.for_in.iter)}))")


def _comprehension_of_lambda(node: cst.Call, scan: Scan) -> Swap | None:
    inner = argument(node)
    if called(node) not in {"list", "set"} or called(inner) not in {"filter", "map"}:
        return None
    passed = arguments(cst.ensure_type(inner, cst.Call))
    parts = lambda_of_one(passed[0]) if len(passed) == _PAIR else None
    if parts is None or mentions(passed[1], parts[0]):
        return None
    name, values = parts[0], scan.clause(passed[1])
    body = scan.clause(parts[1])
    inside = f"{body} for {name} in {values}"
    if called(inner) == "filter":
        inside = f"{name} for {name} in {values} if {body}"
    return Swap(f"[{inside}]" if called(node) == "list" else f"{{{inside}}}")


def _fromkeys(node: cst.DictComp, scan: Scan) -> Swap | None:
    loop, item = node.for_in, node.for_in.target
    if loop.ifs or loop.inner_for_in or loop.asynchronous or not isinstance(item, cst.Name):
        return None
    if not all_same([node.key, item]) or not is_constant(node.value):
        return None
    default = "" if scan.code(node.value) == "None" else f", {scan.code(node.value)}"
    return Swap(f"dict.fromkeys({scan.code(loop.iter)}{default})")


def _display(node: cst.Call, scan: Scan) -> Swap | None:
    name, values = called(node), argument(node)
    if not node.args and name in {"dict", "list", "tuple"}:
        return Swap({"dict": "{}", "list": "[]", "tuple": "()"}[name])
    if name == "dict" and node.args and len(keywords(node)) == len(node.args):
        pairs = [f'"{key}": {scan.code(value)}' for key, value in keywords(node).items()]
        return Swap(f"{{{', '.join(pairs)}}}")
    if name == "set" and isinstance(values, cst.List | cst.Tuple) and values.elements:
        return Swap(f"{{{', '.join(scan.code(part) for part in _bare(values))}}}")
    return None


def _bare(display: cst.List | cst.Tuple) -> list[cst.BaseElement]:
    return [part.with_changes(comma=cst.MaybeSentinel.DEFAULT) for part in display.elements]


def _reversed_text(node: cst.Call, scan: Scan) -> Swap | None:
    values = argument(node)
    if called(values) != "reversed" or not isinstance(values, cst.Call):
        return None
    is_text = (
        method(node) == "join"
        and isinstance(text := receiver(node), cst.SimpleString)
        and text.evaluated_value == ""
    )
    turned = argument(values)
    if turned is None or not (is_text or called(node) == "list"):
        return None
    return Swap(f"{scan.operand(turned)}[::-1]")


def _copied_twice(node: cst.Call, scan: Scan) -> Swap | None:
    inner = argument(node)
    if called(inner) not in _COPIES.get(called(node), ()) or not isinstance(inner, cst.Call):
        return None
    if called(inner) == called(node) == "sorted" or not inner.args:
        return None
    if called(node) == "list" and called(inner) in {"list", "sorted"}:
        return Swap(scan.code(inner))
    values = argument(inner)
    return None if values is None else Swap(f"{called(node)}({scan.code(values)})")


def _flat(node: cst.Call, scan: Scan) -> Swap | None:
    found = arguments(node)
    if called(node) != "sum" or len(found) != _PAIR or not isinstance(found[1], cst.List):
        return None
    if found[1].elements:
        return None
    chain = scan.spelled("itertools.chain").code
    return Swap(f"list({chain}.from_iterable({scan.code(found[0])}))", "itertools.chain")


def _counted(node: cst.Call, scan: Scan) -> Swap | None:
    values = plain_comprehension(argument(node))
    if called(node) != "sum" or values is None or number(values.elt) != 1:
        return None
    loop = values.for_in
    if not loop.ifs:
        return None
    sides = compared(loop.ifs[0].test, cst.Equal) if len(loop.ifs) == 1 else None
    if sides and isinstance(loop.target, cst.Name) and all_same([sides[0], loop.target]):
        if not mentions(sides[1], loop.target.value):
            return Swap(f"list({scan.code(loop.iter)}).count({scan.code(sides[1])})")
        return None
    return Swap(f"len([{scan.code(values.with_changes(lpar=[], rpar=[], elt=cst.Integer('1')))}])")


def _first_word(node: cst.Subscript, scan: Scan) -> Swap | None:
    parts = subscripted(node)
    if parts is None or method(parts[0]) != "split" or number(parts[1]) != 0:
        return None
    call = cst.ensure_type(parts[0], cst.Call)
    if len(call.args) > 1 or (call.args and argument(call) is None):
        return None
    separator = scan.code(call.args[0].value) if call.args else "None"
    return Swap(f"{scan.operand(receiver(call))}.split({separator}, 1)[0]")


#: ×4 for 50 lists of 20: the time of sum grows with the square of their number.
FLAT = expression_rule("flatten", 0.85, cst.Call, _flat)
#: ×12 for text, ×2.7 for a list.
REVERSED = expression_rule("reversed-slice", 0.8, cst.Call, _reversed_text)
#: ×9.8
COPY = expression_rule("copy-comprehension", 0.79, (cst.ListComp, cst.SetComp), _copy)
#: ×7 for the first of 40 words.
FIRST_WORD = expression_rule("split-first", 0.7, cst.Subscript, _first_word)
#: ×2.2 for map, ×3.5 for filter.
LAMBDA = expression_rule("lambda-map", 0.57, cst.Call, _comprehension_of_lambda)
#: ×2.2
DICT = expression_rule("dict-comprehension", 0.53, cst.Call, _dict_comprehension)
#: ×2.0 for floats in no order.
FIRST = expression_rule("sorted-end", 0.51, cst.Subscript, _first_of_sorted)
#: ×1.8 for a condition, ×1.1 for an equality.
COUNTED = expression_rule("sum-of-ones", 0.34, cst.Call, _counted)
#: ×1.8 under sum, ×1.3 alone.
MAPPED = expression_rule("map-builtin", 0.33, (cst.Call, cst.ListComp), _mapped)
#: ×1.6 for the smallest 5 of 1,000.
FEW = expression_rule("few-of-sorted", 0.37, cst.Subscript, _few_of_sorted)
#: ×1.5 for join and tuple, ×1.1 for sum.
READ_LIST = expression_rule("generator-list", 0.25, cst.Call, _list_for_reader)
#: ×1.5
DISPLAY_COMPREHENSION = expression_rule(
    "call-comprehension", 0.32, cst.Call, _comprehension_of_call
)
#: ×2.7 for set([1, 2, 3]), ×1.4 for empty ones, ×1.2 for dict(a=1, b=2).
DISPLAY = expression_rule("display", 0.3, cst.Call, _display)
#: ×1.2
FROMKEYS = expression_rule("fromkeys", 0.16, cst.DictComp, _fromkeys)
#: ×1.03 to ×1.1
COPIED_TWICE = expression_rule("copied-twice", 0.05, cst.Call, _copied_twice)

RULES = (
    FLAT,
    REVERSED,
    COPY,
    FIRST_WORD,
    LAMBDA,
    DICT,
    FIRST,
    FEW,
    COUNTED,
    MAPPED,
    DISPLAY_COMPREHENSION,
    DISPLAY,
    READ_LIST,
    FROMKEYS,
    COPIED_TWICE,
)
