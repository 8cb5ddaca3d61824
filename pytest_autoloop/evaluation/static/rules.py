"""The hard rules about names: what a file imports, reads, defines and writes as text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import modules, policy
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.scopes import joined, origins_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.evaluation.static.scopes import Layout, Place

#: A field of a format text that goes to a special attribute, or to any attribute.
_FORMAT = re.compile(r"\{[^{}]*?\.__")
_FORMAT_NAME = re.compile(r"\{[^{}:!]*?\.(\w+)")


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules need to know about a file besides the part they look at."""

    layout: Layout
    allowed: frozenset[str]
    #: Names of methods that the file's own classes define.
    methods: frozenset[str]
    docstrings: frozenset[int]

    @classmethod
    def of(cls, layout: Layout, allowed: frozenset[str]) -> Context:
        """Gather it from a file's layout."""
        methods: set[str] = set()
        docstrings: set[int] = set()
        for node in layout.scopes:
            body = getattr(node, "body", None)
            if not isinstance(body, list):
                continue
            if body and isinstance(body[0], ast.Expr):
                docstrings.add(id(body[0].value))
            if isinstance(node, ast.ClassDef):
                functions = (ast.FunctionDef, ast.AsyncFunctionDef)
                methods |= {one.name for one in body if isinstance(one, functions)}
        return cls(layout, allowed, frozenset(methods), frozenset(docstrings))

    def allows(self, module: str) -> bool:
        """Whether the user allowed a module or a package it is in.

        A relative import is allowed by any name that ends like it.
        """
        if module.startswith("."):
            tail = "." + module.lstrip(".")
            return any(f".{name}".endswith(tail) for name in self.allowed)
        parts = module.split(".")
        return any(".".join(parts[:end]) in self.allowed for end in range(1, len(parts) + 1))


def imports(place: Place, context: Context) -> Iterator[Fact]:
    """Judge `import a.b as c`."""
    node = place.node
    assert isinstance(node, ast.Import)
    for alias in node.names:
        yield from _import_of(alias.name, node.lineno, context)
        yield from special_name(alias.asname or "", node.lineno, bound=True)


def imports_from(place: Place, context: Context) -> Iterator[Fact]:
    """Judge `from a.b import c`, name by name."""
    node = place.node
    assert isinstance(node, ast.ImportFrom)
    source = "." * node.level + (node.module or "")
    if source == "__future__":
        return
    if node.module:
        yield from _import_of(source, node.lineno, context)
    for alias in node.names:
        yield from special_name(alias.name, node.lineno, bound=False)
        yield from special_name(alias.asname or "", node.lineno, bound=True)
        path = joined(source, alias.name)
        if alias.name == "*":
            yield Fact(("star", source), node.lineno, f"imports every name of {source}")
        elif not node.module:
            # `from . import name` imports modules, one for each name.
            yield from _import_of(path, node.lineno, context)
        elif not modules.is_open(path):
            yield from _use(source, [alias.name], node.lineno, context)


def _import_of(module: str, line: int, context: Context) -> Iterator[Fact]:
    if modules.is_open(module) or context.allows(module):
        return
    what = f"imports {module}, which the baseline does not (allow it with autoloop_allow_imports)"
    yield Fact(("import", module), line, what)


def _use(module: str, names: list[str], line: int, context: Context) -> Iterator[Fact]:
    wrong = modules.wrong_with(module, names)
    if wrong is not None and not context.allows(module) and not context.allows(wrong[0]):
        yield Fact(("use", wrong[0]), line, wrong[1])


def uses(node: ast.expr, place: Place, context: Context) -> Iterator[Fact]:
    """Judge what an expression uses of imported modules."""
    for origin in sorted(origins_of(node, place.scope)):
        module, names = modules.split(origin, context.layout.imported)
        yield from _use(module, names, node.lineno, context)


def names(place: Place, context: Context) -> Iterator[Fact]:
    """Judge a name that is read or bound."""
    node = place.node
    assert isinstance(node, ast.Name)
    reads = isinstance(node.ctx, ast.Load)
    yield from special_name(node.id, node.lineno, bound=not reads)
    if not reads or not place.scope.is_builtin(node.id):
        pass
    elif node.id in policy.NAMES:
        what = f"uses {node.id}, which {policy.NAMES[node.id]}"
        yield Fact(("name", node.id), node.lineno, what)
    elif node.id in policy.ATTRIBUTE_CALLS and not _is_called(place):
        what = f"hands on {node.id}: nobody can say which attributes it will be used for"
        yield Fact(("computed", node.id), node.lineno, what)
    yield from _whole_chain(place, context)


def attributes(place: Place, context: Context) -> Iterator[Fact]:
    """Judge an attribute by its name, and the chain that it ends by where that leads."""
    node = place.node
    assert isinstance(node, ast.Attribute)
    reads = isinstance(node.ctx, ast.Load)
    if not _sets_own_field(place):
        yield from attribute_name(node.attr, node.lineno, context, reads=reads)
    yield from _whole_chain(place, context)


def _whole_chain(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Name | ast.Attribute)
    goes_on = isinstance(place.parent, ast.Attribute)
    if isinstance(node.ctx, ast.Load) and not goes_on:
        yield from uses(node, place, context)
        if not _is_called(place):
            yield from _by_name(node, place)


def _by_name(node: ast.expr, place: Place) -> Iterator[Fact]:
    """Find attrgetter and methodcaller where they are not called at once."""
    found = origins_of(node, place.scope) & policy.ATTRIBUTE_MAKERS
    alias = isinstance(place.parent, ast.Assign | ast.AnnAssign) and place.scope.kind != "class"
    for origin in sorted(found if not alias else ()):
        what = f"hands on {origin}: nobody can say which attributes it will be used for"
        yield Fact(("computed", origin), node.lineno, what)


def attribute_name(name: str, line: int, context: Context, *, reads: bool = True) -> Iterator[Fact]:
    """Judge the name of an attribute, however it is written."""
    if name.startswith("__") and name.endswith("__"):
        inside = name not in (policy.READABLE if reads else policy.DEFINABLE)
    else:
        inside = name in policy.INTROSPECTION
    if inside:
        what = f"uses the attribute {name}, which {policy.INSIDE}"
        yield Fact(("attribute", name), line, what)
    elif name in policy.EFFECTS and name not in context.methods:
        kind = "reading" if name in policy.READING else name
        what = f"uses the attribute {name}, which acts on files or processes"
        yield Fact(("attribute", kind), line, what)


def _is_called(place: Place) -> bool:
    return isinstance(place.parent, ast.Call) and place.parent.func is place.node


def _sets_own_field(place: Place) -> bool:
    """Whether this is `object.__setattr__(self, "name", …)`, as frozen classes write it."""
    node, call = place.node, place.parent
    assert isinstance(node, ast.Attribute)
    if node.attr != "__setattr__" or not isinstance(call, ast.Call) or call.func is not node:
        return False
    base, arguments = node.value, call.args
    if isinstance(base, ast.Call):
        plain = isinstance(base.func, ast.Name) and base.func.id == "super"
        name = arguments[:1]
    else:
        plain = isinstance(base, ast.Name) and base.id == "object"
        first = arguments[0] if arguments else None
        plain = plain and isinstance(first, ast.Name) and first.id == "self"
        name = arguments[1:2]
    text = name[0].value if name and isinstance(name[0], ast.Constant) else None
    return plain and isinstance(text, str) and not text.startswith("__")


def special_name(name: str, line: int, *, bound: bool) -> Iterator[Fact]:
    """Judge a name with two underscores on both sides."""
    if not (name.startswith("__") and name.endswith("__") and len(name) > len("____")):
        return
    known = policy.DEFINABLE if bound else policy.DEFINABLE | policy.READABLE_NAMES
    if name not in known:
        what = f"defines {name}" if bound else f"uses {name}"
        yield Fact(("name", name), line, f"{what}, which {policy.INSIDE}")


def bound_names(place: Place, _: Context) -> Iterator[Fact]:
    """Judge the names that something other than an assignment binds."""
    node = place.node
    found = [getattr(node, key, None) for key in ("name", "arg", "rest")]
    for name in (*found, *getattr(node, "names", ())):
        if isinstance(name, str):
            yield from special_name(name, getattr(node, "lineno", 1), bound=True)


def texts(place: Place, context: Context) -> Iterator[Fact]:
    """Judge text that is the name of an attribute, or that formats one."""
    node = place.node
    assert isinstance(node, ast.Constant)
    text = node.value
    if not isinstance(text, str) or id(node) in context.docstrings:
        return
    if text in policy.TELLING_TEXT:
        what = f"writes {text!r}, the name of an attribute which {policy.INSIDE}"
        yield Fact(("text", text), node.lineno, what)
    elif "{" in text:
        told = any(name in policy.TELLING_TEXT for name in _FORMAT_NAME.findall(text))
        if told or _FORMAT.search(text):
            what = f"formats {text[:60]!r}, which looks into what it is given"
            yield Fact(("format", text), node.lineno, what)


def patterns(place: Place, context: Context) -> Iterator[Fact]:
    """Judge the attributes that a class pattern reads."""
    node = place.node
    assert isinstance(node, ast.MatchClass)
    for name in node.kwd_attrs:
        yield from attribute_name(name, node.lineno, context)
