"""What a loop asks of the same container again and again is prepared once, before the loop.

The measured ratios are those of CPython 3.11, before by after.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, scan, with_imports
from pytest_autoloop.proposers.rules.purity import is_mutating_call, mutated_names
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.shapes import (
    argument,
    called,
    compared,
    is_constant,
    method,
    number,
    receiver,
    subscripted,
)
from pytest_autoloop.proposers.rules.tree import (
    Statement,
    blocks,
    bound_names,
    dotted_name,
    fresh_name,
    inserted_before,
    is_scope,
    names,
    replaced,
    shortened,
    single_assignment,
    targets,
    walk,
)

if TYPE_CHECKING:
    from pytest_autoloop.proposers.rules.tree import Change


@dataclass(frozen=True, slots=True)
class Prepared:
    """What is made before a loop, and what stands in the loop instead of an expression."""

    #: Name to give it, if it is free.
    name: str
    #: Its value.
    value: str
    #: What replaces the expression, with the name in the place of ``{}``.
    use: str
    #: The variables that the loop must not change.
    steady: frozenset[str]
    needs: str = ""


#: Says what could be prepared for an expression, None if nothing.
Prepare: TypeAlias = Callable[[cst.CSTNode, Scan, Statement], "Prepared | None"]

_COMPREHENSIONS = (cst.DictComp, cst.GeneratorExp, cst.ListComp, cst.SetComp)
#: Containers that are searched without going through them, or for something else than an item.
_SEARCHED_AT_ONCE = frozenset(
    {"Counter", "Mapping", "bytes", "defaultdict", "dict", "frozenset", "range", "set", "str"}
)
_METHODS_OF_SUCH = frozenset(
    {"add", "discard", "get", "items", "keys", "lower", "setdefault", "strip", "update", "values"}
)
_INDEX = (cst.Attribute, cst.BinaryOperation, cst.Name, cst.Integer, cst.Add, cst.Subtract)


def _preparing(prepare: Prepare, module: cst.Module) -> Iterator[Rewrite]:
    scanned = scan(module)
    done: set[cst.CSTNode] = set()
    for block in blocks(module):
        for statement in block.statements if block.owner is not None else ():
            groups: dict[tuple[str, str], list[tuple[cst.CSTNode, Prepared]]] = {}
            changing = bound_names(statement) | _restored(statement)
            for node in _repeated(statement):
                found = prepare(node, scanned, statement) if node not in done else None
                if found is not None and changing.isdisjoint(found.steady):
                    done.update(walk(node))
                    groups.setdefault((found.name, found.value), []).append((node, found))
            for (_, value), swaps in groups.items():
                yield Rewrite(
                    f"prepare {shortened(value, 45)} before the loop{block.where}",
                    partial(_prepared, scanned, statement, swaps),
                    (statement,),
                )


def _repeated(statement: Statement) -> Iterator[cst.CSTNode]:
    """Yield what a statement evaluates many times: in a loop, or in a comprehension."""
    if isinstance(statement, cst.For):
        yield from walk(statement.body, outside=is_scope)
    elif isinstance(statement, cst.While):
        yield from walk(statement.test, outside=is_scope)
        yield from walk(statement.body, outside=is_scope)
    elif isinstance(statement, cst.SimpleStatementLine):
        for node in walk(statement, outside=is_scope):
            if isinstance(node, _COMPREHENSIONS):
                parts = [node.key, node.value] if isinstance(node, cst.DictComp) else [node.elt]
                for part in (*parts, *node.for_in.ifs):
                    yield from walk(part, outside=is_scope)


def _restored(statement: Statement) -> set[str]:
    """Collect the variables whose own items are set or moved; not items of items."""
    found: set[str | None] = set()
    for node in walk(statement):
        if isinstance(node, cst.AssignTarget | cst.AugAssign | cst.AnnAssign | cst.Del | cst.For):
            for leaf in targets(node.target):
                if isinstance(leaf, cst.Subscript | cst.Attribute):
                    found.add(dotted_name(leaf.value))
        elif isinstance(node, cst.Call) and is_mutating_call(node):
            changed = receiver(node) if isinstance(node.func, cst.Attribute) else node.args[0].value
            found.add(dotted_name(changed))
    return {name.partition(".")[0] for name in found if name is not None}


def _prepared(
    scanned: Scan, statement: Statement, swaps: list[tuple[cst.CSTNode, Prepared]]
) -> cst.Module:
    first = swaps[0][1]
    name = fresh_name(first.name, scanned.module)
    config = scanned.module.config_for_parsing
    line = cst.parse_statement(f"{name} = {first.value}", config)
    before = cst.ensure_type(line, cst.SimpleStatementLine)

    def above(updated: Statement) -> cst.FlattenSentinel[Statement]:
        return cst.FlattenSentinel(inserted_before(before, updated))

    changes: dict[cst.CSTNode, Change] = {statement: above}
    for node, prepared in swaps:
        new = cst.parse_expression(prepared.use.replace("{}", name), config)
        changes[node] = partial(_in_parentheses_of, node, new)
    changed = replaced(scanned.module, changes)
    return with_imports(scanned, changed, [first.needs] if first.needs else [])


def _in_parentheses_of(
    node: cst.CSTNode, new: cst.BaseExpression, _: cst.CSTNode
) -> cst.BaseExpression:
    if isinstance(node, cst.BaseExpression) and node.lpar:
        return new.with_changes(lpar=node.lpar, rpar=node.rpar)
    if isinstance(new, cst.BinaryOperation):
        return new.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return new


def _searched_set(node: cst.CSTNode, scanned: Scan, _: Statement) -> Prepared | None:
    sides = compared(node, cst.In, cst.NotIn)
    if sides is None or not isinstance(sides[1], cst.Name):
        return None
    name = sides[1].value
    if not _looks_like_a_list(name, scanned.module) or isinstance(sides[0], cst.SimpleString):
        return None
    sign = "in" if compared(node, cst.In) else "not in"
    use = f"{scanned.operand(sides[0])} {sign} {{}}"
    return Prepared(f"{name}_set", f"set({name})", use, frozenset({name}))


def _looks_like_a_list(name: str, module: cst.Module) -> bool:
    """Tell whether nothing says that a variable is a set, a dict or a string."""
    for node in walk(module):
        if isinstance(node, cst.Param) and node.name.value == name and node.annotation:
            if not _SEARCHED_AT_ONCE.isdisjoint(names(node.annotation)):
                return False
        elif isinstance(node, cst.Call) and method(node) in _METHODS_OF_SUCH:
            if dotted_name(receiver(node)) == name:
                return False
        elif (assigned := single_assignment(node)) and assigned[0] == name:
            value = assigned[1]
            is_quick = called(value).rpartition(".")[2] in _SEARCHED_AT_ONCE
            quick = (cst.BaseString, cst.Dict, cst.DictComp, cst.Set, cst.SetComp)
            if is_quick or isinstance(value, quick):
                return False
    return True


def _method_of_list(node: cst.CSTNode, wanted: str) -> tuple[str, cst.BaseExpression] | None:
    """Return list and argument of ``xs.index(x)`` or ``xs.count(x)``."""
    if not isinstance(node, cst.Call) or method(node) != wanted:
        return None
    value, container = argument(node), receiver(node)
    is_text = isinstance(value, cst.BaseString)
    if value is None or is_text or not isinstance(container, cst.Name):
        return None
    return container.value, value


def _counts(node: cst.CSTNode, scanned: Scan, _: Statement) -> Prepared | None:
    found = _method_of_list(node, "count")
    if found is None:
        return None
    name, value = found
    counter = scanned.spelled("collections.Counter").code
    return Prepared(
        f"{name}_counts",
        f"{counter}({name})",
        f"{{}}[{scanned.code(value)}]",
        frozenset({name}),
        "collections.Counter",
    )


def _positions(node: cst.CSTNode, scanned: Scan, _: Statement) -> Prepared | None:
    found = _method_of_list(node, "index")
    if found is None:
        return None
    name, value = found
    # Of equal items the first one counts: it is written last.
    first_last = f"dict(zip(reversed({name}), range(len({name}) - 1, -1, -1)))"
    use = f"{{}}[{scanned.code(value)}]"
    return Prepared(f"{name}_positions", first_last, use, frozenset({name}))


def _partial_sums(node: cst.CSTNode, scanned: Scan, _: Statement) -> Prepared | None:
    part = argument(node) if isinstance(node, cst.Call) and called(node) == "sum" else None
    if not isinstance(part, cst.Subscript) or len(part.slice) != 1:
        return None
    bounds, values = part.slice[0].slice, part.value
    if not isinstance(bounds, cst.Slice) or bounds.step or not isinstance(values, cst.Name):
        return None
    if any((number(bound) or 0) < 0 for bound in (bounds.lower, bounds.upper)):
        return None
    stop = scanned.code(bounds.upper) if bounds.upper else "-1"
    begin = f" - {{}}[{scanned.code(bounds.lower)}]" if bounds.lower else ""
    accumulate = scanned.spelled("itertools.accumulate").code
    return Prepared(
        f"{values.value}_sums",
        f"[0, *{accumulate}({values.value})]",
        f"{{}}[{stop}]{begin}",
        frozenset({values.value}),
        "itertools.accumulate",
    )


def _row(node: cst.CSTNode, scanned: Scan, _: Statement) -> Prepared | None:
    parts = subscripted(node)
    if parts is None or not isinstance(parts[0], cst.Name) or is_constant(parts[1]):
        return None
    index = parts[1]
    # Only a row is read in parts: whatever stands alone may be a number that changes.
    parent = scanned.parents.get(node)
    if not isinstance(parent, cst.Subscript) or parent.value is not node:
        return None
    plain = all(
        isinstance(inner, _INDEX)
        for inner in walk(index)
        if isinstance(inner, cst.BaseExpression | cst.BaseBinaryOp)
    )
    if not plain:
        return None
    code = scanned.code(node)
    name = re.sub(r"\W+", "_", code).strip("_").lower()
    return Prepared(name, code, "{}", frozenset(names(node)))


def _attribute(node: cst.CSTNode, scanned: Scan, statement: Statement) -> Prepared | None:
    if not isinstance(node, cst.Attribute) or not isinstance(node.value, cst.Name):
        return None
    parent, owner = scanned.parents.get(node), node.value.value
    if parent is None or (isinstance(parent, cst.Call) and parent.func is node):
        return None
    # What belongs to a module or a class is found as fast as a local would gain.
    if owner in scanned.globals or owner in _changed_or_called(statement):
        return None
    name = f"{owner}_{node.attr.value.strip('_')}".lower()
    return Prepared(name, scanned.code(node), "{}", frozenset({owner}))


@lru_cache(maxsize=1)
def _changed_or_called(statement: Statement) -> set[str]:
    """Collect the variables that something changes: any of their methods may."""
    calls = [node for node in walk(statement) if isinstance(node, cst.Call)]
    owners = {dotted_name(receiver(call)) for call in calls if isinstance(call.func, cst.Attribute)}
    return mutated_names(statement) | {owner for owner in owners if owner is not None}


def _rule(name: str, expected: float, prepare: Prepare) -> Rule:
    return Rule(name, expected, partial(_preparing, prepare))


RULES = (
    #: ×65 to ×190 for 1,000 searches among 500 words.
    _rule("search-set", 0.94, _searched_set),
    #: ×150 for 1,000 counts among 1,000 items.
    _rule("count-map", 0.935, _counts),
    #: ×36 for 500 positions among 500 words.
    _rule("position-map", 0.92, _positions),
    #: ×6.6 for sums of 50, the longer the more.
    _rule("prefix-sum", 0.84, _partial_sums),
    #: ×1.2
    _rule("row-local", 0.175, _row),
    #: ×1.2
    _rule("attribute-local", 0.14, _attribute),
)
