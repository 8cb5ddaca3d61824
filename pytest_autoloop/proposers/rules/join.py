"""Collect the parts of a string in a list and join them after the loop."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.tree import (
    assignment,
    blocks,
    fresh_name,
    inserted_before,
    is_scope,
    names,
    replaced,
    single_assignment,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.proposers.rules.tree import Change


def find(module: cst.Module) -> Iterator[Rewrite]:
    """Find loops that do nothing with a string but add to it."""
    for block in blocks(module):
        strings: dict[str, None] = {}
        for statement in block.statements:
            if isinstance(statement, cst.SimpleStatementLine):
                _note_strings(statement, strings)
            elif isinstance(statement, cst.For | cst.While):
                for name in strings:
                    if additions := _additions(statement, name):
                        description = f"join the parts of {name} after the loop{block.where}"
                        build = partial(_joined, module, statement, name, additions)
                        yield Rewrite(description, build, (statement,))


def _note_strings(line: cst.SimpleStatementLine, strings: dict[str, None]) -> None:
    """Keep `strings` to the variables that were last assigned a string literal."""
    for small in line.body:
        if assigned := single_assignment(small):
            name, value = assigned
            strings.pop(name, None)
            if _is_text(value):
                strings[name] = None


def _is_text(value: cst.BaseExpression) -> bool:
    if isinstance(value, cst.ConcatenatedString):
        return _is_text(value.left)
    if isinstance(value, cst.SimpleString):
        return "b" not in value.prefix
    return isinstance(value, cst.FormattedString)


def _additions(loop: cst.For | cst.While, name: str) -> list[cst.AugAssign]:
    """List each ``name += value`` in the loop, nothing if the loop also uses the name elsewhere."""
    found = [
        node
        for node in walk(loop, outside=is_scope)
        if isinstance(node, cst.AugAssign)
        and isinstance(node.operator, cst.AddAssign)
        and isinstance(node.target, cst.Name)
        and node.target.value == name
    ]
    # Neither fits between the parentheses of a call as it is, and neither is a string.
    odd = any(isinstance(node.value, cst.Yield | cst.Tuple) for node in found)
    return [] if odd or list(names(loop)).count(name) != len(found) else found


def _joined(
    module: cst.Module,
    loop: cst.For | cst.While,
    name: str,
    additions: list[cst.AugAssign],
) -> cst.Module:
    parts = fresh_name(f"{name}_parts", module)
    before = assignment(parts, cst.List([cst.Element(cst.Name(name))]))
    after = assignment(name, cst.parse_expression(f'"".join({parts})'))

    def around(updated: cst.For | cst.While) -> cst.FlattenSentinel[cst.BaseStatement]:
        return cst.FlattenSentinel([*inserted_before(before, updated), after])

    def append(updated: cst.AugAssign) -> cst.Expr:
        function = cst.Attribute(cst.Name(parts), cst.Name("append"))
        call = cst.Call(function, [cst.Arg(updated.value)])
        return cst.Expr(call, semicolon=updated.semicolon)

    changes: dict[cst.CSTNode, Change] = {loop: around, **dict.fromkeys(additions, append)}
    return replaced(module, changes)


#: Where the interpreter cannot add in place, the time grows with the square of the length.
RULE = Rule("join", 0.5, find)
