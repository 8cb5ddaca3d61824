"""Loops that only add up, count or collect: the whole loop becomes one call.

The measured ratios are those of CPython 3.11, before by after, for 1,000 items.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, scan
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.shapes import (
    all_same,
    arguments,
    compared,
    is_constant,
    is_simple,
    mentions,
    method,
    number,
    receiver,
    subscripted,
)
from pytest_autoloop.proposers.rules.statements import (
    Loop,
    is_used_elsewhere,
    leaves_early,
    loops,
    only_statement,
    replaced_statement,
    start_of,
    started_with,
    statements,
)
from pytest_autoloop.proposers.rules.tree import (
    dotted_name,
    replaced,
    single_assignment,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_PAIR = 2


@dataclass(frozen=True, slots=True)
class Core:
    """What a loop does each round, and under which conditions."""

    loop: Loop
    conditions: tuple[cst.BaseExpression, ...]
    statement: cst.CSTNode

    def values(self, element: cst.BaseExpression, scanned: Scan) -> str:
        """Write the values as something to go through: the container itself if it is enough."""
        container = self.loop.node.iter
        is_item = isinstance(element, cst.Name) and element.value == self.loop.item
        if is_item and not self.conditions:
            return scanned.code(container)
        tests = "".join(f" if {scanned.clause(test)}" for test in self.conditions)
        source = scanned.clause(container)
        return f"[{scanned.clause(element)} for {self.loop.item} in {source}{tests}]"

    def mentions(self, name: str) -> int:
        """Count how often the loop mentions a variable."""
        return mentions(self.loop.node, name)


def cores(module: cst.Module) -> Iterator[Core]:
    """Find the loops in functions that do one thing, whose variable nobody needs afterwards."""
    for loop in loops(module):
        conditions: list[cst.BaseExpression] = []
        inner = only_statement(loop.node.body)
        while isinstance(inner, cst.If) and inner.orelse is None:
            conditions.append(inner.test)
            inner = only_statement(inner.body)
        if inner is None or leaves_early(loop.node):
            continue
        if not is_used_elsewhere(loop.block, loop.node, loop.item):
            yield Core(loop, tuple(conditions), inner)


def _augmented(
    core: Core, operator: type[cst.BaseAugOp]
) -> tuple[str, cst.BaseExpression, cst.SimpleStatementLine] | None:
    """Return name, value and start of ``name += value``, where the name starts as a number."""
    statement = core.statement
    if not isinstance(statement, cst.AugAssign) or not isinstance(statement.operator, operator):
        return None
    if not isinstance(statement.target, cst.Name) or core.mentions(statement.target.value) != 1:
        return None
    name = statement.target.value
    start = start_of(core.loop.block, core.loop.position, name)
    if start is None or number(started_with(start)) is None:
        return None
    return name, statement.value, start


def _reduced(
    module: cst.Module, operator: type[cst.BaseAugOp], sign: str, neutral: str, function: str
) -> Iterator[Rewrite]:
    scanned = scan(module)
    for core in cores(module):
        found = _augmented(core, operator)
        # Counting has a rule of its own.
        if found is None or number(found[1]) is not None:
            continue
        name, value, start = found
        values = core.values(value, scanned)
        spelled = scanned.spelled(function).code if "." in function else function
        is_neutral = scanned.code(started_with(start) or start) == neutral
        code = f"{name} {'' if is_neutral else sign}= {spelled}({values})"
        yield from replaced_statement(
            module,
            core.loop.block,
            core.loop.node,
            code,
            f"compute {name} with {function}",
            needs=function if "." in function else "",
            start=start if is_neutral else None,
        )


def find_sums(module: cst.Module) -> Iterator[Rewrite]:
    """Turn ``total += x`` in a loop into one sum."""
    yield from _reduced(module, cst.AddAssign, "+", "0", "sum")


def find_products(module: cst.Module) -> Iterator[Rewrite]:
    """Turn ``product *= x`` in a loop into one math.prod."""
    yield from _reduced(module, cst.MultiplyAssign, "*", "1", "math.prod")


def find_counts(module: cst.Module) -> Iterator[Rewrite]:
    """Turn ``if …: count += 1`` in a loop into the length of a list, or list.count."""
    scanned = scan(module)
    for core in cores(module):
        found = _augmented(core, cst.AddAssign)
        if found is None or number(found[1]) != 1 or not core.conditions:
            continue
        name, one, start = found
        wanted = _wanted(core)
        container = scanned.code(core.loop.node.iter)
        counted = f"len({core.values(one, scanned)})"
        if wanted is not None:
            counted = f"list({container}).count({scanned.code(wanted)})"
        is_zero = scanned.code(started_with(start) or start) == "0"
        yield from replaced_statement(
            module,
            core.loop.block,
            core.loop.node,
            f"{name} {'' if is_zero else '+'}= {counted}",
            f"compute {name} without a loop",
            start=start if is_zero else None,
        )


def _wanted(core: Core) -> cst.BaseExpression | None:
    """Return what the items are compared with, None if the condition is another one."""
    sides = compared(core.conditions[0], cst.Equal) if len(core.conditions) == 1 else None
    if sides is None:
        return None
    items = [side for side in sides if isinstance(side, cst.Name) and side.value == core.loop.item]
    others = [side for side in sides if side not in items]
    if len(others) != 1 or mentions(others[0], core.loop.item):
        return None
    return others[0] if is_simple(others[0]) or is_constant(others[0]) else None


def find_searches(module: cst.Module) -> Iterator[Rewrite]:
    """Turn a loop that compares each item with one value into ``value in items``."""
    scanned = scan(module)
    for loop in loops(module):
        test = only_statement(loop.node.body)
        if (
            not isinstance(test, cst.If)
            or test.orelse
            or is_used_elsewhere(loop.block, loop.node, loop.item)
        ):
            continue
        wanted = _wanted(Core(loop, (test.test,), test))
        found = statements(test.body)
        below = loop.block.statements[loop.position + 1 :][:1]
        if wanted is None:
            continue
        answer = f"{scanned.operand(wanted)} in {scanned.operand(loop.node.iter)}"
        where = f"search {scanned.code(loop.node.iter)} with in"
        if len(found) == 1 and _returned(found[0]) == "True" and below:
            last = only_statement(cst.IndentedBlock(below))
            if last is not None and _returned(last) == "False":
                yield from replaced_statement(
                    module, loop.block, loop.node, f"return {answer}", where, also=below[0]
                )
        elif len(found) <= _PAIR and (flag := _flag(found)):
            start = start_of(loop.block, loop.position, flag)
            if (value := started_with(start)) is not None and scanned.code(value) == "False":
                code = f"{flag} = {answer}"
                yield from replaced_statement(
                    module,
                    loop.block,
                    loop.node,
                    code,
                    where,
                    start=start,
                )


def _returned(node: cst.CSTNode) -> str:
    if isinstance(node, cst.Return) and isinstance(node.value, cst.Name):
        return node.value.value
    return ""


def _flag(found: tuple[cst.CSTNode, ...]) -> str:
    """Return the name in ``name = True``, alone or before a break."""
    assigned = single_assignment(found[0])
    if assigned is None or not isinstance(assigned[1], cst.Name) or assigned[1].value != "True":
        return ""
    return assigned[0] if len(found) == 1 or isinstance(found[1], cst.Break) else ""


def find_flags(module: cst.Module) -> Iterator[Rewrite]:
    """End a loop that only looks for something once it is found."""
    for loop in loops(module):
        test = only_statement(loop.node.body)
        if not isinstance(test, cst.If) or test.orelse:
            continue
        found = only_statement(test.body)
        assigned = single_assignment(found) if found is not None else None
        if assigned is None or not is_constant(assigned[1]) or mentions(test.test, assigned[0]):
            continue
        if isinstance(test.body, cst.IndentedBlock) and not is_used_elsewhere(
            loop.block, loop.node, loop.item
        ):
            description = f"leave the loop once {assigned[0]} is known{loop.block.where}"
            yield Rewrite(description, partial(_ended, module, test.body), (loop.node,))


def _ended(module: cst.Module, body: cst.IndentedBlock) -> cst.Module:
    line = cst.SimpleStatementLine([cst.Break()])
    return replaced(module, {body: lambda node: node.with_changes(body=[*node.body, line])})


def find_counters(module: cst.Module) -> Iterator[Rewrite]:
    """Turn loops that count in a dict into a collections.Counter, as a plain dict."""
    scanned = scan(module)
    counter = scanned.spelled("collections.Counter").code
    for loop in loops(module):
        counted = _counted(statements(loop.node.body), scanned)
        if counted is None or leaves_early(loop.node):
            continue
        container, key = counted
        name = dotted_name(container) or ""
        start = start_of(loop.block, loop.position, name)
        value = started_with(start)
        if value is None or scanned.code(value) not in {"{}", "dict()"}:
            continue
        if mentions(key, name) or mentions(loop.node.iter, name):
            continue
        if not is_used_elsewhere(loop.block, loop.node, loop.item):
            core = Core(loop, (), loop.node)
            yield from replaced_statement(
                module,
                loop.block,
                loop.node,
                f"{name} = dict({counter}({core.values(key, scanned)}))",
                f"make {name} with collections.Counter",
                needs="collections.Counter",
                start=start,
            )


def _counted(
    body: tuple[cst.CSTNode, ...], scanned: Scan
) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """Return dict and key of a body that adds one to ``counts[key]``, however it is written."""
    for node in (inner for statement in body for inner in walk(statement)):
        if isinstance(node, cst.Subscript) and (parts := subscripted(node)):
            container, key = map(scanned.code, parts)
            if not isinstance(parts[0], cst.Name):
                return None
            place = f"{container}[{key}]"
            written = {
                f"{place} = {container}.get({key}, 0) + 1",
                f"if {key} in {container}: {place} += 1 else: {place} = 1",
                f"if {key} not in {container}: {place} = 1 else: {place} += 1",
                f"if {key} not in {container}: {place} = 0 {place} += 1",
            }
            code = " ".join(" ".join(scanned.code(statement) for statement in body).split())
            return parts if code in written else None
    return None


def find_unique(module: cst.Module) -> Iterator[Rewrite]:
    """Turn ``if x not in out: out.append(x)`` in a loop into ``dict.fromkeys``."""
    scanned = scan(module)
    for core in cores(module):
        if len(core.conditions) != 1 or not isinstance(core.statement, cst.Expr):
            continue
        call, item = core.statement.value, cst.Name(core.loop.item)
        sides = compared(core.conditions[0], cst.NotIn)
        if sides is None or method(call) != "append" or not isinstance(call, cst.Call):
            continue
        if not all_same([item, sides[0], *arguments(call)]) or len(call.args) != 1:
            continue
        name = dotted_name(receiver(call)) or ""
        start = start_of(core.loop.block, core.loop.position, name)
        value = started_with(start)
        if value is None or scanned.code(value) not in {"[]", "list()"}:
            continue
        if all_same([receiver(call), sides[1]]) and not mentions(core.loop.node.iter, name):
            yield from replaced_statement(
                module,
                core.loop.block,
                core.loop.node,
                f"{name} = list(dict.fromkeys({scanned.code(core.loop.node.iter)}))",
                f"keep each item of {name} once with dict.fromkeys",
                start=start,
            )


RULES = (
    #: ×22 for 100 different items among 1,000.
    Rule("unique", 0.95, find_unique),
    #: ×6.6 where the item is met after a tenth of the loop.
    Rule("flag-break", 0.5, find_flags),
    #: ×3.5 for plain items, ×1.02 where each is computed first.
    Rule("sum-loop", 0.46, find_sums),
    #: ×3.2
    Rule("product-loop", 0.45, find_products),
    #: ×1.8 to ×2.1
    Rule("counter", 0.47, find_counters),
    #: ×1.6
    Rule("search-loop", 0.43, find_searches),
    #: ×1.4 for an equality, ×1.6 for another condition.
    Rule("count-loop", 0.33, find_counts),
)
