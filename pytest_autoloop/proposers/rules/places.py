"""Rules that put one expression in the place of another: what they see, and how it is done."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import TYPE_CHECKING, Any, TypeAlias

import libcst as cst

from pytest_autoloop.proposers.rules.imports import Spelling, Spellings, added_import
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.tree import (
    bound_names,
    is_async_function,
    is_scope,
    replaced,
    shortened,
    walk,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from pytest_autoloop.proposers.rules.tree import Change

    #: Says what an expression should become, None if it may stay.
    Match: TypeAlias = Callable[[Any, "Scan"], "Swap | None"]

#: Excerpts of code in a description, so that two of them fit on a line.
_EXCERPT = 26
#: What binds its parts so firmly that it needs no parentheses anywhere.
ATOMS = (
    cst.Attribute,
    cst.BaseNumber,
    cst.BaseString,
    cst.Call,
    cst.Dict,
    cst.DictComp,
    cst.List,
    cst.ListComp,
    cst.Name,
    cst.Set,
    cst.SetComp,
    cst.Subscript,
)
#: What binds its parts so loosely that a comprehension would take it apart.
_LOOSE = (cst.IfExp, cst.Lambda, cst.NamedExpr, cst.Tuple)
#: Where any expression may stand without parentheses.
_ROOMY = (
    cst.AnnAssign,
    cst.Assign,
    cst.AugAssign,
    cst.Element,
    cst.GeneratorExp,
    cst.If,
    cst.Index,
    cst.ListComp,
    cst.Return,
    cst.SetComp,
    cst.While,
)
_NO_EXPRESSIONS = (cst.Annotation, cst.Decorator, cst.MatchPattern, cst.Param)


@dataclass(frozen=True, slots=True)
class Swap:
    """What should stand in the place of an expression."""

    code: str
    #: What it calls from a library, for example ``math.sqrt``.
    needs: str = ""


@dataclass(frozen=True, slots=True)
class Place:
    """An expression inside a function."""

    node: cst.BaseExpression
    parent: cst.CSTNode
    owner: cst.FunctionDef


class Scan:
    """A module, gone through once for all rules."""

    def __init__(self, module: cst.Module) -> None:
        self.module = module
        #: In the order of the source, outer before inner.
        self.places: list[Place] = []
        self.parents: dict[cst.CSTNode, cst.CSTNode] = {}
        self._spelled: dict[str, Spelling] = {}
        for child in module.children:
            self._collect(child, module, None, in_class=False)

    @cached_property
    def _spellings(self) -> Spellings:
        return Spellings(self.module)

    @cached_property
    def globals(self) -> set[str]:
        """The variables of the module itself."""
        own = {
            statement.name.value
            for statement in self.module.body
            if isinstance(statement, cst.FunctionDef | cst.ClassDef)
        }
        return own | bound_names(self.module, outside=is_scope)

    def spelled(self, origin: str) -> Spelling:
        """Say how the module calls, for example, ``math.sqrt``."""
        if origin not in self._spelled:
            self._spelled[origin] = self._spellings.of(origin)
        return self._spelled[origin]

    def code(self, node: cst.CSTNode) -> str:
        """Return the source of a node."""
        return self.module.code_for_node(node)

    def operand(self, node: cst.BaseExpression) -> str:
        """Return the source of a node, ready to stand beside any operator."""
        code = self.code(node)
        return code if isinstance(node, ATOMS) or node.lpar else f"({code})"

    def bare(self, node: cst.BaseExpression) -> str:
        """Return the source of a node, ready to stand between the parentheses of a call."""
        needed = isinstance(node, cst.Tuple | cst.GeneratorExp | cst.NamedExpr)
        return self.code(node if needed else node.with_changes(lpar=[], rpar=[]))

    def clause(self, node: cst.BaseExpression) -> str:
        """Return the source of a node, ready to stand in a comprehension."""
        code = self.code(node)
        return f"({code})" if isinstance(node, _LOOSE) and not node.lpar else code

    def is_inner_alternative(self, node: cst.CSTNode) -> bool:
        """Tell whether an expression is the ``a or b`` in ``a or b or c``."""
        parent = self.parents.get(node)
        return (
            isinstance(parent, cst.BooleanOperation)
            and isinstance(parent.operator, cst.Or)
            and parent.left is node
        )

    def is_condition(self, node: cst.CSTNode) -> bool:
        """Tell whether only the truth of an expression matters where it stands."""
        parent = self.parents.get(node)
        if isinstance(parent, cst.IfExp):
            return parent.test is node
        return isinstance(parent, cst.If | cst.While | cst.CompIf) or (
            isinstance(parent, cst.UnaryOperation) and isinstance(parent.operator, cst.Not)
        )

    def _collect(
        self,
        node: cst.CSTNode,
        parent: cst.CSTNode,
        owner: cst.FunctionDef | None,
        *,
        in_class: bool,
    ) -> None:
        # What is inside a string has rules of its own about quotes and braces.
        if is_async_function(node) or isinstance(node, (*_NO_EXPRESSIONS, cst.FormattedString)):
            return
        if isinstance(node, cst.FunctionDef):
            owner, in_class = node, False
        elif isinstance(node, cst.ClassDef):
            in_class = True
        elif isinstance(node, cst.BaseExpression) and owner is not None and not in_class:
            self.places.append(Place(node, parent, owner))
            self.parents[node] = parent
        for child in node.children:
            self._collect(child, node, owner, in_class=in_class)


@lru_cache(maxsize=2)
def scan(module: cst.Module) -> Scan:
    """Go through a module, once however many rules ask."""
    return Scan(module)


def expression_rule(
    name: str,
    expected: float,
    kind: type[cst.BaseExpression] | tuple[type[cst.BaseExpression], ...],
    match: Match,
) -> Rule:
    """Make a rule that swaps expressions, all those of one function in one rewrite."""
    return Rule(name, expected, partial(_find, kind, match))


def _find(
    kind: type[cst.BaseExpression] | tuple[type[cst.BaseExpression], ...],
    match: Match,
    module: cst.Module,
) -> Iterator[Rewrite]:
    scanned = scan(module)
    groups: dict[tuple[cst.FunctionDef, int], list[tuple[Place, Swap]]] = {}
    depths: dict[cst.CSTNode, int] = {}
    for place in scanned.places:
        if not isinstance(place.node, kind) or (swap := match(place.node, scanned)) is None:
            continue
        inside = list(walk(place.node))
        # A comment would be lost.
        if not any(isinstance(node, cst.Comment) for node in inside):
            # What is inside a swapped expression has to wait for a rewrite of its own.
            depth = depths.get(place.node, 0)
            depths.update(dict.fromkeys(inside, depth + 1))
            groups.setdefault((place.owner, depth), []).append((place, swap))
    for (owner, _), found in groups.items():
        place, swap = found[0]
        new, old = (shortened(code, _EXCERPT) for code in (swap.code, scanned.code(place.node)))
        more = f" ({len(found)} places)" if len(found) > 1 else ""
        description = f"use {new} instead of {old} in {owner.name.value}{more}"
        places = tuple(place.node for place, _ in found)
        yield Rewrite(description, partial(_swapped, scanned, found), places)


def _swapped(scanned: Scan, found: list[tuple[Place, Swap]]) -> cst.Module:
    changes: dict[cst.CSTNode, Change] = {}
    for place, swap in found:
        new = _parsed(swap.code, place, scanned.module)
        changes[place.node] = partial(_always, new)
    changed = replaced(scanned.module, changes)
    return with_imports(scanned, changed, [swap.needs for _, swap in found if swap.needs])


def _always(new: cst.BaseExpression, _: cst.BaseExpression) -> cst.BaseExpression:
    return new


def with_imports(scanned: Scan, changed: cst.Module, origins: list[str]) -> cst.Module:
    """Add the imports that the module lacks for what its changed version calls."""
    missing = {scanned.spelled(origin).missing_import: None for origin in origins}
    for statement in filter(None, missing):
        changed = added_import(changed, statement)
    return changed


def _parsed(code: str, place: Place, module: cst.Module) -> cst.BaseExpression:
    new = cst.parse_expression(code, module.config_for_parsing)
    if place.node.lpar:
        return new.with_changes(lpar=place.node.lpar, rpar=place.node.rpar)
    if isinstance(new, ATOMS) or new.lpar or _is_roomy(place):
        return new
    return new.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _is_roomy(place: Place) -> bool:
    if isinstance(place.parent, cst.Arg):
        return not place.parent.star
    return isinstance(place.parent, _ROOMY)
