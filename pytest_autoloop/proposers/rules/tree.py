"""Questions that every rule asks of a syntax tree, and the one way to change it."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import libcst as cst

#: What becomes of a node, given the node with the changes inside it already made.
Change: TypeAlias = Callable[[Any], Any]
Statement: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement

_LONGEST_EXCERPT = 60

#: Which attribute of a node holds the names that the node binds.
_BINDERS: dict[type[cst.CSTNode], str] = {
    cst.AssignTarget: "target",
    cst.AugAssign: "target",
    cst.AnnAssign: "target",
    cst.For: "target",
    cst.CompFor: "target",
    cst.NamedExpr: "target",
    cst.Del: "target",
    cst.AsName: "name",
    cst.Param: "name",
    cst.FunctionDef: "name",
    cst.ClassDef: "name",
    cst.MatchAs: "name",
    cst.MatchStar: "name",
    cst.MatchMapping: "rest",
}


@dataclass(frozen=True, slots=True)
class Block:
    """A run of statements outside of class bodies and async functions."""

    statements: tuple[Statement, ...]
    #: Name of the function the statements are in, empty at module level.
    function: str
    #: That function, None at module level.
    owner: cst.FunctionDef | None = None

    @property
    def where(self) -> str:
        """The end of a description, for example ``" in parse"``."""
        return f" in {self.function}" if self.function else ""


def blocks(module: cst.Module) -> Iterator[Block]:
    """Yield the blocks that may be rewritten, outer before inner, in the order of the source."""
    yield from _blocks(module, owner=None, in_class=False)


def _blocks(node: cst.CSTNode, *, owner: cst.FunctionDef | None, in_class: bool) -> Iterator[Block]:
    if is_async_function(node):
        return
    if isinstance(node, cst.FunctionDef):
        owner, in_class = node, False
    elif isinstance(node, cst.ClassDef):
        in_class = True
    elif isinstance(node, cst.Module | cst.IndentedBlock) and not in_class:
        statements = [
            n
            for n in node.body
            if isinstance(n, cst.SimpleStatementLine | cst.BaseCompoundStatement)
        ]
        yield Block(tuple(statements), owner.name.value if owner else "", owner)
    for child in node.children:
        if not isinstance(child, cst.BaseExpression | cst.SimpleStatementLine):
            yield from _blocks(child, owner=owner, in_class=in_class)


def is_async_function(node: cst.CSTNode) -> bool:
    """Tell whether the node is an ``async def``."""
    return isinstance(node, cst.FunctionDef) and node.asynchronous is not None


def is_scope(node: cst.CSTNode) -> bool:
    """Tell whether what is inside the node runs at another time or in another namespace."""
    return isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda)


def walk(
    node: cst.CSTNode, *, outside: Callable[[cst.CSTNode], bool] | None = None
) -> Iterator[cst.CSTNode]:
    """Yield the node and all nodes inside it, leaving out those that are `outside`."""
    yield node
    for child in node.children:
        if outside is None or not outside(child):
            yield from walk(child, outside=outside)


def names(node: cst.CSTNode) -> Iterator[str]:
    """Yield the variables mentioned, once per mention; not attributes, not keywords."""
    if isinstance(node, cst.Name):
        yield node.value
    elif isinstance(node, cst.Attribute | cst.Arg):
        yield from names(node.value)
    else:
        for child in node.children:
            yield from names(child)


def words(text: str) -> frozenset[str]:
    """Make a set of words."""
    return frozenset(text.split())


def targets(target: cst.CSTNode) -> Iterator[cst.CSTNode]:
    """Yield the single targets of an assignment, those inside tuples and lists included."""
    if isinstance(target, cst.Tuple | cst.List):
        for element in target.elements:
            yield from targets(element.value)
    else:
        yield target


def bound_names(
    node: cst.CSTNode, *, outside: Callable[[cst.CSTNode], bool] | None = None
) -> set[str]:
    """Collect the variables that something inside the node binds or deletes."""
    found: set[str] = set()
    for inner in walk(node, outside=outside):
        if isinstance(inner, cst.ImportAlias):
            if inner.asname is None:
                found.add(inner.evaluated_name.partition(".")[0])
        elif (attribute := _BINDERS.get(type(inner))) and (bound := getattr(inner, attribute)):
            found.update(leaf.value for leaf in targets(bound) if isinstance(leaf, cst.Name))
    return found


def root_name(node: cst.CSTNode) -> str | None:
    """Return the variable at the start of ``a.b[c].d()``, None when it starts otherwise."""
    while not isinstance(node, cst.Name):
        if isinstance(node, cst.Attribute | cst.Subscript):
            node = node.value
        elif isinstance(node, cst.Call):
            node = node.func
        else:
            return None
    return node.value


def dotted_name(node: cst.CSTNode) -> str | None:
    """Return ``"a.b.c"`` for names and attributes of names, None for anything else."""
    if isinstance(node, cst.Name):
        return node.value
    if isinstance(node, cst.Attribute) and (left := dotted_name(node.value)):
        return f"{left}.{node.attr.value}"
    return None


def single_assignment(node: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """Return name and value of ``name = value``, None for any other statement."""
    if isinstance(node, cst.Assign) and len(node.targets) == 1:
        target = node.targets[0].target
        if isinstance(target, cst.Name):
            return target.value, node.value
    return None


def fresh_name(wanted: str, module: cst.Module) -> str:
    """Return `wanted`, with a number if the module already uses it for a variable."""
    taken = set(names(module)) | bound_names(module)
    name, number = wanted, 2
    while name in taken:
        name, number = f"{wanted}_{number}", number + 1
    return name


def shortened(code: str, width: int = _LONGEST_EXCERPT) -> str:
    """Put code on one short line, for a description: whole words of it where that says enough."""
    line = " ".join(code.split())
    short = textwrap.shorten(line, width, placeholder=" …")
    says_little = len(short) < min(len(line), width // 2)
    return f"{line[: width - 1]}…" if says_little else short


def assignment(name: str, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """Make the statement ``name = value``."""
    target = cst.AssignTarget(cst.Name(name))
    return cst.SimpleStatementLine([cst.Assign([target], value)])


def inserted_before(
    new: cst.SimpleStatementLine, statement: Statement
) -> tuple[cst.SimpleStatementLine, Statement]:
    """Put `new` above a statement: below the blank lines, above the comments that belong to it."""
    lines = list(statement.leading_lines)
    blank = next((i for i, line in enumerate(lines) if line.comment), len(lines))
    return (
        new.with_changes(leading_lines=lines[:blank]),
        statement.with_changes(leading_lines=lines[blank:]),
    )


def replaced(module: cst.Module, changes: Mapping[cst.CSTNode, Change]) -> cst.Module:
    """Return the module with some nodes changed and all else as it was."""
    return module.visit(_Replacer(changes))


class _Replacer(cst.CSTTransformer):
    """Applies each change when its node is left, so that changes can be inside one another."""

    def __init__(self, changes: Mapping[cst.CSTNode, Change]) -> None:
        super().__init__()
        self._changes = changes

    def on_leave(self, original_node: cst.CSTNode, updated_node: Any) -> Any:  # noqa: ANN401
        change = self._changes.get(original_node)
        return updated_node if change is None else change(updated_node)
