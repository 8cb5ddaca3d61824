"""How a module can name ``functools.cache``, and where a new import goes."""

from __future__ import annotations

import re
from dataclasses import dataclass

import libcst as cst

from pytest_autoloop.proposers.rules.purity import import_origins
from pytest_autoloop.proposers.rules.tree import (
    Statement,
    bound_names,
    fresh_name,
    inserted_before,
    walk,
)

#: Lines that mean something only at the very top of a file (PEP 263 for the second).
_STAYS_ON_TOP = re.compile(r"#!|#.*?coding[:=]")

_BLANK_LINE = cst.EmptyLine(indent=False)

#: What may be imported already, and the decorator made from the variable it is imported as.
_SPELLINGS = {
    "functools.cache": "{}",
    "functools": "{}.cache",
    "functools.lru_cache": "{}(maxsize=None)",
}


@dataclass(frozen=True, slots=True)
class CacheDecorator:
    """The decorator that caches, as one module has to spell it."""

    expression: cst.BaseExpression
    #: What it is, for example ``functools.cache``.
    origin: str
    #: The import statement that it needs and the module does not have.
    missing_import: str = ""


class CacheImports:
    """Knows through which imports the functions of one module can reach a caching decorator."""

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self._origins = import_origins(module)
        self._otherwise_bound = bound_names(module, outside=_is_import)
        #: What is imported, unconditionally, before each function is defined.
        self._before: dict[cst.CSTNode, tuple[str, ...]] = {}
        imported: list[str] = []
        for statement in module.body:
            if isinstance(statement, cst.SimpleStatementLine):
                imported.extend(import_origins(statement))
            else:
                functions = (n for n in walk(statement) if isinstance(n, cst.FunctionDef))
                self._before.update(dict.fromkeys(functions, tuple(imported)))

    def decorator(self, function: cst.FunctionDef) -> CacheDecorator:
        """Choose the decorator: through an import that is there, else through a new one."""
        for origin, spelling in _SPELLINGS.items():
            for name in self._before[function]:
                if self._origins[name] == {origin} and name not in self._otherwise_bound:
                    called = origin if origin.endswith("cache") else f"{origin}.cache"
                    return CacheDecorator(cst.parse_expression(spelling.format(name)), called)
        name, statement = "functools", "import functools"
        if name in self._otherwise_bound or self._origins.get(name, {name}) != {name}:
            name = fresh_name(name, self._module)
            statement = f"import functools as {name}"
        expression = cst.parse_expression(f"{name}.cache")
        return CacheDecorator(expression, "functools.cache", statement)


def _is_import(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Import | cst.ImportFrom)


def added_import(module: cst.Module, code: str) -> cst.Module:
    """Add an import below the docstring and the ``__future__`` imports, above everything else."""
    place = 0
    while place < len(module.body) and _stays_first(module.body[place], is_first=place == 0):
        place += 1
    above, follower, below = module.body[:place], module.body[place], module.body[place + 1 :]
    new = cst.ensure_type(cst.parse_statement(code), cst.SimpleStatementLine)
    header = list(module.header)
    if isinstance(follower, cst.SimpleStatementLine) and _is_import(follower.body[0]):
        new, follower = inserted_before(new, follower)
    else:
        if above:
            new = new.with_changes(leading_lines=[_BLANK_LINE])
        else:
            header, comments = _split_header(header)
            follower = follower.with_changes(leading_lines=[*comments, *follower.leading_lines])
        follower = _set_apart(follower)
    return module.with_changes(header=header, body=[*above, new, follower, *below])


def _stays_first(statement: Statement, *, is_first: bool) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine):
        return False
    first = statement.body[0]
    if isinstance(first, cst.Expr):
        return is_first and isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)
    return (
        isinstance(first, cst.ImportFrom)
        and isinstance(first.module, cst.Name)
        and first.module.value == "__future__"
    )


def _split_header(
    header: list[cst.EmptyLine],
) -> tuple[list[cst.EmptyLine], list[cst.EmptyLine]]:
    """Part the file's own comments from those that stand directly above its first statement."""
    start = len(header)
    while start and (comment := header[start - 1].comment):
        if _STAYS_ON_TOP.match(comment.value):
            break
        start -= 1
    return header[:start], header[start:]


def _set_apart(statement: Statement) -> Statement:
    """Make sure of the blank lines that are usual between imports and a statement."""
    usual = 1 if isinstance(statement, cst.SimpleStatementLine) else 2
    lines = statement.leading_lines
    present = next((i for i, line in enumerate(lines) if line.comment), len(lines))
    return statement.with_changes(
        leading_lines=[*[_BLANK_LINE] * (usual - present), *statement.leading_lines]
    )


@dataclass(frozen=True, slots=True)
class Spelling:
    """How functions of one module call something from a library."""

    #: For example ``math.sqrt``, or ``sqrt`` where that is imported.
    code: str
    #: The import statement that it needs and the module does not have.
    missing_import: str = ""


class Spellings:
    """Knows what the functions of one module reach through its imports."""

    def __init__(self, module: cst.Module) -> None:
        self._module = module
        self._origins = import_origins(module)
        bound_otherwise = bound_names(module, outside=_is_import)
        simple = [line for line in module.body if isinstance(line, cst.SimpleStatementLine)]
        imported = [name for line in simple for name in import_origins(line)]
        self._taken = bound_otherwise | self._origins.keys()
        self._imported = [
            name
            for name in imported
            if name not in bound_otherwise and len(self._origins[name]) == 1
        ]

    def of(self, origin: str) -> Spelling:
        """Spell ``math.sqrt`` through an import that is there, else through a new one."""
        package, _, attribute = origin.rpartition(".")
        for name in self._imported:
            if self._origins[name] == {origin}:
                return Spelling(name)
        for name in self._imported:
            if self._origins[name] == {package}:
                return Spelling(f"{name}.{attribute}")
        if package not in self._taken:
            return Spelling(f"{package}.{attribute}", f"import {package}")
        name = fresh_name(package, self._module)
        return Spelling(f"{name}.{attribute}", f"import {package} as {name}")
