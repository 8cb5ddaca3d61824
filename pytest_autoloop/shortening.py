"""Whether a version is shorter, and what a simplification has to be as good as.

Shorter is what leaves less to understand: shorter names, joined lines, missing comments or
annotations are none of it, nor is a check that is no longer made.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from pytest_autoloop.history.rows import Row

#: Why a candidate is kept that is no better than what was there, but shorter.
SIMPLER = "simpler"
#: What is worth a commit: a short statement of Python, a setting of anything else.
_STATEMENT = 5
_SETTING = 3
#: Characters of a constant that count like one node: what is moved into one does not vanish.
_LINE = 80
#: Bits of a whole number that count like one character.
_BITS = 4
#: What is raised for no Python; the last two say that code is nested too deeply.
_NO_PYTHON = (SyntaxError, ValueError, RecursionError, MemoryError)
#: Say how a name is used, or nothing at all.
_SILENT = (ast.expr_context, ast.Pass, ast.Assert)
_WORD = re.compile(r"\w+|[^\w\s]")
_COMMENTS = {
    **dict.fromkeys(("cfg", "conf", "ini", "pl", "r", "rb", "sh", "toml", "yaml", "yml"), "#"),
    **dict.fromkeys(("c", "cc", "cpp", "cu", "go", "h", "java", "js", "rs", "ts"), "//"),
    **dict.fromkeys(("lua", "sql"), "--"),
}


def size_of(content: bytes, path: str) -> int | None:
    """Return how much there is to understand in a file; None when that cannot be told.

    Of Python it is the nodes of the syntax tree, without docstrings, annotations, asserts and
    clauses that only raise. Of other text it is words and signs outside of comment lines.
    """
    name = PurePosixPath(path)
    if name.suffix in {".py", ".pyi"}:
        return _nodes(content)
    if b"\0" in content:
        return None
    mark = _COMMENTS.get(name.suffix.lstrip("."))
    lines = content.decode("utf-8", "replace").splitlines()
    told = (line for line in lines if mark is None or not line.lstrip().startswith(mark))
    return sum(len(_WORD.findall(line)) for line in told)


def shorter(candidate: bytes, incumbent: bytes, path: str) -> bool:
    """Say whether a candidate is shorter than the incumbent by what is worth a commit."""
    after, before = size_of(candidate, path), size_of(incumbent, path)
    if after is None or before is None:
        return False
    return after <= before - (_STATEMENT if path.endswith((".py", ".pyi")) else _SETTING)


@dataclass(frozen=True, slots=True)
class Standing:
    """How the best compares with what a simplification is measured against."""

    #: The last version that was kept for a gain, or the baseline.
    anchor: Row
    #: Log gain of the best over the anchor: what simplifications have cost, rarely above zero.
    level: float = 0.0
    #: Log gain of the best over the baseline, as it was measured when versions were kept.
    claimed: float = 0.0


def standing(rows: Sequence[Row]) -> Standing:
    """Return what the next simplification is measured against, given all rows, baseline first.

    A row that was kept as simpler holds its gain over the anchor, any other over the best before.
    Simplifications that each lose a little cannot add up: all are held against one anchor. It moves
    on to a version kept for a gain, once that gain outweighs what simplifications have cost since;
    else one could lose a little, win that little back, and lose it again for ever.
    """
    found: Standing | None = None
    for row in rows:
        if row.status == "baseline":
            found = Standing(row)
        elif row.status == "keep" and found is not None:
            gain = row.log_gain or 0.0
            at_anchor = found.claimed - found.level
            level = gain if row.reason == SIMPLER else found.level + gain
            claimed = at_anchor + level
            moves = row.reason != SIMPLER and level > 0
            found = Standing(row, 0.0, claimed) if moves else Standing(found.anchor, level, claimed)
    if found is None:
        raise ValueError("no row is the baseline, which is what everything is measured against")
    return found


def _nodes(content: bytes) -> int | None:
    with warnings.catch_warnings():
        # A candidate's warnings are for its child session to show.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(content)
        except _NO_PYTHON:
            return None
    return sum(1 + _text(node) // _LINE for node in _counted(tree))


def _counted(tree: ast.AST) -> Iterator[ast.AST]:
    """Go through the nodes that count; not by recursion, since a tree may be deep."""
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _SILENT) or _only_raises(node):
            continue
        yield node
        waiting.extend(_children(node))


def _children(node: ast.AST) -> Iterable[ast.AST]:
    left_out: list[ast.AST | None] = []
    if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
        documented = ast.get_docstring(node, clean=False) is not None
        left_out += node.body[:1] if documented else []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        left_out.append(node.returns)
    if isinstance(node, (ast.arg, ast.AnnAssign)):
        left_out.append(node.annotation)
    return (child for child in ast.iter_child_nodes(node) if not any(child is n for n in left_out))


def _only_raises(node: ast.AST) -> bool:
    """Tell whether a statement is a check: to drop it would be shorter, but no simplification."""
    if not isinstance(node, ast.If) or node.orelse:
        return False
    return all(isinstance(statement, ast.Raise) for statement in node.body)


def _text(node: ast.AST) -> int:
    value = node.value if isinstance(node, ast.Constant) else None
    if isinstance(value, int):
        return value.bit_length() // _BITS
    return len(value) if isinstance(value, (str, bytes)) else 0
