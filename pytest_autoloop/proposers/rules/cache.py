"""Remember the results of functions that look pure."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.imports import CacheImports, added_import
from pytest_autoloop.proposers.rules.purity import (
    import_origins,
    is_impure_call,
    is_one_shot,
    mutated_names,
)
from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.tree import (
    blocks,
    bound_names,
    is_async_function,
    is_scope,
    replaced,
    walk,
    words,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pytest_autoloop.proposers.rules.imports import CacheDecorator
    from pytest_autoloop.proposers.rules.tree import Block

_IMPURE_NODES = (cst.Global, cst.Nonlocal, cst.Yield, cst.Await)
#: Annotations of parameters that cannot be a key of the cache, or are used up by the first call.
_UNCACHEABLE = words(
    "bytearray dict list set ByteString Counter DefaultDict Deque Dict Generator Iterator List "
    "MutableMapping MutableSequence MutableSet OrderedDict Set defaultdict deque ndarray "
    "DataFrame Series"
)


def find_recursive(module: cst.Module) -> Iterator[Rewrite]:
    """Cache functions that call themselves, those with most such calls first."""
    found = [function for function in _cacheable(module) if _self_calls(function)]
    yield from _cached(module, sorted(found, key=_self_calls, reverse=True))


def find_other(module: cst.Module) -> Iterator[Rewrite]:
    """Cache functions that do not call themselves."""
    found = [function for function in _cacheable(module) if not _self_calls(function)]
    yield from _cached(module, found)


def _cacheable(module: cst.Module) -> Iterator[cst.FunctionDef]:
    origins = import_origins(module)
    for block in blocks(module):
        for statement in block.statements:
            if (
                isinstance(statement, cst.FunctionDef)
                and not is_async_function(statement)
                and not statement.decorators
                and not _is_rebound(statement.name.value, block)
                and _has_cacheable_parameters(statement.params)
                and _looks_pure(statement, origins)
            ):
                yield statement


def _is_rebound(name: str, block: Block) -> bool:
    """Tell whether the block also assigns the name: it may be wrapped already."""
    lines = [line for line in block.statements if isinstance(line, cst.SimpleStatementLine)]
    return any(name in bound_names(line) for line in lines)


def _has_cacheable_parameters(parameters: cst.Parameters) -> bool:
    every = [node for node in walk(parameters, outside=is_scope) if isinstance(node, cst.Param)]
    return bool(every) and not any(
        _annotated_type(parameter.annotation) in _UNCACHEABLE for parameter in every
    )


def _annotated_type(annotation: cst.Annotation | None) -> str:
    """Return ``list`` for ``typing.list[int]``, empty for what has no such simple name."""
    expression: cst.CSTNode | None = annotation.annotation if annotation else None
    if isinstance(expression, cst.Subscript):
        expression = expression.value
    if isinstance(expression, cst.Attribute):
        expression = expression.attr
    return expression.value if isinstance(expression, cst.Name) else ""


def _looks_pure(function: cst.FunctionDef, origins: Mapping[str, set[str]]) -> bool:
    own = list(walk(function.body, outside=is_scope))
    if any(isinstance(node, _IMPURE_NODES) for node in own):
        return False
    results = [node.value for node in own if isinstance(node, cst.Return) and node.value]
    # A function without a result is called for its effect.
    if not results or any(is_one_shot(result, origins) for result in results):
        return False
    if any(isinstance(n, cst.Call) and is_impure_call(n, origins) for n in walk(function.body)):
        return False
    made_here = bound_names(function.body) - bound_names(function.params)
    return mutated_names(function.body) <= made_here


def _self_calls(function: cst.FunctionDef) -> int:
    calls = [node.func for node in walk(function.body) if isinstance(node, cst.Call)]
    return [f.value for f in calls if isinstance(f, cst.Name)].count(function.name.value)


def _cached(module: cst.Module, functions: list[cst.FunctionDef]) -> Iterator[Rewrite]:
    imports = CacheImports(module)
    for function in functions:
        chosen = imports.decorator(function)
        description = f"cache {function.name.value} with {chosen.origin}"
        yield Rewrite(description, partial(_decorated, module, function, chosen), (function,))


def _decorated(module: cst.Module, function: cst.FunctionDef, chosen: CacheDecorator) -> cst.Module:
    decorators = [cst.Decorator(chosen.expression)]
    changed = replaced(module, {function: lambda node: node.with_changes(decorators=decorators)})
    return added_import(changed, chosen.missing_import) if chosen.missing_import else changed


#: Measured where it fits: a naive fibonacci of 25 ×8900, other functions as their calls repeat.
RECURSIVE = Rule("cache-recursive", 0.99, find_recursive)
OTHER = Rule("cache", 0.55, find_other)
