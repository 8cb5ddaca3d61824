"""Call once, before a loop, what the loop calls with the same arguments every time."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import libcst as cst

from pytest_autoloop.proposers.rules.purity import (
    import_origins,
    is_impure_call,
    is_mutating_call,
    is_one_shot,
    mutated_names,
)
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.tree import (
    assignment,
    blocks,
    bound_names,
    dotted_name,
    fresh_name,
    inserted_before,
    is_scope,
    names,
    replaced,
    shortened,
    walk,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_autoloop.proposers.rules.tree import Change

Loop: TypeAlias = "cst.For | cst.While"

#: What these return is new and can change, so that the loop's rounds would share it.
_NEW_OBJECTS = words("Counter bytearray copy deepcopy defaultdict deque dict list set sorted")
#: Methods without arguments that always say the same of the same object.
_STEADY_METHODS = words(
    "bit_length casefold encode isoformat items keys lower lstrip rstrip split splitlines strip "
    "title total_seconds upper values"
)
_NEVER_INVARIANT = (cst.Await, cst.Lambda, cst.NamedExpr, cst.Yield)


def find(module: cst.Module) -> Iterator[Rewrite]:
    """Hoist each invariant call out of the outermost loop in which it is invariant."""
    origins = import_origins(module)
    hoisted: set[cst.CSTNode] = set()
    for block in blocks(module):
        for loop in block.statements:
            if isinstance(loop, cst.For | cst.While):
                groups: dict[str, list[cst.Call]] = {}
                for call in _invariant_calls(loop, origins):
                    if call not in hoisted:
                        groups.setdefault(module.code_for_node(call), []).append(call)
                for code, calls in groups.items():
                    hoisted.update(calls)
                    description = f"hoist {shortened(code)} out of the loop{block.where}"
                    build = partial(_hoisted, module, loop, calls)
                    yield Rewrite(description, build, (loop,))


def _invariant_calls(loop: Loop, origins: Mapping[str, set[str]]) -> Iterator[cst.Call]:
    changing = bound_names(loop) | mutated_names(loop)
    parts = [loop.body] if isinstance(loop, cst.For) else [loop.test, loop.body]
    for part in parts:
        yield from _outermost_invariant_calls(part, changing, origins)


def _outermost_invariant_calls(
    node: cst.CSTNode, changing: set[str], origins: Mapping[str, set[str]]
) -> Iterator[cst.Call]:
    # What is raised ends the loop, so that it is not called again and again.
    if is_scope(node) or isinstance(node, cst.Raise):
        return
    if isinstance(node, cst.Call) and _is_invariant(node, changing, origins):
        yield node
        return
    keeps_result = isinstance(node, cst.Assign | cst.AnnAssign | cst.Return | cst.Yield)
    for child in node.children:
        # A bare call is made for its effect; a new object that is kept may be changed later.
        if isinstance(child, cst.Call) and (
            isinstance(node, cst.Expr) or (keeps_result and _makes_new_object(child))
        ):
            for part in child.children:
                yield from _outermost_invariant_calls(part, changing, origins)
        else:
            yield from _outermost_invariant_calls(child, changing, origins)


def _is_invariant(
    expression: cst.Call, changing: set[str], origins: Mapping[str, set[str]]
) -> bool:
    if not changing.isdisjoint(names(expression)):
        return False
    for node in walk(expression):
        if isinstance(node, _NEVER_INVARIANT):
            return False
        if isinstance(node, cst.Call) and not _is_steady(node, origins):
            return False
    return True


def _is_steady(call: cst.Call, origins: Mapping[str, set[str]]) -> bool:
    """Tell whether a second call with the same arguments would probably return the same."""
    if is_impure_call(call, origins) or is_mutating_call(call) or is_one_shot(call, origins):
        return False
    if not call.args:
        return isinstance(call.func, cst.Attribute) and call.func.attr.value in _STEADY_METHODS
    return isinstance(call.func, cst.Name | cst.Attribute)


def _makes_new_object(call: cst.Call) -> bool:
    return (dotted_name(call.func) or "").rpartition(".")[2] in _NEW_OBJECTS


def _hoisted(module: cst.Module, loop: Loop, calls: list[cst.Call]) -> cst.Module:
    name = fresh_name(_local_name(calls[0]), module)
    before = assignment(name, calls[0])

    def above(updated: Loop) -> cst.FlattenSentinel[cst.BaseStatement]:
        return cst.FlattenSentinel(inserted_before(before, updated))

    # A variable needs a space where a parenthesised call needed none, as in ``in(f)(x)``.
    changes: dict[cst.CSTNode, Change] = {
        call: lambda updated: cst.Name(name, lpar=updated.lpar, rpar=updated.rpar) for call in calls
    }
    return replaced(module, {**changes, loop: above})


def _local_name(call: cst.Call) -> str:
    """Name the local after the call: ``len_words`` for ``len(words)``."""
    function = call.func
    called = function.attr.value if isinstance(function, cst.Attribute) else ""
    if isinstance(function, cst.Name):
        called = function.value
    first = dotted_name(call.args[0].value) if call.args else None
    return "_".join([called.lower(), (first or "result").rpartition(".")[2].lower()]).strip("_")


#: From nothing, for a len, to nearly everything, for a sum of as many items as there are rounds.
RULE = Rule("hoist", 0.6, find)
