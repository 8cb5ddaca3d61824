"""Build a list with a comprehension instead of one append after another."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.tree import (
    assignment,
    blocks,
    dotted_name,
    names,
    replaced,
    root_name,
    single_assignment,
    targets,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.proposers.rules.tree import Block, Change, Statement

Clause: TypeAlias = "cst.For | cst.If"

_NOT_IN_COMPREHENSION = (cst.Await, cst.NamedExpr, cst.Yield)
#: What stands alone in a statement but needs parentheses inside a comprehension.
_NEEDS_PARENTHESES = (cst.GeneratorExp, cst.IfExp, cst.Lambda, cst.Tuple)


def find(module: cst.Module) -> Iterator[Rewrite]:
    """Find empty lists that a later loop of the same block fills and does nothing else."""
    for block in blocks(module):
        for position, line in enumerate(block.statements):
            if (
                isinstance(line, cst.SimpleStatementLine)
                and (name := _emptied(line))
                and (loop := _next_user(block.statements[position + 1 :], name))
                and (comprehension := _comprehension(loop, name))
            ):
                follower = block.statements[position + 1]
                yield from _rewritten(module, block, (line, follower, loop), comprehension)


def _emptied(line: cst.SimpleStatementLine) -> str | None:
    """Return the name in ``name = []`` and ``name = list()``."""
    assigned = single_assignment(line.body[0]) if len(line.body) == 1 else None
    if assigned is None:
        return None
    name, value = assigned
    if isinstance(value, cst.List):
        return None if value.elements else name
    is_empty_call = isinstance(value, cst.Call) and not value.args
    return name if is_empty_call and root_name(value) == "list" else None


def _next_user(statements: tuple[Statement, ...], name: str) -> cst.For | None:
    """Return the first statement that mentions the name, if it is a loop and mentions it once."""
    for statement in statements:
        if mentions := list(names(statement)).count(name):
            return statement if mentions == 1 and isinstance(statement, cst.For) else None
    return None


def _comprehension(loop: cst.For, name: str) -> cst.ListComp | None:
    if any(isinstance(node, _NOT_IN_COMPREHENSION) for node in walk(loop)):
        return None
    clauses: list[Clause] = []
    inner: cst.CSTNode | None = loop
    while isinstance(inner, cst.For | cst.If):
        if inner.orelse is not None or not _has_plain_target(inner):
            return None
        clauses.append(inner)
        body = inner.body.body
        inner = body[0] if len(body) == 1 else None
        if isinstance(inner, cst.SimpleStatementLine):
            inner = inner.body[0] if len(inner.body) == 1 else None
    element = _appended(inner, name)
    if element is None:
        return None
    return cst.ListComp(_parenthesised(element), _folded(clauses))


def _has_plain_target(clause: Clause) -> bool:
    return isinstance(clause, cst.If) or (
        clause.asynchronous is None
        and all(isinstance(leaf, cst.Name) for leaf in targets(clause.target))
    )


def _appended(statement: cst.CSTNode | None, name: str) -> cst.BaseExpression | None:
    """Return the value in ``name.append(value)``."""
    call = statement.value if isinstance(statement, cst.Expr) else None
    if not isinstance(call, cst.Call) or dotted_name(call.func) != f"{name}.append":
        return None
    plain = len(call.args) == 1 and not call.args[0].star and call.args[0].keyword is None
    return call.args[0].value if plain else None


def _folded(clauses: list[Clause]) -> cst.CompFor:
    """Chain the loops and conditions, outermost first, the way a comprehension nests them."""
    conditions: list[cst.CompIf] = []
    chain: cst.CompFor | None = None
    for clause in reversed(clauses):
        if isinstance(clause, cst.If):
            conditions.insert(0, cst.CompIf(_parenthesised(clause.test)))
        else:
            chain = cst.CompFor(clause.target, _parenthesised(clause.iter), conditions, chain)
            conditions = []
    return cst.ensure_type(chain, cst.CompFor)


def _parenthesised(expression: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(expression, _NEEDS_PARENTHESES) and not expression.lpar:
        return expression.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return expression


def _rewritten(
    module: cst.Module,
    block: Block,
    places: tuple[cst.SimpleStatementLine, Statement, cst.For],
    comprehension: cst.ListComp,
) -> Iterator[Rewrite]:
    line, follower, loop = places
    name = cst.ensure_type(cst.ensure_type(line.body[0], cst.Assign).targets[0].target, cst.Name)
    new = assignment(name.value, comprehension).with_changes(
        leading_lines=loop.leading_lines, trailing_whitespace=line.trailing_whitespace
    )
    kept = [node for part in (line.leading_lines, (new,)) for item in part for node in walk(item)]
    if _comments([*walk(line), *walk(loop)]) != _comments(kept):
        return

    def inherit(statement: Statement) -> Statement:
        # What stood above the removed line now stands above the next one.
        return statement.with_changes(leading_lines=[*line.leading_lines, *statement.leading_lines])

    changes: dict[cst.CSTNode, Change] = {
        line: lambda _: cst.RemoveFromParent(),
        loop: lambda _: new,
    }
    changes[follower] = (lambda _: inherit(new)) if follower is loop else inherit
    description = f"build {name.value} with a comprehension{block.where}"
    yield Rewrite(description, partial(replaced, module, changes), (loop,))


def _comments(nodes: list[cst.CSTNode]) -> int:
    return sum(isinstance(node, cst.Comment) for node in nodes)


#: Measured on a list of 1,000 products: ×1.23.
RULE = Rule("comprehension", 0.19, find)
