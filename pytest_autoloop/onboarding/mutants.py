"""Small faults put into a target, one each, to see whether the guards notice.

The operators are the classic ones of mutation testing: Offutt and others, "An experimental
determination of sufficient mutant operators", ACM TOSEM 5 (1996), which found that relational,
logical, arithmetic and constant replacements tell nearly as much as all the others together;
deletion of statements after Deng, Offutt and Li, "Empirical evaluation of the statement deletion
mutation operator", ICST 2013.
"""

from __future__ import annotations

import ast
import difflib
import marshal
import random
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.harness import symbols
from pytest_autoloop.onboarding.operators import Change, changes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

#: Lines around a change in a diff.
_CONTEXT = 1
#: Changes of one kind on one line: a table of constants would take all places.
_ON_A_LINE = 2


@dataclass(frozen=True, slots=True)
class Mutant:
    """The target with one fault in it."""

    #: Line of the fault, counted from 1, and the dotted name of the function around it, if any.
    line: int
    function: str
    #: What was done, in words: ``< becomes <=``.
    what: str
    #: Why it may well do the same as the original; empty where nothing suggests that.
    equivalent: str
    content: bytes

    def diff(self, source: bytes, path: str) -> str:
        """Return the fault as a unified diff with line numbers."""
        before = source.decode("utf-8", "replace").splitlines()
        after = self.content.decode("utf-8", "replace").splitlines()
        lines = difflib.unified_diff(before, after, path, path, n=_CONTEXT, lineterm="")
        return "\n".join(lines)


def mutants_of(
    source: bytes, *, symbol: str = "", limit: int = 30, seed: int = 0
) -> tuple[Mutant, ...]:
    """Return at most `limit` mutants of a Python file, spread over its functions and operators.

    Those that compile to the same program as the original are left out. With a `symbol`, only its
    lines are changed. The same arguments give the same mutants. None for what is no Python, or
    stands in another encoding than UTF-8.

    Raises:
        UsageError: the file does not define the symbol.
    """
    try:
        source.decode("utf-8")
        tree = _parsed(source)
        program = _program(source)
    except symbols.NO_PYTHON:
        return ()
    first, last = 1, source.count(b"\n") + 1
    if symbol:
        part = symbols.locate(source, symbol, ".py")
        first, last = part.first, part.last
    functions = _functions(tree)
    made: dict[tuple[str, str], list[Change]] = {}
    for change in changes_of(tree, source):
        if first <= change.line <= last:
            key = (_function_at(functions, change.line), change.operator)
            made.setdefault(key, []).append(change)
    found: list[Mutant] = []
    on_line: Counter[tuple[int, str]] = Counter()
    for change in _spread(list(made.values()), seed):
        if len(found) == limit:
            break
        on_line[change.line, change.operator] += 1
        if on_line[change.line, change.operator] > _ON_A_LINE:
            continue
        content = source[: change.start] + change.text + source[change.end :]
        if _program(content) in {program, b""}:
            continue
        function = _function_at(functions, change.line)
        found.append(Mutant(change.line, function, change.what, change.equivalent, content))
    return tuple(sorted(found, key=lambda mutant: mutant.line))


def _spread(groups: Sequence[list[Change]], seed: int) -> Iterator[Change]:
    """Yield one change of each group in turn, drawn at random."""
    drawn = random.Random(seed)  # noqa: S311 - a choice, not a secret
    groups = [drawn.sample(group, len(group)) for group in groups]
    drawn.shuffle(groups)
    while groups:
        for group in groups:
            yield group.pop()
        groups = [group for group in groups if group]


def _functions(tree: ast.Module) -> list[tuple[int, int, str]]:
    """Return first line, last line and dotted name of every function, inner ones last."""
    found: list[tuple[int, int, str]] = []

    def walk(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = prefix + child.name
                if not isinstance(child, ast.ClassDef):
                    found.append((child.lineno, child.end_lineno or child.lineno, name))
                walk(child, f"{name}.")
            else:
                walk(child, prefix)

    walk(tree, "")
    return found


def _function_at(functions: Sequence[tuple[int, int, str]], line: int) -> str:
    return next((n for first, last, n in reversed(functions) if first <= line <= last), "")


def _parsed(source: bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def _program(source: bytes) -> bytes:
    """Return what a source compiles to; empty for what does not compile."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return marshal.dumps(compile(source, "target", "exec", dont_inherit=True))
    except symbols.NO_PYTHON:
        return b""
