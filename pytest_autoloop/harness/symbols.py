"""The one function or class of a file that may change: where it is, and whether all else stayed."""

from __future__ import annotations

import ast
import io
import tokenize
import warnings
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.errors import UsageError
from pytest_autoloop.model import Decision

if TYPE_CHECKING:
    from collections.abc import Iterator

Definition: TypeAlias = "ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef"

#: What is raised for no Python; the last two say that code is nested too deeply.
NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)

#: What separates a path from the symbol in it.
SEPARATOR = "::"
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
#: What holds further statements of the same scope.
_COMPOUND = (ast.stmt, ast.ExceptHandler, ast.match_case)
_LISTED = 5
_TOLD = 60


@dataclass(frozen=True, slots=True)
class Part:
    """The lines of a symbol, decorators and the comments at its end included, and those around."""

    #: Counted from 1, both included.
    first: int
    last: int
    before: bytes
    inside: bytes
    after: bytes


def split(value: str) -> tuple[str, str]:
    """Split what a target fixture returned into the path and the symbol, empty without one.

    Raises:
        UsageError: what stands behind the colons is no name.
    """
    path, colons, symbol = value.partition(SEPARATOR)
    if colons and not all(part.isidentifier() for part in symbol.split(".")):
        raise UsageError(
            f"{value!r} names no function or class behind the colons: write for example "
            f"{path}{SEPARATOR}Parser.feed, or leave the colons out"
        )
    return path, symbol


def locate(source: bytes, symbol: str, path: str) -> Part:
    """Return where a symbol is defined in a Python file; `path` is for messages.

    Raises:
        UsageError: the file is not Python, or defines the symbol never or more than once.
    """
    name = f"{path}{SEPARATOR}{symbol}"
    if not path.endswith(".py"):
        raise UsageError(
            f"the target {name}: a function or class can be named in a Python file alone; name "
            f"the file, {path}"
        )
    try:
        tree = _parsed(source)
    except NO_PYTHON as error:
        raise UsageError(f"the target {name}: {path} is not Python ({error}): correct it") from None
    found = _found(tree, symbol)
    if not found:
        raise UsageError(f"the target {name}: {path} defines no {symbol}{_near(tree, symbol)}")
    if len(found) > 1:
        raise UsageError(
            f"the target {name}: {path} defines {symbol} {_times(found)}: name the class or "
            "function around it, or the whole file"
        )
    return _part(source, found[0][0])


def outside(source: bytes, symbol: str, path: str) -> bytes:
    """Return all of a file but the lines of the symbol.

    Raises:
        UsageError: as `locate` does.
    """
    part = locate(source, symbol, path)
    return part.before + part.after


def refuse(content: bytes, source: bytes, symbol: str) -> Decision | None:
    """Say which line outside of the symbol is not what it was in `source`, where it was found.

    Bytes are compared, and the syntax tree as well: a definition that moved into or out of the
    block around it changes what is outside though none of its bytes, and so does one that binds a
    name anew which is used there. What is no Python is left to whoever says so of every candidate.
    """
    try:
        tree = _parsed(content)
    except NO_PYTHON:
        return None
    part = locate(source, symbol, ".py")
    found = _found(tree, symbol)
    if not found:
        told = "it is gone from the proposal, where it keeps its name and place"
    elif len(found) > 1:
        told = f"the proposal defines it {_times(found)}"
    else:
        told = _change(content, tree, source, symbol)
    if not told:
        return None
    limits = f"only {symbol} may change (lines {part.first} to {part.last})"
    return Decision("discard", "out-of-scope", f"{limits}: {told}")


def _change(content: bytes, tree: ast.Module, source: bytes, symbol: str) -> str:
    """Name the first change around a symbol that both versions define once."""
    (found,), original = _found(tree, symbol), _parsed(source)
    (before,) = _found(original, symbol)
    part, proposed = _part(source, before[0]), _part(content, found[0])
    told = _first_change(part.before, proposed.before, 1)
    told = told or _first_change(part.after, proposed.after, proposed.last + 1)
    if told:
        return told
    if _encoding(content) != _encoding(source):
        return "line 1: the proposal has another encoding"
    if _around(tree, found) != _around(original, before):
        return f"line {proposed.first}: the proposal moves it into or out of a block"
    # What is left of the tree is what stands around it.
    rebound = (_rebound(found[0]) - _rebound(before[0])) & _names(tree)
    return f"the proposal binds {min(rebound)} anew, which is used around it" if rebound else ""


def unusable(source: bytes, symbol: str, text: str) -> bytes:
    """Return the file with a symbol that raises RuntimeError when it is called.

    Raises:
        UsageError: as `locate` does.
    """
    locate(source, symbol, ".py")
    tree = _parsed(source)
    ((node, _),) = _found(tree, symbol)
    functions = [one for one, _, _ in _definitions(node) if not isinstance(one, ast.ClassDef)]
    # The body of a class runs when its module is imported; its methods run when it is used.
    methods: list[Definition] = [*functions] if isinstance(node, ast.ClassDef) else []
    for one in methods or [node]:
        one.body = ast.parse(f"raise RuntimeError({text!r})").body
    return ast.unparse(tree).encode("utf-8", "surrogatepass")


def _parsed(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        # A file's warnings are for its child session to show.
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _definitions(root: ast.AST) -> Iterator[tuple[Definition, str, ast.AST]]:
    """Yield all functions and classes below a node: each, its dotted name, what it stands in."""
    waiting: list[tuple[str, ast.AST]] = [("", root)]
    while waiting:
        prefix, parent = waiting.pop()
        for child in ast.iter_child_nodes(parent):
            if isinstance(child, _DEFINITIONS):
                yield child, prefix + child.name, parent
                waiting.append((f"{prefix}{child.name}.", child))
            elif isinstance(child, _COMPOUND):
                waiting.append((prefix, child))


def _found(tree: ast.Module, symbol: str) -> list[tuple[Definition, ast.AST]]:
    """Return the definitions of a name, each with what it stands in, top to bottom."""
    found = [(node, parent) for node, name, parent in _definitions(tree) if name == symbol]
    return sorted(found, key=lambda one: one[0].lineno)


def _times(found: list[tuple[Definition, ast.AST]]) -> str:
    lines = ", ".join(str(node.lineno) for node, _ in found[:_LISTED])
    return f"{len(found)} times (lines {lines}{' …' if len(found) > _LISTED else ''})"


def _near(tree: ast.Module, symbol: str) -> str:
    """Return what could have been meant."""
    import difflib  # noqa: PLC0415 - every plain run loads this module, few need it

    names = list(dict.fromkeys(name for _, name, _ in _definitions(tree)))
    near = difflib.get_close_matches(symbol, names, _LISTED)
    last = symbol.rpartition(".")[2]
    near += [name for name in names if name.rpartition(".")[2] == last and name not in near]
    if near:
        return f"; did you mean {', '.join(near[:_LISTED])}?"
    if not names:
        return ", nor any other function or class: name the file alone"
    more = " …" if len(names) > _LISTED else ""
    return f": it defines {', '.join(names[:_LISTED])}{more}"


def _part(source: bytes, node: Definition) -> Part:
    # Python ends lines as this method of bytes does; of text it would find more ends.
    lines = source.splitlines(keepends=True)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    last = _last_comment(lines, node.end_lineno or node.lineno, node.col_offset)
    before, inside, after = lines[: first - 1], lines[first - 1 : last], lines[last:]
    return Part(first, last, b"".join(before), b"".join(inside), b"".join(after))


def _last_comment(lines: list[bytes], last: int, column: int) -> int:
    """Return the last of the comments that end a body: indented deeper than what they are in."""
    for number, line in enumerate(lines[last:], last + 1):
        told = line.lstrip(b" \t\f")
        if told.startswith(b"#") and len(line) - len(told) > column:
            last = number
        elif told.strip():
            break
    return last


def _first_change(source: bytes, content: bytes, first: int) -> str:
    """Name the first line that differs; `first` is the number of the content's first line."""
    if source == content:
        return ""
    pairs = zip_longest(source.splitlines(keepends=True), content.splitlines(keepends=True))
    for number, (was, now) in enumerate(pairs, first):
        if was == now:
            continue
        if was is None:
            return f"line {number} is new, {_told(now)}"
        return f"line {number} was {_told(was)}, " + (
            "and is missing" if now is None else f"now {_told(now)}"
        )
    raise AssertionError("bytes that differ have a line that does")


def _told(line: bytes) -> str:
    text = line.decode("utf-8", "replace")
    return repr(text if len(text) <= _TOLD else f"{text[:_TOLD]}…")


def _rebound(node: Definition) -> set[str]:
    """Return the names around a definition that it binds, though it stands elsewhere."""
    names = {name for one in ast.walk(node) if isinstance(one, ast.Global) for name in one.names}
    # What is evaluated outside of the body: := binds a name there.
    head: list[ast.AST] = [*node.decorator_list]
    if isinstance(node, ast.ClassDef):
        head += [*node.bases, *node.keywords]
    else:
        head += [node.args, *([node.returns] if node.returns else [])]
    named = (one for part in head for one in ast.walk(part) if isinstance(one, ast.NamedExpr))
    return names | {one.target.id for one in named}


def _names(tree: ast.AST) -> set[str]:
    """Return the names that a tree uses or binds."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            found.add(node.id)
        elif isinstance(node, ast.alias):
            found.add((node.asname or node.name).partition(".")[0])
        elif isinstance(node, _DEFINITIONS):
            found.add(node.name)
    return found


def _encoding(source: bytes) -> str:
    return tokenize.detect_encoding(io.BytesIO(source).readline)[0]


def _around(tree: ast.Module, found: tuple[Definition, ast.AST]) -> str:
    """Return a tree without a definition, of which only the place remains."""
    node, parent = found
    for _, value in ast.iter_fields(parent):
        if isinstance(value, list) and node in value:
            value[value.index(node)] = ast.Pass()
    try:
        return ast.dump(tree)
    except RecursionError:  # what is nested too deeply is compared by its bytes alone
        return ""
