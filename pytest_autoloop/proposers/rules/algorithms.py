"""Well-known algorithms in the place of those that take more steps.

The measured ratios are those of CPython 3.11, before by after.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, scan, with_imports
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.shapes import (
    argument,
    arguments,
    called,
    compared,
    mentions,
    method,
    number,
    receiver,
)
from pytest_autoloop.proposers.rules.statements import (
    loops,
    only_statement,
    replaced_statement,
    statements,
)
from pytest_autoloop.proposers.rules.tree import (
    blocks,
    names,
    replaced,
    single_assignment,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.proposers.rules.tree import Change

_PAIR = 2


def find_queues(module: cst.Module) -> Iterator[Rewrite]:
    """Turn lists whose first item is popped or inserted into a collections.deque."""
    scanned = scan(module)
    deque = scanned.spelled("collections.deque").code
    for block in blocks(module):
        for line in block.statements if block.owner is not None else ():
            small = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
            assigned = single_assignment(small) if small is not None else None
            if assigned is None or block.owner is None or not _is_list(assigned[1]):
                continue
            name, value = assigned
            ends = _ends_of(block.owner, name)
            if not ends:
                continue
            is_empty = scanned.code(value) in {"[]", "list()"}
            filled = cst.Call(cst.parse_expression(deque), [] if is_empty else [cst.Arg(value)])
            changes: dict[cst.CSTNode, Change] = {value: partial(_always, filled), **ends}
            build = partial(_queued, scanned, changes)
            yield Rewrite(f"make {name} a deque{block.where}", build, (line, *ends))


def _queued(scanned: Scan, changes: dict[cst.CSTNode, Change]) -> cst.Module:
    return with_imports(scanned, replaced(scanned.module, changes), ["collections.deque"])


def _always(new: cst.CSTNode, _: cst.CSTNode) -> cst.CSTNode:
    return new


def _is_list(value: cst.BaseExpression) -> bool:
    return isinstance(value, cst.List | cst.ListComp) or called(value) in {"list", "sorted"}


def _ends_of(owner: cst.FunctionDef, name: str) -> dict[cst.CSTNode, Change]:
    """Map the calls at the front of a list to what a deque calls them, nothing if others need it.

    Others are what a deque cannot do: slices, sort, index, or whoever gets the list itself.
    """
    ends: dict[cst.CSTNode, Change] = {}
    uses = 1
    for node in walk(owner):
        if isinstance(node, cst.Call) and _is_name(_receiver(node), name):
            if change := _moved_end(node):
                ends[node] = change
            elif method(node) not in {"append", "clear", "extend"} and not _pops_last(node):
                return {}
            uses += 1
        else:
            uses += _is_name(_asked(node), name)
    return ends if mentions(owner, name) == uses else {}


def _receiver(call: cst.Call) -> cst.BaseExpression | None:
    return receiver(call) if isinstance(call.func, cst.Attribute) else None


def _pops_last(call: cst.Call) -> bool:
    return method(call) == "pop" and not call.args


def _moved_end(call: cst.Call) -> Change | None:
    found = arguments(call)
    if not found or number(found[0]) != 0:
        return None
    if method(call) == "pop" and len(found) == 1:
        return _popped
    return _pushed if method(call) == "insert" and len(found) == _PAIR else None


def _asked(node: cst.CSTNode) -> cst.CSTNode | None:
    """Return what a node asks for its length, truth or items, as a deque can be asked too."""
    if isinstance(node, cst.Call):
        return argument(node) if called(node) == "len" else None
    if isinstance(node, cst.While | cst.If):
        return node.test
    if isinstance(node, cst.UnaryOperation):
        return node.expression if isinstance(node.operator, cst.Not) else None
    if isinstance(node, cst.ComparisonTarget):
        return node.comparator if isinstance(node.operator, cst.In | cst.NotIn) else None
    return node.iter if isinstance(node, cst.For) else None


def _is_name(node: cst.CSTNode | None, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _popped(call: cst.Call) -> cst.Call:
    function = cst.ensure_type(call.func, cst.Attribute)
    return call.with_changes(func=function.with_changes(attr=cst.Name("popleft")), args=[])


def _pushed(call: cst.Call) -> cst.Call:
    function = cst.ensure_type(call.func, cst.Attribute)
    renamed = function.with_changes(attr=cst.Name("appendleft"))
    return call.with_changes(func=renamed, args=call.args[1:])


def find_divisions(module: cst.Module) -> Iterator[Rewrite]:
    """Look for a divisor up to the square root only."""
    scanned = scan(module)
    for loop in loops(module):
        bounds = arguments(loop.node.iter) if isinstance(loop.node.iter, cst.Call) else []
        if called(loop.node.iter) != "range" or len(bounds) != _PAIR:
            continue
        test = statements(loop.node.body)[0]
        if not isinstance(test, cst.If) or number(bounds[0]) is None:
            continue
        divided = _divided(test.test, loop.item)
        leaves = any(isinstance(node, cst.Break | cst.Return) for node in walk(test.body))
        is_same = divided is not None and set(names(bounds[1])) == {divided}
        if not leaves or not is_same or "sqrt" in scanned.code(bounds[1]):
            continue
        root = scanned.spelled("math.isqrt").code
        new = cst.parse_expression(f"{root}({divided}) + 1")
        build = partial(_bounded, module, bounds[1], new)
        description = f"divide up to the square root of {divided} only{loop.block.where}"
        yield Rewrite(description, build, (loop.node,))


def _bounded(module: cst.Module, bound: cst.BaseExpression, new: cst.BaseExpression) -> cst.Module:
    changed = replaced(module, {bound: partial(_always, new)})
    return with_imports(scan(module), changed, ["math.isqrt"])


def _divided(test: cst.BaseExpression, divisor: str) -> str | None:
    """Return the variable in ``n % divisor == 0`` and ``not n % divisor``."""
    sides = compared(test, cst.Equal)
    rest: cst.BaseExpression = sides[0] if sides and number(sides[1]) == 0 else test
    if isinstance(test, cst.UnaryOperation) and isinstance(test.operator, cst.Not):
        rest = test.expression
    elif rest is test:
        return None
    if not isinstance(rest, cst.BinaryOperation) or not isinstance(rest.operator, cst.Modulo):
        return None
    if not _is_name(rest.right, divisor) or not isinstance(rest.left, cst.Name):
        return None
    return rest.left.value


def find_divisors(module: cst.Module) -> Iterator[Rewrite]:
    """Turn Euclid's algorithm into math.gcd."""
    scanned = scan(module)
    for block in blocks(module):
        for loop in block.statements if block.owner is not None else ():
            if not isinstance(loop, cst.While) or loop.orelse is not None:
                continue
            sides = compared(loop.test, cst.NotEqual)
            test = sides[0] if sides and number(sides[1]) == 0 else loop.test
            step = only_statement(loop.body)
            if isinstance(test, cst.Name) and isinstance(step, cst.Assign):
                code = " ".join(scanned.code(step).replace("(", "").replace(")", "").split())
                first = code.partition(",")[0]
                second = test.value
                if code == f"{first}, {second} = {second}, {first} % {second}":
                    gcd = scanned.spelled("math.gcd").code
                    yield from replaced_statement(
                        module,
                        block,
                        loop,
                        f"{first}, {second} = {gcd}({first}, {second}), 0",
                        f"divide {first} and {second} with math.gcd",
                        needs="math.gcd",
                    )


RULES = (
    #: ×8.9 for a queue of 3,000, the longer the more.
    Rule("deque", 0.89, find_queues),
    #: From n steps to its square root: ×400 for a prime near 100,000.
    Rule("trial-division", 0.925, find_divisions),
    #: ×4.1
    Rule("gcd", 0.76, find_divisors),
)
