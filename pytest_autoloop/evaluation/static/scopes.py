"""Which names of a file mean imported things, and where each part of it stands."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


@dataclass(eq=False, slots=True)
class Scope:
    """Names bound in a module, a class, a function or a comprehension."""

    kind: str
    node: ast.AST
    parent: Scope | None = None
    #: Dotted names of what was imported under a name; empty for a name bound otherwise.
    origins: dict[str, set[str]] = field(default_factory=dict)
    #: Every value given to a name; None where it is not written next to it.
    values: dict[str, list[ast.expr | None]] = field(default_factory=dict)
    elsewhere: dict[str, Scope] = field(default_factory=dict)

    @property
    def module(self) -> Scope:
        """The scope of the whole file."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    @property
    def local(self) -> bool:
        """Whether an unbound name here is an error, and never a built-in."""
        return self.kind in {"function", "comprehension"}

    def bind(self, name: str, origin: str | None = None, value: ast.expr | None = None) -> None:
        """Note that a name is bound here, or where `global` and `nonlocal` say."""
        home = self.elsewhere.get(name, self)
        origins = home.origins.setdefault(name, set())
        home.values.setdefault(name, []).append(value)
        if origin is not None:
            origins.add(origin)

    def home_of(self, name: str) -> Scope | None:
        """Return the scope that a name read here belongs to; None for built-ins."""
        scope: Scope | None = self
        while scope is not None:
            if name in scope.elsewhere:
                return scope.elsewhere[name]
            if name in scope.origins and (scope is self or scope.kind != "class"):
                return scope
            scope = scope.parent
        return None

    def is_builtin(self, name: str) -> bool:
        """Whether a name can mean the built-in: only a function's own names never do."""
        home = self.home_of(name)
        return home is None or not home.local

    def in_function(self) -> bool:
        """Whether this code runs when something is called."""
        scope: Scope | None = self
        while scope is not None:
            if scope.kind == "function":
                return True
            scope = scope.parent
        return False


@dataclass(frozen=True, slots=True)
class Place:
    """A part of a file, with what is around it."""

    node: ast.AST
    parent: ast.AST
    scope: Scope


def origins_of(node: ast.expr, scope: Scope) -> set[str]:
    """Return the dotted names of the imported things that an expression may stand for.

    It reads names, chains of attributes, and what chooses between them: `a.b`, `a or b`.
    """
    found: set[str] = set()
    waiting: list[tuple[ast.expr, str]] = [(node, "")]
    while waiting:
        part, tail = waiting.pop()
        if isinstance(part, ast.Attribute):
            waiting.append((part.value, f".{part.attr}{tail}"))
        elif isinstance(part, ast.NamedExpr):
            waiting.append((part.value, tail))
        elif isinstance(part, ast.IfExp):
            waiting += [(part.body, tail), (part.orelse, tail)]
        elif isinstance(part, ast.BoolOp):
            waiting += [(value, tail) for value in part.values]
        elif isinstance(part, ast.Name):
            home = scope.home_of(part.id)
            origins = home.origins.get(part.id, set()) if home is not None else set()
            found |= {origin + tail for origin in origins}
    return found


def spelled(node: ast.expr) -> str:
    """Return how a chain is written, without what stands in brackets."""
    tail = ""
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        if isinstance(node, ast.Attribute):
            tail = f".{node.attr}{tail}"
            node = node.value
        elif isinstance(node, ast.Subscript):
            node, tail = node.value, f"[…]{tail}"
        else:
            node, tail = node.func, f"(…){tail}"
    return (node.id if isinstance(node, ast.Name) else "…") + tail


def root_of(node: ast.expr) -> ast.expr:
    """Return what a chain of attributes and items begins with."""
    while isinstance(node, ast.Attribute | ast.Subscript):
        node = node.value
    return node


class Layout:
    """All parts of a file in the order of the text, and the scopes they stand in."""

    def __init__(self, tree: ast.Module) -> None:
        self.module = Scope("module", tree)
        self.places: list[Place] = []
        #: Modules that the file's import statements name, and the packages they are in.
        self.imported: set[str] = set()
        self.scopes: dict[ast.AST, Scope] = {tree: self.module}
        self._aliases: list[tuple[Scope, str, ast.expr]] = []
        self._outer: list[tuple[Scope, str]] = []
        self._type_checking = _type_checking(tree)
        self._walk(tree)
        self._find_outer()
        self._follow_aliases()

    def _walk(self, tree: ast.Module) -> None:
        # A list and no recursion: the depth of the text must not be a limit of the reader.
        waiting: list[Place] = [Place(node, tree, self.module) for node in reversed(tree.body)]
        while waiting:
            place = waiting.pop()
            self.places.append(place)
            self._bind(place)
            children = list(self._children(place.node, place.scope))
            waiting.extend(Place(node, place.node, scope) for node, scope in reversed(children))

    def _children(self, node: ast.AST, scope: Scope) -> Iterator[tuple[ast.AST, Scope]]:
        if isinstance(node, ast.If) and self._never_runs(node.test):
            # Its names exist for type checkers alone: they are bound to nothing known.
            names = (alias for part in ast.walk(node) for alias in getattr(part, "names", ()))
            for alias in names:
                if isinstance(alias, ast.alias):
                    scope.bind((alias.asname or alias.name).partition(".")[0])
            yield from ((child, scope) for child in node.orelse)
        elif isinstance(node, FUNCTIONS):
            inside = self._inner("function", node, scope)
            arguments = node.args
            outside: list[ast.AST] = [*arguments.defaults]
            outside += [default for default in arguments.kw_defaults if default is not None]
            if not isinstance(node, ast.Lambda):
                outside += node.decorator_list
                outside += [node.returns] if node.returns else []
            yield from ((child, scope) for child in outside)
            self._bind_arguments(arguments, inside)
            yield from ((child, inside) for child in _arguments(arguments))
            body: Iterable[ast.AST] = [node.body] if isinstance(node, ast.Lambda) else node.body
            yield from ((child, inside) for child in (*getattr(node, "type_params", ()), *body))
        elif isinstance(node, ast.ClassDef):
            inside = self._inner("class", node, scope)
            head = (*node.decorator_list, *node.bases, *node.keywords)
            yield from ((child, scope) for child in head)
            yield from ((child, inside) for child in getattr(node, "type_params", ()))
            yield from ((child, inside) for child in node.body)
        elif isinstance(node, COMPREHENSIONS):
            inside = self._inner("comprehension", node, scope)
            # Python evaluates the first iterable outside.
            yield node.generators[0].iter, scope
            for number, part in enumerate(node.generators):
                yield from ((child, inside) for child in (part.target, *part.ifs))
                if number:
                    yield part.iter, inside
            keep = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)
            yield from ((child, inside) for child in keep)
        else:
            yield from ((child, scope) for child in ast.iter_child_nodes(node))

    def _never_runs(self, test: ast.expr) -> bool:
        return self._type_checking and isinstance(test, ast.Name) and test.id == "TYPE_CHECKING"

    def _inner(self, kind: str, node: ast.AST, scope: Scope) -> Scope:
        self.scopes[node] = inside = Scope(kind, node, scope)
        return inside

    def _bind_arguments(self, arguments: ast.arguments, inside: Scope) -> None:
        positional = [*arguments.posonlyargs, *arguments.args]
        pairs: list[tuple[ast.arg, ast.expr | None]] = list(
            zip(reversed(positional), reversed(arguments.defaults), strict=False)
        )
        pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
        for argument in _arguments(arguments):
            inside.bind(argument.arg)
        for argument, default in pairs:
            if default is not None:
                self._aliases.append((inside, argument.arg, default))

    def _bind(self, place: Place) -> None:  # noqa: C901 - one branch a kind of node
        node, scope = place.node, place.scope
        if isinstance(node, ast.Name):
            # What an assignment binds, with its value, it binds itself.
            if not isinstance(node.ctx, ast.Load) and not _has_value(place.parent):
                scope.bind(node.id)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            self._bind_import(node, scope)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            scope.bind(node.name)
        elif isinstance(node, ast.Global | ast.Nonlocal):
            for name in node.names:
                up = scope.parent or scope
                home = scope.module if isinstance(node, ast.Global) else up.home_of(name)
                scope.elsewhere[name] = home or scope.module
                scope.elsewhere[name].bind(name)
                if isinstance(node, ast.Nonlocal):
                    self._outer.append((scope, name))
        elif isinstance(node, ast.NamedExpr):
            self._assign(_around_comprehensions(scope), node.target, node.value)
        elif isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                self._assign(scope, target, node.value)
        else:
            for name in _other_names(node):
                scope.bind(name)

    def _bind_import(self, node: ast.Import | ast.ImportFrom, scope: Scope) -> None:
        if isinstance(node, ast.Import):
            for alias in node.names:
                self._note(alias.name)
                root = alias.name.partition(".")[0]
                self.imported.add(alias.name if alias.asname else root)
                scope.bind(alias.asname or root, alias.name if alias.asname else root)
            return
        source = "." * node.level + (node.module or "")
        for alias in node.names:
            joint = "" if source.endswith(".") else "."
            scope.bind(alias.asname or alias.name, f"{source}{joint}{alias.name}")

    def _assign(self, scope: Scope, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            scope.bind(target.id, value=value)
            self._aliases.append((scope, target.id, value))
        elif isinstance(target, ast.Tuple | ast.List) and isinstance(value, ast.Tuple | ast.List):
            for one, its in zip(target.elts, value.elts, strict=False):
                self._assign(scope, one, its)

    def _note(self, module: str) -> None:
        while module.strip("."):
            self.imported.add(module)
            module = module.rpartition(".")[0]

    def _find_outer(self) -> None:
        """Let a nonlocal name mean what the function around binds further down, too."""
        for scope, name in self._outer:
            guess = scope.elsewhere[name]
            home = scope.parent.home_of(name) if scope.parent is not None else None
            if home is not None and home is not guess:
                home.origins.setdefault(name, set()).update(guess.origins.get(name, ()))
                scope.elsewhere[name] = home

    def _follow_aliases(self) -> None:
        """Let `f = module.name` mean what the right side means; thrice, for chains of them."""
        for _ in range(3):
            for scope, name, value in self._aliases:
                found = origins_of(value, scope)
                if found:
                    home = scope.elsewhere.get(name, scope)
                    home.origins.setdefault(name, set()).update(found)


def joined(source: str, name: str) -> str:
    """Return the dotted name of something imported from a module."""
    return source + name if source.endswith(".") else f"{source}.{name}"


#: Fields that hold a name which a node binds, or several.
_BINDING = frozenset({"arg", "asname", "name", "names", "rest"})


def _binds_type_checking(node: ast.AST) -> bool:
    if isinstance(node, ast.alias):
        # What it imports, the import statement tells.
        return node.asname == "TYPE_CHECKING"
    found = [getattr(node, key, None) for key in ("arg", "asname", "name", "rest")]
    return "TYPE_CHECKING" in (*found, *getattr(node, "names", ()))


def _type_checking(tree: ast.Module) -> bool:
    """Whether TYPE_CHECKING is what typing offers, and nothing else in the whole file."""
    if not any(isinstance(one, ast.ImportFrom) and one.module == "typing" for one in tree.body):
        return False
    imported = False
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            named = [alias for alias in node.names if "TYPE_CHECKING" in (alias.name, alias.asname)]
            if named and (node.module != "typing" or node.level or any(a.asname for a in named)):
                return False
            imported = imported or bool(named)
        elif isinstance(node, ast.Name) and node.id == "TYPE_CHECKING":
            if not isinstance(node.ctx, ast.Load):
                return False
        elif _BINDING.intersection(vars(node)) and _binds_type_checking(node):
            return False
    return imported


def _has_value(node: ast.AST) -> bool:
    if isinstance(node, ast.AnnAssign):
        return node.value is not None
    return isinstance(node, ast.Assign | ast.NamedExpr)


def _arguments(arguments: ast.arguments) -> list[ast.arg]:
    found = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return found + [one for one in (arguments.vararg, arguments.kwarg) if one is not None]


def _around_comprehensions(scope: Scope) -> Scope:
    while scope.kind == "comprehension" and scope.parent is not None:
        scope = scope.parent
    return scope


def _other_names(node: ast.AST) -> Iterator[str]:
    """Return names that handlers, patterns and type parameters bind."""
    if isinstance(node, ast.ExceptHandler | ast.MatchAs | ast.MatchStar) and node.name:
        yield node.name
    elif isinstance(node, ast.MatchMapping) and node.rest:
        yield node.rest
    elif type(node).__name__ in {"TypeVar", "ParamSpec", "TypeVarTuple"}:
        yield getattr(node, "name", "")
