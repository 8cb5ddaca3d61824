"""What a piece of code seems to do besides returning a value, judged by the names it uses."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.tree import dotted_name, root_name, targets, walk, words

if TYPE_CHECKING:
    from collections.abc import Mapping

_IMPURE_FUNCTIONS = words(
    "__import__ breakpoint delattr eval exec globals input locals next open print setattr super "
    "vars"
)
_IMPURE_MODULES = words(
    "asyncio http io logging multiprocessing os random requests secrets select shutil signal "
    "socket subprocess sys tempfile threading time urllib uuid warnings"
)
_IMPURE_METHODS = words(
    "acquire close commit critical debug error exception execute fetchall fetchone flush info "
    "now put read read_bytes read_text readline readlines recv release seed seek send sleep "
    "today utcnow warning write write_bytes write_text writelines"
)
_MUTATING_METHODS = words(
    "add append appendleft clear difference_update discard extend extendleft insert "
    "intersection_update pop popitem popleft remove reverse rotate setdefault sort "
    "symmetric_difference_update update"
)
#: Functions whose result can be used up: whoever gets it a second time finds it empty.
_ONE_SHOT = words("enumerate filter iter map reversed zip")
#: Functions that change their first argument.
_MUTATING_FUNCTIONS = words(
    "heapify heappop heappush heappushpop heapreplace insort insort_left insort_right shuffle "
    "next setattr delattr"
)


def import_origins(node: cst.CSTNode) -> dict[str, set[str]]:
    """Map each imported variable to what it may stand for, for example ``m`` to ``{"math"}``."""
    origins: dict[str, set[str]] = {}
    for inner in walk(node):
        if isinstance(inner, cst.Import):
            for alias in inner.names:
                whole = alias.evaluated_name
                name = alias.evaluated_alias or whole.partition(".")[0]
                origin = whole if alias.evaluated_alias else name
                origins.setdefault(name, set()).add(origin)
        elif isinstance(inner, cst.ImportFrom) and not isinstance(inner.names, cst.ImportStar):
            package = "." * len(inner.relative) + (dotted_name(inner.module or inner) or "")
            for alias in inner.names:
                name = alias.evaluated_alias or alias.evaluated_name
                origins.setdefault(name, set()).add(f"{package}.{alias.evaluated_name}")
    return origins


def is_impure_call(call: cst.Call, origins: Mapping[str, set[str]]) -> bool:
    """Tell whether a call obviously does input or output, or depends on more than its arguments."""
    name = dotted_name(call.func)
    if name is None:
        return isinstance(call.func, cst.Attribute) and call.func.attr.value in _IMPURE_METHODS
    root, _, rest = name.partition(".")
    if not rest and root not in origins:
        return root in _IMPURE_FUNCTIONS
    candidates = {".".join(filter(None, (o, rest))) for o in origins.get(root, {root})}
    return any(_is_impure_path(candidate.split(".")) for candidate in candidates)


def _is_impure_path(parts: list[str]) -> bool:
    return parts[0] in _IMPURE_MODULES or "random" in parts or parts[-1] in _IMPURE_METHODS


def is_one_shot(expression: cst.BaseExpression, origins: Mapping[str, set[str]]) -> bool:
    """Tell whether an expression makes an iterator, which can be gone through only once."""
    if not isinstance(expression, cst.Call):
        return isinstance(expression, cst.GeneratorExp)
    name = dotted_name(expression.func) or ""
    possible = origins.get(name.partition(".")[0], {name})
    return name in _ONE_SHOT or any(origin.startswith("itertools") for origin in possible)


def is_mutating_call(call: cst.Call) -> bool:
    """Tell whether a call changes its receiver or its first argument."""
    return _mutated_by(call) is not None


def mutated_names(node: cst.CSTNode) -> set[str]:
    """Collect the variables whose objects something inside the node changes in place."""
    found: set[str | None] = set()
    for inner in walk(node):
        if isinstance(inner, cst.Call):
            if changed := _mutated_by(inner):
                found.add(root_name(changed))
        elif isinstance(
            inner, cst.AssignTarget | cst.AugAssign | cst.AnnAssign | cst.Del | cst.For
        ):
            for leaf in targets(inner.target):
                if isinstance(leaf, cst.Attribute | cst.Subscript):
                    found.add(root_name(leaf))
    return {name for name in found if name is not None}


def _mutated_by(call: cst.Call) -> cst.BaseExpression | None:
    function = call.func
    if isinstance(function, cst.Attribute) and function.attr.value in _MUTATING_METHODS:
        return function.value
    name = (dotted_name(function) or "").rpartition(".")[2]
    return call.args[0].value if name in _MUTATING_FUNCTIONS and call.args else None
