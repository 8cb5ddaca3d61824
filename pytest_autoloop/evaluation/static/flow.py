"""The hard rules about flow: what a file calls, changes and hands on."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import modules, policy
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.rules import attribute_name, uses
from pytest_autoloop.evaluation.static.scopes import origins_of, root_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.evaluation.static.rules import Context
    from pytest_autoloop.evaluation.static.scopes import Place

_READERS = frozenset({"getattr", "hasattr"})


def calls(place: Place, context: Context) -> Iterator[Fact]:
    """Judge attributes that are named by text: `getattr(x, "name")`, `attrgetter("name")`."""
    node = place.node
    assert isinstance(node, ast.Call)
    yield from _handed_on(place, context)
    if isinstance(node.func, ast.Name) and place.scope.is_builtin(node.func.id):
        if node.func.id in policy.ATTRIBUTE_CALLS:
            yield from _named_by_text(place, node.func.id, node.args[1:2], context)
            if node.func.id != "getattr" and node.args:
                yield from _change(node.args[0], place)
        if node.func.id == "type" and len(node.args) + len(node.keywords) > 1:
            yield Fact(("call", "type"), node.lineno, "makes a class at run time")
        if node.func.id in _READERS and len(node.args) > 1:
            yield from _read_by_text(place, node, context)
    for origin in sorted(origins_of(node.func, place.scope) & policy.ATTRIBUTE_MAKERS):
        given = node.args if origin.endswith("attrgetter") else node.args[:1]
        yield from _named_by_text(place, origin, given, context)


def _named_by_text(
    place: Place, function: str, given: list[ast.expr], context: Context
) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Call)
    for argument in given or [node]:
        text = argument.value if isinstance(argument, ast.Constant) else None
        if not isinstance(text, str):
            what = f"calls {function} with a name that is not written out"
            yield Fact(("computed", function), node.lineno, what)
            continue
        for name in text.split("."):
            yield from attribute_name(name, node.lineno, context, reads=function != "setattr")


def _read_by_text(place: Place, node: ast.Call, context: Context) -> Iterator[Fact]:
    """Judge `getattr(module, "name")` as `module.name`."""
    name = node.args[1]
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        whole = ast.Attribute(node.args[0], name.value, ast.Load(), lineno=node.lineno)
        yield from uses(whole, place, context)


def changes(place: Place, _: Context) -> Iterator[Fact]:
    """Find an attribute or item that is set on something imported."""
    node = place.node
    assert isinstance(node, ast.Attribute | ast.Subscript)
    if not isinstance(node.ctx, ast.Load):
        base = node.value
        if isinstance(node, ast.Attribute) and isinstance(base, ast.Call):
            # `module.current().setting = 1`
            base = base.func
        yield from _change(base, place)


def _change(base: ast.expr, place: Place) -> Iterator[Fact]:
    if origins_of(root_of(base), place.scope):
        text, line = spelled(base), getattr(place.node, "lineno", 1)
        yield Fact(("change", text), line, f"changes {text}, which is imported")


def statements(place: Place, context: Context) -> Iterator[Fact]:
    """Find calls at import whose only sense is an effect outside of the file."""
    node = place.node
    assert isinstance(node, ast.Expr)
    if not isinstance(node.value, ast.Call) or place.scope.in_function():
        return
    function = node.value.func
    for origin in sorted(origins_of(root_of(function), place.scope)):
        module, names = modules.split(origin, context.layout.imported)
        if not modules.is_open(module) and not context.allows(module):
            text = spelled(function)
            what = f"calls {text} at import, which acts on what is imported"
            yield Fact(("effect", text), node.lineno, what)
        elif names and isinstance(function, ast.Attribute) and function.attr in policy.MUTATORS:
            yield from _change(function.value, place)


def hands_on(place: Place, context: Context) -> Iterator[Fact]:
    """Find a module that is handed on, where nobody can say what is used of it."""
    yield from _handed_on(place, context)


def _handed_on(place: Place, context: Context) -> Iterator[Fact]:
    # A lambda and a comprehension give what stands inside of them.
    scope = context.layout.scopes.get(place.node, place.scope)
    for value in _leaving(place):
        for origin in sorted(origins_of(value, scope)):
            known = origin in context.layout.imported or modules.is_open(origin)
            if known and not context.allows(origin):
                yield Fact(("hand", origin), value.lineno, f"hands on the module {origin}")


def _leaving(place: Place) -> list[ast.expr]:
    """Return the parts of a node whose values go where names do not follow them."""
    node = place.node
    if isinstance(node, ast.Call):
        reads = isinstance(node.func, ast.Name) and node.func.id in _READERS
        keywords = [keyword.value for keyword in node.keywords]
        return [*node.args[1 if reads else 0 :], *keywords]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        # A class hands its names on; a plain name elsewhere is followed.
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        plain = all(isinstance(target, ast.Name) for target in targets)
        followed = plain and place.scope.kind != "class"
        return [] if followed or node.value is None else [node.value]
    if isinstance(node, ast.Compare):
        if all(isinstance(operator, ast.Is | ast.IsNot) for operator in node.ops):
            return []
        return [node.left, *node.comparators]
    parts: list[ast.expr] = []
    for name in LEAVING[type(node)]:
        value = getattr(node, name)
        parts += value if isinstance(value, list) else [value]
    # A dictionary has no key, and a return no value, where none is written.
    return [part for part in parts if part is not None]


#: The fields of nodes whose values leave the names they had; calls, assignments and comparisons
#: are looked at more closely.
LEAVING: dict[type[ast.AST], tuple[str, ...]] = {
    ast.AsyncFor: ("iter",),
    ast.AugAssign: ("value",),
    ast.Await: ("value",),
    ast.BinOp: ("left", "right"),
    ast.Dict: ("keys", "values"),
    ast.DictComp: ("key", "value"),
    ast.For: ("iter",),
    ast.GeneratorExp: ("elt",),
    ast.Lambda: ("body",),
    ast.List: ("elts",),
    ast.ListComp: ("elt",),
    ast.Match: ("subject",),
    ast.Return: ("value",),
    ast.Set: ("elts",),
    ast.SetComp: ("elt",),
    ast.Starred: ("value",),
    ast.Subscript: ("slice",),
    ast.Tuple: ("elts",),
    ast.Yield: ("value",),
    ast.YieldFrom: ("value",),
    ast.withitem: ("context_expr",),
}
