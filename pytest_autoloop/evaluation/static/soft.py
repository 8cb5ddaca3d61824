"""What a reader of a kept file should know: it never decides."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import policy
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.scopes import Layout, Place, origins_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_CACHES = frozenset({"functools.cache", "functools.lru_cache", "functools.cached_property"})
_TELLING_METHODS = frozenset({"__del__", "__eq__", "__hash__", "__getattr__", "__getattribute__"})
#: More items than this in one literal are a table of answers, or data.
_MANY = 64
_DISPLAYS = (ast.Dict, ast.List, ast.Set, ast.ListComp, ast.DictComp, ast.SetComp)
_STATEMENTS = (ast.For, ast.While, ast.With, ast.Try, ast.If)


def soft_facts(layout: Layout) -> Iterator[Fact]:
    """Find caches, state of the module, code at import, methods that comparisons call."""
    containers = _containers(layout)
    for place in layout.places:
        node = place.node
        if isinstance(node, ast.Import | ast.ImportFrom):
            text = ast.unparse(node)
            yield Fact(("import", text), node.lineno, text)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(node, place)
        elif isinstance(node, ast.List | ast.Tuple | ast.Set | ast.Dict):
            yield from _literal(node)
        elif isinstance(node, ast.Global) and place.scope.in_function():
            for name in node.names:
                what = f"changes the module's {name} in a function: state lives across calls"
                yield Fact(("state", name), node.lineno, what)
        elif isinstance(node, _STATEMENTS) and place.parent is layout.module.node:
            yield from _statement(node)
        yield from _change(place, layout, containers)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Fact]:
    if node.name in _TELLING_METHODS and isinstance(place.parent, ast.ClassDef):
        what = f"the class {place.parent.name} defines {node.name}"
        yield Fact(("method", place.parent.name, node.name), node.lineno, what)
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        if origins_of(called, place.scope) & _CACHES:
            what = f"{node.name} has a cache, which may live across calls"
            yield Fact(("cache", node.name), node.lineno, what)


def _literal(node: ast.List | ast.Tuple | ast.Set | ast.Dict) -> Iterator[Fact]:
    count = len(node.keys if isinstance(node, ast.Dict) else node.elts)
    if count > _MANY:
        what = f"a literal with {count} items"
        yield Fact(("literal", str(count)), node.lineno, what)


def _statement(node: ast.stmt) -> Iterator[Fact]:
    text = ast.unparse(node)
    if isinstance(node, ast.If) and text.startswith(("if TYPE_CHECKING", "if __name__")):
        return
    first = text.splitlines()[0][:60]
    yield Fact(("statement", text), node.lineno, f"runs at import: {first}")


def _containers(layout: Layout) -> frozenset[str]:
    """Return the module's names that are bound to a container that can change."""
    return frozenset(
        name
        for name, values in layout.module.values.items()
        if any(
            isinstance(value, _DISPLAYS) or _made(value) in policy.CONTAINERS for value in values
        )
    )


def _made(value: ast.expr | None) -> str:
    """Return the name of what is called to make a value; empty if that is no call."""
    return _last(value.func) if isinstance(value, ast.Call) else ""


def _last(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else getattr(node, "id", "")


def _change(place: Place, layout: Layout, containers: frozenset[str]) -> Iterator[Fact]:
    """Find a function that changes a container of the module."""
    node = place.node
    base: ast.expr | None = None
    if isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load):
        base = node.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        base = node.func.value if node.func.attr in policy.MUTATORS else None
    if not isinstance(base, ast.Name) or base.id not in containers:
        return
    if place.scope.in_function() and place.scope.home_of(base.id) is layout.module:
        what = f"changes the module's {base.id} in a function: state lives across calls"
        yield Fact(("state", base.id), getattr(node, "lineno", 1), what)
