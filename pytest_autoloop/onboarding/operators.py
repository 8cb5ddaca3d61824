"""The operators of `mutants`: which small changes a syntax tree allows, as changes of its text."""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_COMPARISONS: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
}
_ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "/"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "/"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
    ast.BitAnd: ("&", "|"),
    ast.BitOr: ("|", "&"),
    ast.LShift: ("<<", ">>"),
    ast.RShift: (">>", "<<"),
}
_BOUNDARIES = (ast.Lt, ast.LtE, ast.Gt, ast.GtE)
#: Calls that a program's results do not depend on.
_TALK = re.compile(r"^(log|logger|logging|warnings|print)\b|\.(debug|info|warning|error)$")
#: Arguments and decorators that say how much is remembered, not what comes out.
_CACHES = re.compile(r"(lru_)?cache")
#: Longer texts are as a rule messages; a changed one says nothing more than a changed short one.
_LONGEST_TEXT = 40
_QUOTED = 24


@dataclass(frozen=True, slots=True)
class Change:
    """One replacement in the bytes of a source."""

    operator: str
    line: int
    #: Offsets in the bytes.
    start: int
    end: int
    text: bytes
    what: str
    #: Why the result may well be the same program; empty where nothing suggests that.
    equivalent: str = ""


def changes_of(tree: ast.Module, source: bytes) -> Iterator[Change]:
    """Yield every change that the operators know, of a tree that was parsed from UTF-8 bytes.

    Annotations, docstrings, messages of exceptions, logging, and what runs only as a script or for
    type checkers is left alone.
    """
    yield from _Changes(source).below(tree)


class _Changes:
    """Walks a tree with the text that it was parsed from."""

    def __init__(self, source: bytes) -> None:
        self._source = source
        # As the parser splits lines: other methods find more ends of lines.
        self._starts = [0]
        for line in source.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))
        # The parser counts columns behind a mark of the encoding.
        self._mark = 3 if source.startswith(b"\xef\xbb\xbf") else 0

    def below(self, node: ast.AST, equivalent: str = "") -> Iterator[Change]:
        """Yield the changes of a node and of all that stands in it."""
        if _is_left_alone(node):
            return
        equivalent = equivalent or _no_result(node)
        for change in self._own(node):
            yield _told_equivalent(change, equivalent) if equivalent else change
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "returns", "type_params"}:
                continue
            children = value if isinstance(value, list) else [value]
            for child in children:
                if isinstance(child, ast.AST) and not _is_docstring(name, child):
                    yield from self.below(child, equivalent)

    def _own(self, node: ast.AST) -> Iterator[Change]:
        if isinstance(node, ast.Compare):
            yield from self._comparison(node)
        elif isinstance(node, ast.BoolOp):
            yield from self._boolean(node)
        elif isinstance(node, ast.BinOp | ast.AugAssign):
            yield from self._arithmetic(node)
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            start = self._at(node.lineno, node.col_offset)
            yield Change("logic", node.lineno, start, start + 3, b"", "not is left out")
        elif isinstance(node, ast.Constant):
            yield from self._constant(node)
        if isinstance(node, ast.stmt):
            yield from self._statement(node)
        if isinstance(node, ast.If | ast.While | ast.IfExp):
            yield from self._condition(node.test)

    def _statement(self, node: ast.stmt) -> Iterator[Change]:
        if isinstance(node, ast.Return) and node.value is not None:
            if not (isinstance(node.value, ast.Constant) and node.value.value is None):
                yield self._whole("return", node.value, b"None", "None is returned")
        elif isinstance(node, ast.Break):
            yield self._whole("statement", node, b"continue", "break becomes continue")
        elif isinstance(node, ast.Continue):
            yield self._whole("statement", node, b"break", "continue becomes break")
        elif _may_go(node):
            yield self._whole("statement", node, b"pass", "a statement is left out")

    def _comparison(self, node: ast.Compare) -> Iterator[Change]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            old, new = _COMPARISONS[type(operator)]
            why = ""
            if isinstance(operator, _BOUNDARIES) and getattr(node, "autoloop_extreme", False):
                why = "for equal values it takes the other of two that are equal"
            yield from self._between((left, right), (old, new), "comparison", why)
            left = right

    def _boolean(self, node: ast.BoolOp) -> Iterator[Change]:
        old, new = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
        if len(node.values) == 2:  # noqa: PLR2004 - of more, one alone would change their grouping
            yield from self._between((node.values[0], node.values[1]), (old, new), "logic")

    def _arithmetic(self, node: ast.BinOp | ast.AugAssign) -> Iterator[Change]:
        left = node.left if isinstance(node, ast.BinOp) else node.target
        right = node.right if isinstance(node, ast.BinOp) else node.value
        known = _ARITHMETIC.get(type(node.op))
        if known is None or any(_is_text(side) for side in (left, right)):
            return  # of a text, such a change is an error that any call would show
        end = "=" if isinstance(node, ast.AugAssign) else ""
        words = known[0] + end, known[1] + end
        yield from self._between((left, right), words, "arithmetic")

    def _constant(self, node: ast.Constant) -> Iterator[Change]:
        value = node.value
        if isinstance(value, bool):
            new: object = not value
        elif isinstance(value, int | float):
            new = value + 1
        elif isinstance(value, str) and len(value) <= _LONGEST_TEXT:
            yield from self._text(node, value)
            return
        else:
            return
        if new == value:  # a float so large that 1 is nothing, or not a number
            return
        yield self._whole("constant", node, repr(new).encode(), f"{value!r} becomes {new!r}")

    def _text(self, node: ast.Constant, value: str) -> Iterator[Change]:
        """Put a letter at the end of a text that is written as one plain literal."""
        start, end = self._span(node)
        written = self._source[start:end]
        if re.fullmatch(rb"'[^'\\\n]*'|\"[^\"\\\n]*\"", written):
            text = written[:-1] + b"X" + written[-1:]
            what = f"{_short(value)!r} gets an X at its end" if value else "'' becomes 'X'"
            yield Change("constant", node.lineno, start, end, text, what)

    def _condition(self, test: ast.expr) -> Iterator[Change]:
        """Turn a condition round that has no operator of its own."""
        if isinstance(test, ast.Name | ast.Call | ast.Attribute | ast.Subscript):
            start, end = self._span(test)
            text = b"not " + self._source[start:end]
            yield Change("logic", test.lineno, start, end, text, "a condition is turned round")

    def _between(
        self, sides: tuple[ast.expr, ast.expr], words: tuple[str, str], operator: str, why: str = ""
    ) -> Iterator[Change]:
        """Replace a word between two operands by another, where that is plain to see."""
        start, end = self._span(sides[0])[1], self._span(sides[1])[0]
        old, new = words
        gap = self._source[start:end]
        pattern = re.escape(old.encode()).replace(rb"\ ", rb"\s+")
        found = re.fullmatch(rb"[\s)\\]*(" + pattern + rb")[\s(\\]*", gap)
        if found is None:  # a comment, or another operator's beginning
            return
        begins = start + found.start(1)
        line = self._source.count(b"\n", 0, begins) + 1
        text, what = new.encode(), f"{old} becomes {new}"
        yield Change(operator, line, begins, start + found.end(1), text, what, why)

    def _whole(self, operator: str, node: ast.expr | ast.stmt, text: bytes, what: str) -> Change:
        start, end = self._span(node)
        return Change(operator, node.lineno, start, end, text, what)

    def _span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        start = self._at(node.lineno, node.col_offset)
        return start, self._at(node.end_lineno, node.end_col_offset)

    def _at(self, line: int, column: int) -> int:
        return self._starts[line - 1] + column + (self._mark if line == 1 else 0)


def _is_left_alone(node: ast.AST) -> bool:
    """Tell whether what stands in a node is nothing that a result depends on."""
    # Positions in an f-string are known since Python 3.12 alone.
    if isinstance(node, ast.JoinedStr | ast.Raise | ast.Import | ast.ImportFrom):
        return True
    if isinstance(node, ast.If):
        told = ast.unparse(node.test)
        if "__name__" in told or told.endswith("TYPE_CHECKING"):
            return True
        _mark_extreme(node)
    if isinstance(node, ast.Assign):
        return any(isinstance(t, ast.Name) and t.id == "__all__" for t in node.targets)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        return bool(_TALK.search(ast.unparse(node.value.func)))
    return False


def _mark_extreme(node: ast.If) -> None:
    """Mark the comparison of ``if value > best: best = value``: equal values change nothing."""
    test, body = node.test, node.body
    if not (isinstance(test, ast.Compare) and len(test.ops) == 1 and len(body) == 1):
        return
    only = body[0]
    if isinstance(only, ast.Assign) and len(only.targets) == 1:
        sides = {ast.unparse(test.left), ast.unparse(test.comparators[0])}
        if sides == {ast.unparse(only.targets[0]), ast.unparse(only.value)}:
            test.autoloop_extreme = True  # type: ignore[attr-defined]


def _no_result(node: ast.AST) -> str:
    """Say why nothing in a node decides what comes out; empty where it may."""
    if isinstance(node, ast.FunctionDef) and node.name in {"__repr__", "__str__"}:
        return "how a value is shown, not what it is"
    if isinstance(node, ast.Call) and _CACHES.search(ast.unparse(node.func)):
        return "how much is remembered, not what comes out"
    return ""


def _told_equivalent(change: Change, why: str) -> Change:
    parts = change.operator, change.line, change.start, change.end, change.text, change.what
    return Change(*parts, change.equivalent or why)


def _may_go(node: ast.stmt) -> bool:
    """Tell whether a statement can be left out without a name that is missing afterwards."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Call | ast.Await)
    if isinstance(node, ast.AugAssign):
        return True
    places = node.targets if isinstance(node, ast.Assign) else []
    return bool(places) and all(isinstance(t, ast.Attribute | ast.Subscript) for t in places)


def _is_docstring(field: str, child: ast.AST) -> bool:
    """Tell whether a child is a text that stands alone."""
    if field != "body" or not isinstance(child, ast.Expr):
        return False
    return isinstance(child.value, ast.Constant) and isinstance(child.value.value, str)


def _is_text(node: ast.expr) -> bool:
    if isinstance(node, ast.JoinedStr):
        return True
    return isinstance(node, ast.Constant) and isinstance(node.value, str | bytes)


def _short(text: str) -> str:
    return text if len(text) <= _QUOTED else f"{text[: _QUOTED - 1]}…"
