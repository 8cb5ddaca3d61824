"""What a candidate does that its baseline does not, seen without running either.

A file that only computes passes, however it is written. What is found in the baseline too is never
held against a candidate. The screen reads names and not values: it cannot see a wrong answer, a
memory across calls that looks like any other table, or what a project's own helpers do.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from pytest_autoloop.evaluation.static import flow, rules
from pytest_autoloop.evaluation.static.facts import Fact, Finding, Findings
from pytest_autoloop.evaluation.static.rules import Context
from pytest_autoloop.evaluation.static.scopes import Layout, Place
from pytest_autoloop.evaluation.static.soft import new_imports, soft_facts
from pytest_autoloop.evaluation.static.source import longest_line, size_facts, text_facts

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_Rule: TypeAlias = Callable[[Place, Context], Iterator[Fact]]
_Key: TypeAlias = tuple[str, ...]

_BINDING = (
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler, ast.arg),
    *(ast.keyword, ast.Global, ast.Nonlocal, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
)
_RULES: dict[type[ast.AST], tuple[_Rule, ...]] = {
    **dict.fromkeys(_BINDING, (rules.bound_names,)),
    **dict.fromkeys((*flow.LEAVING, ast.Assign, ast.AnnAssign, ast.Compare), (flow.hands_on,)),
    ast.Import: (rules.imports,),
    ast.ImportFrom: (rules.imports_from,),
    ast.Name: (rules.names,),
    ast.Attribute: (rules.attributes, flow.changes),
    ast.Subscript: (flow.changes, flow.hands_on),
    ast.Constant: (rules.texts,),
    ast.MatchClass: (rules.patterns,),
    ast.Call: (flow.calls,),
    ast.Expr: (flow.statements,),
}


def findings(candidate: bytes, baseline: bytes, *, allow: Collection[str] = ()) -> Findings:
    """Return what a candidate does that its baseline does not.

    `allow` names modules that any candidate may import and use. A candidate that is no Python has
    no findings: it is refused elsewhere.
    """
    try:
        layout = _layout(candidate)
    except (RecursionError, MemoryError):
        # The compiler may manage what cannot be read here: it must not pass unread.
        return Findings(hard=(Finding(1, "is nested too deeply to be read"),))
    if layout is None:
        return Findings()
    allowed = frozenset(allow)
    longest = longest_line(baseline)
    facts = [*size_facts(candidate, baseline), *text_facts(candidate, longest=longest)]
    facts += _hard(layout, allowed)
    hard, soft = _of_baseline(baseline)
    return Findings(_new(facts, hard), _new(soft_facts(layout), soft))


def news(candidate: bytes, baseline: bytes) -> tuple[str, ...]:
    """Return what is new in a candidate that its reader should know: a line each."""
    layout, before = _layout_or_none(candidate), _layout_or_none(baseline)
    if layout is None:
        return ()
    facts = [*new_imports(layout), *soft_facts(layout)]
    known: set[_Key] = set()
    if before is not None:
        known = {fact.key for fact in (*new_imports(before), *soft_facts(before))}
    return tuple(f"line {found.line}: {found.what}" for found in _new(facts, known))


@lru_cache(maxsize=4)
def _of_baseline(baseline: bytes) -> tuple[frozenset[_Key], frozenset[_Key]]:
    """Return the keys of what a baseline does: hundreds of candidates are held against one."""
    layout = _layout_or_none(baseline)
    hard = {fact.key for fact in text_facts(baseline)} - {("long",)}
    if layout is None:
        return frozenset(hard), frozenset()
    hard |= _keys(_hard(layout, frozenset()))
    return frozenset(hard), frozenset(fact.key for fact in soft_facts(layout))


def _layout(content: bytes) -> Layout | None:
    with warnings.catch_warnings():
        # A file's warnings are for those who run it.
        warnings.simplefilter("ignore")
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError):
            return None
    return Layout(tree)


def _layout_or_none(content: bytes) -> Layout | None:
    try:
        return _layout(content)
    except (RecursionError, MemoryError):
        return None


def _hard(layout: Layout, allowed: frozenset[str]) -> Iterator[Fact]:
    context = Context.of(layout, allowed)
    for place in layout.places:
        for rule in _RULES.get(type(place.node), ()):
            yield from rule(place, context)


def _keys(facts: Iterable[Fact]) -> set[_Key]:
    """Return the keys of facts; who imports a module has imported the packages it is in."""
    keys = {fact.key for fact in facts}
    for kind, name in [key for key in keys if key[0] == "import"]:
        parts = name.split(".")
        keys |= {(kind, ".".join(parts[:end])) for end in range(1, len(parts))}
    return keys


def _new(facts: Iterable[Fact], known: Collection[_Key]) -> tuple[Finding, ...]:
    """Return the findings that are not known, each once, in the order of the lines."""
    found: dict[_Key, Finding] = {}
    for fact in facts:
        if fact.key not in known:
            found.setdefault(fact.key, fact.finding)
    return tuple(sorted(found.values(), key=lambda finding: finding.line))
