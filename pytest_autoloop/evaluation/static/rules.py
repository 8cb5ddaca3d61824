"""The hard rules: one function for each kind of thing a file can do."""

from __future__ import annotations

import ast
import builtins
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.evaluation.static import modules, policy
from pytest_autoloop.evaluation.static.calls import call_facts, name_as_value
from pytest_autoloop.evaluation.static.facts import Fact
from pytest_autoloop.evaluation.static.names import attribute_fact, special_name
from pytest_autoloop.evaluation.static.scopes import Layout, Place, origins_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

_BUILTINS = frozenset(dir(builtins))
#: A field of a format text that goes to an attribute or item which begins with an underscore.
_FORMAT = re.compile(r"\{[^{}]*?[.\[]\s*_")
_FORMAT_NAME = re.compile(r"\{[^{}:!]*?\.(\w+)")


@dataclass(frozen=True, slots=True)
class Context:
    """What the rules need to know about a file besides the part they look at."""

    layout: Layout
    allowed: frozenset[str]
    docstrings: frozenset[int]

    def allows(self, path: str) -> bool:
        """Whether the user allowed the module that a dotted name begins with."""
        parts = path.split(".")
        return any(".".join(parts[:end]) in self.allowed for end in range(1, len(parts) + 1))


def hard_facts(layout: Layout, allowed: Collection[str]) -> Iterator[Fact]:
    """Find everything in a file that computing does not need."""
    docstrings = frozenset(id(node) for node in _docstrings(layout))
    context = Context(layout, frozenset(allowed), docstrings)
    for place in layout.places:
        for rule in _RULES.get(type(place.node), ()):
            yield from rule(place, context)


def _docstrings(layout: Layout) -> Iterator[ast.Constant]:
    bodies = [scope.node for scope in layout.scopes.values()]
    for owner in bodies:
        body = getattr(owner, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            value = body[0].value
            if isinstance(value, ast.Constant) and isinstance(value.value, str):
                yield value


def _attribute(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Attribute)
    called = isinstance(place.parent, ast.Call) and place.parent.func is node
    if node.attr == "modules" and not called:
        what = f"uses the attribute modules, which {policy.INSIDE}"
        yield Fact(("attribute", "modules"), node.lineno, what)
    if not _sets_own_field(place):
        yield from attribute_fact(node.attr, node.lineno)
    if not isinstance(node.ctx, ast.Load):
        yield from _change(place)
    if not (isinstance(place.parent, ast.Attribute) and place.parent.value is node):
        yield from _reaches(place, context)


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


def _reaches(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Name | ast.Attribute)
    for origin in sorted(origins_of(node, place.scope)):
        if origin.startswith("."):
            continue
        wrong = modules.reach(origin)
        if wrong and not context.allows(origin):
            yield Fact(("reach", origin), node.lineno, wrong)


def _name(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Name)
    name, scope = node.id, place.scope
    yield from special_name(name, node.lineno, bound=not isinstance(node.ctx, ast.Load))
    if name in policy.NAMES and isinstance(node.ctx, ast.Load) and scope.is_builtin(name):
        what = f"uses {name}, which {policy.NAMES[name]}"
        yield Fact(("name", name), node.lineno, what)
    if scope.is_builtin(name):
        yield from name_as_value(place)
    if not (isinstance(place.parent, ast.Attribute) and place.parent.value is node):
        yield from _module_as_value(place, context)
        yield from _reaches(place, context)


def _module_as_value(place: Place, context: Context) -> Iterator[Fact]:
    """Find a module that is handed on, where nobody can say what is used of it."""
    node = place.node
    assert isinstance(node, ast.Name)
    if not isinstance(node.ctx, ast.Load):
        return
    home = place.scope.home_of(node.id)
    if home is None or home.origins.get(node.id) is None:
        return
    for origin in sorted(home.origins[node.id]):
        if origin in context.layout.imported and not modules.is_module(origin):
            yield Fact(("reach", origin), node.lineno, f"hands on the module {origin}")


def _bound_names(place: Place, _: Context) -> Iterator[Fact]:
    node = place.node
    names: list[str | None] = []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.ExceptHandler):
        names = [node.name]
    elif isinstance(node, ast.arg | ast.keyword):
        names = [node.arg]
    elif isinstance(node, ast.Global | ast.Nonlocal):
        names = list(node.names)
    elif isinstance(node, ast.MatchAs | ast.MatchStar):
        names = [node.name]
    elif isinstance(node, ast.MatchMapping):
        names = [node.rest]
    for name in names:
        line = getattr(node, "lineno", 1)
        yield from special_name(name or "", line, bound=True)


def _subscript(place: Place, _: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Subscript)
    if not isinstance(node.ctx, ast.Load):
        yield from _change(place)


def _change(place: Place) -> Iterator[Fact]:
    """Find an attribute or item that is set on something imported, built in, or a foreign type."""
    node = place.node
    assert isinstance(node, ast.Attribute | ast.Subscript)
    base: ast.expr = node.value
    through_call = False
    while isinstance(base, ast.Attribute | ast.Subscript | ast.Call):
        through_call = through_call or isinstance(base, ast.Call)
        base = base.func if isinstance(base, ast.Call) else base.value
    if not isinstance(base, ast.Name) or (through_call and isinstance(node, ast.Subscript)):
        return
    text = ast.unparse(node)
    key = ("change", text)
    if origins_of(base, place.scope):
        yield Fact(key, node.lineno, f"changes {text}, which is imported")
    elif base.id in _BUILTINS and place.scope.home_of(base.id) is None and base.id != "super":
        yield Fact(key, node.lineno, f"changes {text}, which is built in")


def _import(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Import)
    for alias in node.names:
        yield from _import_of(alias.name, node.lineno, context)
        yield from special_name(alias.asname or "", node.lineno, bound=True)


def _import_from(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.ImportFrom)
    source = "." * node.level + (node.module or "")
    if source == "__future__":
        return
    if node.level and not node.module:
        # `from . import name` imports modules, one for each name.
        for alias in node.names:
            yield from _import_of(source + alias.name, node.lineno, context)
    elif source not in modules.PACKAGES:
        yield from _import_of(source, node.lineno, context)
    for alias in node.names:
        yield from special_name(alias.asname or "", node.lineno, bound=True)
        if alias.name == "*":
            yield Fact(("star", source), node.lineno, f"imports every name of {source}")
            continue
        path = f"{source}.{alias.name}"
        if node.level or context.allows(path) or modules.is_module(path):
            continue
        wrong = modules.reach(path)
        if wrong:
            yield Fact(("reach", path), node.lineno, wrong)


def _import_of(module: str, line: int, context: Context) -> Iterator[Fact]:
    if modules.is_open(module) or context.allows(module):
        return
    advice = "" if module.startswith(".") else ": allow it with autoloop_allow_imports"
    what = f"imports {module}, which the baseline does not{advice}"
    yield Fact(("import", module), line, what)


def _constant(place: Place, context: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.Constant)
    text = node.value
    if not isinstance(text, str) or id(node) in context.docstrings:
        return
    if text in policy.TELLING_TEXT:
        what = f"writes {text!r}, the name of an attribute which {policy.INSIDE}"
        yield Fact(("text", text), node.lineno, what)
    elif "{" in text:
        names = {name for name in _FORMAT_NAME.findall(text) if name in policy.TELLING_TEXT}
        if names or _FORMAT.search(text):
            what = f"formats {text[:60]!r}, which looks into what it is given"
            yield Fact(("format", text), node.lineno, what)


def _match_class(place: Place, _: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.MatchClass)
    for name in node.kwd_attrs:
        yield from attribute_fact(name, node.lineno)


def _decorated(place: Place, _: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    for decorator in node.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        root: ast.expr = called
        while isinstance(root, ast.Attribute):
            root = root.value
        known = isinstance(root, ast.Name) and (
            root.id in policy.PLAIN_DECORATORS or place.scope.home_of(root.id) is not None
        )
        if not known:
            text = ast.unparse(decorator)
            what = f"runs the decorator {text[:60]} at import, of which nothing is known"
            yield Fact(("decorator", text), decorator.lineno, what)


def _class(place: Place, _: Context) -> Iterator[Fact]:
    node = place.node
    assert isinstance(node, ast.ClassDef)
    for base in node.bases:
        if isinstance(base, ast.Name) and base.id == "type" and place.scope.is_builtin("type"):
            yield Fact(("metaclass", node.name), node.lineno, f"defines the metaclass {node.name}")
    for keyword in node.keywords:
        if keyword.arg != "metaclass":
            continue
        if not origins_of(keyword.value, place.scope) <= policy.METACLASSES or not origins_of(
            keyword.value, place.scope
        ):
            text = ast.unparse(keyword.value)
            what = f"gives the class {node.name} the metaclass {text[:60]}"
            yield Fact(("metaclass", text), node.lineno, what)


def _call(place: Place, _: Context) -> Iterator[Fact]:
    yield from call_facts(place)


_RULES: dict[type[ast.AST], tuple[Callable[[Place, Context], Iterator[Fact]], ...]] = {
    ast.Attribute: (_attribute,),
    ast.Name: (_name,),
    ast.Subscript: (_subscript,),
    ast.Import: (_import,),
    ast.ImportFrom: (_import_from,),
    ast.Constant: (_constant,),
    ast.MatchClass: (_match_class,),
    ast.FunctionDef: (_bound_names, _decorated),
    ast.AsyncFunctionDef: (_bound_names, _decorated),
    ast.ClassDef: (_bound_names, _decorated, _class),
    ast.Call: (_call,),
    ast.arg: (_bound_names,),
    ast.keyword: (_bound_names,),
    ast.Global: (_bound_names,),
    ast.Nonlocal: (_bound_names,),
    ast.ExceptHandler: (_bound_names,),
    ast.MatchAs: (_bound_names,),
    ast.MatchStar: (_bound_names,),
    ast.MatchMapping: (_bound_names,),
}
