"""Finds the values and comments of a Python file."""

from __future__ import annotations

import ast
import io
import re
import tokenize
import warnings
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.sweep.document import Comment, Document, Reading, Slot

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = re.compile(r"[A-Za-z]*('''|\"\"\"|'|\")(?P<inside>.*)\1", re.DOTALL)
_NEWLINE = re.compile(r"\r\n?")
_SWITCHES = (("False", "True"),)


def read(source: bytes) -> Reading:
    """Find what is assigned to a name, an argument or a key of a Python file.

    Raises:
        ValueError: it is no Python, or its encoding is unknown; the message says why.
    """
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(source).readline)
        document = Document(source, encoding)
        # As Python itself reads it; lines and columns stay the same.
        text = _NEWLINE.sub("\n", document.text)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
        comments = tuple(_comments(text))
    # UnicodeDecodeError is a ValueError; nesting too deep for the compiler is told in two ways.
    except (SyntaxError, tokenize.TokenError, RecursionError, MemoryError) as error:
        raise ValueError(str(error) or type(error).__name__) from error
    lines = document.lines
    slots = sorted(_slots(tree, document, lines), key=lambda slot: slot.start)
    return Reading(
        document=document,
        slots=tuple(slots),
        comments=comments,
        leaders=("#",),
        switches=_SWITCHES,
        example="block_size = 64  # autoloop: int 1..512 log",
    )


def _comments(text: str) -> Iterator[Comment]:
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            alone = not token.line[: token.start[1]].strip()
            yield Comment(token.start[0], token.string, alone)


def _slots(tree: ast.Module, document: Document, lines: list[str]) -> Iterator[Slot]:
    waiting: list[tuple[ast.AST, tuple[str, ...]]] = [(tree, ())]
    top_level = {id(statement) for statement in tree.body}
    while waiting:
        node, scope = waiting.pop()
        inner = _scope(node, scope)
        around = inner if isinstance(node, ast.Call) else scope
        for name, value in _named(node):
            constant = id(node) in top_level and name.isupper()
            yield _slot(name, value, around, document, lines, constant=constant)
        waiting += [(child, inner) for child in ast.iter_child_nodes(node)]


def _named(node: ast.AST) -> Iterator[tuple[str, ast.expr]]:
    """Return the names that a node itself gives to values."""
    if isinstance(node, ast.Assign):
        yield ast.unparse(node.targets[0]), node.value
    elif isinstance(node, ast.AnnAssign) and node.value is not None:
        yield ast.unparse(node.target), node.value
    elif isinstance(node, ast.NamedExpr):
        yield node.target.id, node.value
    elif isinstance(node, ast.Call):
        yield from ((word.arg, word.value) for word in node.keywords if word.arg is not None)
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant):
                yield str(key.value), value
            elif key is not None:
                yield ast.unparse(key), value
    elif isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        with_default = positional[len(positional) - len(node.defaults) :]
        yield from _defaults(with_default, node.defaults)
        yield from _defaults(node.kwonlyargs, node.kw_defaults)


def _defaults(
    arguments: list[ast.arg], values: list[ast.expr] | list[ast.expr | None]
) -> Iterator[tuple[str, ast.expr]]:
    for argument, value in zip(arguments, values, strict=True):
        if value is not None:
            yield argument.arg, value


def _scope(node: ast.AST, scope: tuple[str, ...]) -> tuple[str, ...]:
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return (*scope, node.name)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
        return (*scope, ast.unparse(node.func))
    if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict | ast.Call):
        return (*scope, ast.unparse(node.targets[0]))
    return scope


def _slot(
    name: str,
    value: ast.expr,
    scope: tuple[str, ...],
    document: Document,
    lines: list[str],
    *,
    constant: bool,
) -> Slot:
    start = _character(document, lines, value.lineno, value.col_offset)
    # Every node of a parsed tree has an end; the types allow for made ones.
    last, column = value.end_lineno or value.lineno, value.end_col_offset or value.col_offset
    stop = _character(document, lines, last, column)
    text = document.text[start:stop]
    inside = None
    quoted = _STRING.fullmatch(text)
    if quoted and isinstance(value, ast.Constant) and value.value == quoted["inside"]:
        inside = (start + quoted.start("inside"), start + quoted.end("inside"))
    number = _number(value)
    return Slot(
        name=name,
        scope=scope,
        line=value.lineno,
        start=start,
        stop=stop,
        text=text,
        number=number,
        inside=inside,
        constant=constant and number is not None,
    )


def _character(document: Document, lines: list[str], line: int, column: int) -> int:
    """Turn a line and a column in bytes of UTF-8, as the parser counts, into a position."""
    before = lines[line - 1].encode("utf-8", "surrogateescape")[:column]
    return document.character(line, len(before.decode("utf-8", "surrogateescape")))


def _number(value: ast.expr) -> int | float | None:
    sign = 1
    if isinstance(value, ast.UnaryOp) and isinstance(value.op, ast.USub | ast.UAdd):
        sign = -1 if isinstance(value.op, ast.USub) else 1
        value = value.operand
    found = value.value if isinstance(value, ast.Constant) else None
    if isinstance(found, int | float) and not isinstance(found, bool):
        return sign * found
    return None
