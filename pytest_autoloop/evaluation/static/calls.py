"""Calls: attributes that are named at run time, and what happens at import."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import policy
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.names import attribute_fact
from pytest_autoloop.evaluation.static.scopes import origins_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.evaluation.static.scopes import Place


def call_facts(place: Place) -> Iterator[Fact]:
    """Judge one call."""
    node = place.node
    assert isinstance(node, ast.Call)
    function = node.func
    if isinstance(function, ast.Name) and place.scope.is_builtin(function.id):
        if function.id in policy.ATTRIBUTE_CALLS:
            yield from _named_attribute(node, function.id)
        elif function.id == "type" and len(node.args) + len(node.keywords) > 1:
            yield Fact(("call", "type"), node.lineno, "makes a class at run time")
    dropped = isinstance(place.parent, ast.Expr) and not place.scope.in_function()
    if dropped and origins_of(function, place.scope):
        text = ast.unparse(function)
        what = f"calls {text[:60]} at import, for its effect"
        yield Fact(("effect", text), node.lineno, what)


def name_as_value(place: Place) -> Iterator[Fact]:
    """Find `getattr` and the like where they are handed on, to be called who knows how."""
    node = place.node
    assert isinstance(node, ast.Name)
    called = isinstance(place.parent, ast.Call) and place.parent.func is node
    if node.id in policy.ATTRIBUTE_CALLS and isinstance(node.ctx, ast.Load) and not called:
        yield Fact(("value", node.id), node.lineno, f"hands {node.id} on")


def _named_attribute(node: ast.Call, function: str) -> Iterator[Fact]:
    name = node.args[1] if len(node.args) > 1 else None
    if isinstance(name, ast.Constant) and isinstance(name.value, str):
        yield from attribute_fact(name.value, node.lineno)
    else:
        text = ast.unparse(node)
        what = f"calls {text[:60]}: {function} with a name that is not written out"
        yield Fact(("computed", function, text), node.lineno, what)
