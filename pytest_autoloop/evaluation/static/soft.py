"""The soft rules: what is no fault, and what the reader of a kept change should know."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import modules, policy
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.scopes import FUNCTIONS, Place, origins_of, root_of, spelled

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.evaluation.static.scopes import Layout, Scope

#: A table with more entries than this may hold answers.
LARGEST_TABLE = 64
#: Methods that comparing, hashing, reading or dropping an object calls.
_TELLING_METHODS = frozenset({"__del__", "__eq__", "__getattr__", "__hash__"})
_CACHE = "a cache that may live across calls"


def soft_facts(layout: Layout) -> Iterator[Fact]:
    """Find state that lives across calls, code that runs at import, and tables."""
    for place in layout.places:
        node = place.node
        if isinstance(node, ast.Call):
            yield from _call(place)
        elif isinstance(node, ast.Attribute | ast.Subscript):
            if not isinstance(node.ctx, ast.Load):
                yield from _kept(node.value, place)
        elif isinstance(node, ast.Global):
            for name in node.names:
                yield Fact(("state", name), node.lineno, f"sets {name}, which lives across calls")
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _decorators(node, place)
            yield from _method(node, place)
        elif isinstance(node, ast.ClassDef):
            yield from _decorators(node, place)
            yield from _shared(node)
        else:
            yield from _at_import(place)
            yield from _table(node)


def _at_import(place: Place) -> Iterator[Fact]:
    node = place.node
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        if not place.scope.in_function():
            text = spelled(node.value.func)
            yield Fact(("runs", text), node.lineno, f"calls {text} at import")
    elif isinstance(node, ast.For | ast.While | ast.With) and place.scope.kind == "module":
        kind = type(node).__name__.lower()
        yield Fact(("runs", kind), node.lineno, f"runs a {kind} statement at import")


def _table(node: ast.AST) -> Iterator[Fact]:
    if isinstance(node, ast.Dict | ast.List | ast.Set | ast.Tuple):
        entries = node.keys if isinstance(node, ast.Dict) else node.elts
        if len(entries) > LARGEST_TABLE:
            what = f"holds a table of {len(entries)} entries"
            yield Fact(("table", str(len(entries))), node.lineno, what)


def new_imports(layout: Layout) -> Iterator[Fact]:
    """Find every import, whether it is allowed or not."""
    for place in layout.places:
        node = place.node
        paths = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            source = "." * node.level + (node.module or "")
            paths = [source] if node.module else [source + alias.name for alias in node.names]
        for path in paths:
            if path != "__future__":
                line = getattr(node, "lineno", 1)
                yield Fact(("imports", path), line, f"imports {path}")


def _call(place: Place) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Call)
    function = node.func
    if isinstance(function, ast.Attribute) and function.attr in policy.MUTATORS:
        yield from _kept(function.value, place)
    found = origins_of(function, place.scope)
    # As a decorator it is told with the function it decorates.
    if found & policy.CACHES and not isinstance(place.parent, ast.FunctionDef):
        yield Fact(("cache", ""), node.lineno, f"makes {_CACHE}")
    if "concurrent.futures.ThreadPoolExecutor" in found:
        yield Fact(("threads",), node.lineno, "starts threads")


def _kept(base: ast.expr, place: Place) -> Iterator[Fact]:
    """Find a change, made in a function, of something that was made outside of it."""
    root = root_of(base)
    if not isinstance(root, ast.Name) or not place.scope.in_function():
        return
    home = place.scope.home_of(root.id)
    line = getattr(place.node, "lineno", 1)
    if home is None or origins_of(root, place.scope):
        # Something imported may be a module: `numpy.append(x, y)` changes nothing.
        return
    if home.kind == "module":
        what = f"changes {spelled(base)}, which lives across calls"
        yield Fact(("state", root.id), line, what)
    elif isinstance(home.node, FUNCTIONS) and root.id in _default_containers(home):
        what = f"changes {root.id}, a default value, which lives across calls"
        yield Fact(("state", root.id), line, what)


def _default_containers(scope: Scope) -> set[str]:
    """Return the parameters of a function whose default value is a container."""
    assert isinstance(scope.node, FUNCTIONS)
    given = scope.node.args
    positional = [*given.posonlyargs, *given.args]
    start = len(positional) - len(given.defaults)
    pairs: list[tuple[ast.arg, ast.expr | None]] = [
        *zip(positional[start:], given.defaults, strict=True),
        *zip(given.kwonlyargs, given.kw_defaults, strict=True),
    ]
    return {argument.arg for argument, default in pairs if default and _is_container(default)}


def _is_container(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call):
        return spelled(value.func).rpartition(".")[2] in policy.CONTAINERS
    displays = ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp
    return isinstance(value, displays)


def _decorators(
    node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, place: Place
) -> Iterator[Fact]:
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        for origin in sorted(origins_of(called, place.scope)):
            if origin in policy.CACHES:
                yield Fact(("cache", node.name), node.lineno, f"gives {node.name} {_CACHE}")
            elif not modules.is_open(origin.rpartition(".")[0]):
                what = f"gives {node.name} the decorator {spelled(called)}, which runs at import"
                yield Fact(("decorator", origin), node.lineno, what)


def _method(node: ast.FunctionDef | ast.AsyncFunctionDef, place: Place) -> Iterator[Fact]:
    if place.scope.kind == "class" and node.name in _TELLING_METHODS:
        owner = getattr(place.scope.node, "name", "")
        yield Fact(("method", owner, node.name), node.lineno, f"defines {owner}.{node.name}")


def _shared(node: ast.ClassDef) -> Iterator[Fact]:
    for part in node.body:
        if isinstance(part, ast.Assign | ast.AnnAssign) and _is_container(part.value):
            target = part.targets[0] if isinstance(part, ast.Assign) else part.target
            name = f"{node.name}.{spelled(target)}"
            yield Fact(("shared", name), part.lineno, f"keeps {name}, which all its objects share")
