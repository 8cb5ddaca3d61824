"""Rules that change whole statements: what they look for, and how it is done."""

from __future__ import annotations

import builtins
import keyword
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.places import scan, with_imports
from pytest_autoloop.proposers.rules.rule import Rewrite
from pytest_autoloop.proposers.rules.tree import (
    Block,
    blocks,
    dotted_name,
    fresh_name,
    names,
    replaced,
    single_assignment,
    targets,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pytest_autoloop.proposers.rules.tree import Change, Statement

_FLOW = (cst.Await, cst.Break, cst.Continue, cst.NamedExpr, cst.Return, cst.Yield)


@dataclass(frozen=True, slots=True)
class Loop:
    """A plain ``for`` loop over one name, and where it stands."""

    block: Block
    position: int
    node: cst.For
    #: The loop variable.
    item: str

    @property
    def body(self) -> tuple[cst.CSTNode, ...]:
        """The statements inside, small ones on their own."""
        return statements(self.node.body)


def loops(module: cst.Module) -> Iterator[Loop]:
    """Yield each ``for name in …:`` without an else, in the order of the source."""
    for block in blocks(module):
        for position, statement in enumerate(block.statements):
            if (
                isinstance(statement, cst.For)
                and isinstance(statement.target, cst.Name)
                and statement.orelse is None
            ):
                yield Loop(block, position, statement, statement.target.value)


def statements(body: cst.BaseSuite) -> tuple[cst.CSTNode, ...]:
    """Return the statements of a body, those that share a line one by one."""
    found: list[cst.CSTNode] = []
    for statement in body.body:
        if isinstance(statement, cst.SimpleStatementLine):
            found.extend(statement.body)
        else:
            found.append(statement)
    return tuple(found)


def only_statement(body: cst.BaseSuite) -> cst.CSTNode | None:
    """Return the statement of a body that holds one, None for longer ones."""
    found = statements(body)
    return found[0] if len(found) == 1 else None


def leaves_early(node: cst.CSTNode) -> bool:
    """Tell whether something inside ends a round or the loop, waits, or yields."""
    return any(isinstance(inner, _FLOW) for inner in walk(node))


def start_of(block: Block, position: int, name: str) -> cst.SimpleStatementLine | None:
    """Return the line ``name = …`` above a statement, if nothing mentions the name between."""
    for line in reversed(block.statements[:position]):
        if name in names(line):
            alone = isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1
            if alone and isinstance(line, cst.SimpleStatementLine):
                assigned = single_assignment(line.body[0])
                return line if assigned and assigned[0] == name else None
            return None
    return None


def started_with(line: cst.SimpleStatementLine | None) -> cst.BaseExpression | None:
    """Return the value that a line assigns."""
    assigned = single_assignment(line.body[0]) if line is not None else None
    return assigned[1] if assigned else None


def is_used_elsewhere(block: Block, statement: cst.CSTNode, name: str) -> bool:
    """Tell whether the function uses a variable outside of a statement and of loops over it."""
    if block.owner is None:
        return True
    return _stray_uses(block.owner, statement, name)


def _stray_uses(node: cst.CSTNode, statement: cst.CSTNode, name: str) -> bool:
    if node is statement:
        return False
    if isinstance(node, cst.For) and any(
        isinstance(leaf, cst.Name) and leaf.value == name for leaf in targets(node.target)
    ):
        return _stray_uses(node.iter, statement, name)
    if isinstance(node, cst.Name):
        return node.value == name
    if isinstance(node, cst.Attribute | cst.Arg):
        return _stray_uses(node.value, statement, name)
    return any(_stray_uses(child, statement, name) for child in node.children)


def item_name(container: cst.BaseExpression, module: cst.Module) -> str:
    """Name the items of a container: ``word`` for ``words``, ``queue_item`` for ``queue``."""
    name = (dotted_name(container) or "value").rpartition(".")[2].lower()
    single = name[:-1] if name.endswith("s") and not name.endswith("ss") else ""
    if not single or keyword.iskeyword(single) or hasattr(builtins, single):
        single = f"{name}_item"
    return fresh_name(single, module)


def comments(nodes: Sequence[cst.CSTNode]) -> int:
    """Count the comments in some nodes."""
    return sum(isinstance(inner, cst.Comment) for node in nodes for inner in walk(node))


def parsed(module: cst.Module, code: str) -> list[Statement]:
    """Parse statements in the style of a module."""
    made = cst.parse_module(code, module.config_for_parsing).body
    kinds = (cst.SimpleStatementLine, cst.BaseCompoundStatement)
    return [statement for statement in made if isinstance(statement, kinds)]


def replaced_statement(
    module: cst.Module,
    block: Block,
    statement: Statement,
    code: str,
    description: str,
    *,
    needs: str = "",
    start: cst.SimpleStatementLine | None = None,
    also: Statement | None = None,
) -> Iterator[Rewrite]:
    """Put code in the place of a statement, and of the line that starts its variable.

    Nothing where a comment would be lost.

    Args:
        module: the whole module.
        block: where the statement stands; its function ends the description.
        statement: what the code replaces.
        code: one or several statements.
        description: of the rewrite.
        needs: what the code calls from a library.
        start: a line above that becomes superfluous; its comments stay.
        also: another statement that becomes superfluous, with nothing to be kept.
    """
    removed = [statement, *([start] if start is not None else [])]
    if also is not None and comments([also]):
        return
    kept = [line for node in removed for line in node.leading_lines]
    trailing = [start.trailing_whitespace] if start is not None else []
    if comments(removed) == comments([*kept, *trailing]):
        follower = block.statements[block.statements.index(start) + 1] if start else None
        build = partial(
            _replaced,
            module,
            statement,
            code,
            needs=needs,
            start=start,
            follower=follower,
            also=also,
        )
        yield Rewrite(f"{description}{block.where}", build, (statement,))


def _replaced(
    module: cst.Module,
    statement: Statement,
    code: str,
    *,
    needs: str,
    start: cst.SimpleStatementLine | None,
    follower: Statement | None,
    also: Statement | None,
) -> cst.Module:
    new = parsed(module, code)
    new[0] = new[0].with_changes(leading_lines=statement.leading_lines)
    if start is not None and isinstance(new[-1], cst.SimpleStatementLine):
        new[-1] = new[-1].with_changes(trailing_whitespace=start.trailing_whitespace)

    def inherit(node: Statement) -> Statement:
        assert start is not None
        return node.with_changes(leading_lines=[*start.leading_lines, *node.leading_lines])

    changes: dict[cst.CSTNode, Change] = {}
    if start is not None and follower is not None:
        changes[start] = lambda _: cst.RemoveFromParent()
        if follower is statement:
            new[0] = inherit(new[0])
        else:
            changes[follower] = inherit
    if also is not None:
        changes[also] = lambda _: cst.RemoveFromParent()
    changes[statement] = lambda _: cst.FlattenSentinel(new)
    changed = replaced(module, changes)
    return with_imports(scan(module), changed, [needs]) if needs else changed
