"""What an expression is made of, for rules that look for one shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.tree import dotted_name, names

if TYPE_CHECKING:
    from collections.abc import Sequence


def called(node: cst.CSTNode | None) -> str:
    """Return the dotted name of what a call calls, empty for what is no such call."""
    return (dotted_name(node.func) or "") if isinstance(node, cst.Call) else ""


def method(node: cst.CSTNode | None) -> str:
    """Return the name of the method that a call calls, empty for what is no such call."""
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute):
        return node.func.attr.value
    return ""


def receiver(node: cst.Call) -> cst.BaseExpression:
    """Return what a method is called on."""
    return cst.ensure_type(node.func, cst.Attribute).value


def arguments(node: cst.Call) -> list[cst.BaseExpression]:
    """Return the arguments, none if some are not plain positional ones."""
    plain = all(not arg.star and arg.keyword is None for arg in node.args)
    return [arg.value for arg in node.args] if plain else []


def argument(node: cst.Call) -> cst.BaseExpression | None:
    """Return the only argument, None if it is not the only one or not plain."""
    found = arguments(node)
    return found[0] if len(found) == 1 else None


def keywords(node: cst.Call) -> dict[str, cst.BaseExpression]:
    """Return the arguments that are passed by name."""
    return {arg.keyword.value: arg.value for arg in node.args if arg.keyword is not None}


def number(node: cst.CSTNode | None) -> float | None:
    """Return the value of a number that is written out, None for anything else."""
    if isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        value = number(node.expression)
        return None if value is None else -value
    if isinstance(node, cst.Integer | cst.Float):
        return node.evaluated_value
    return None


def is_simple(node: cst.CSTNode) -> bool:
    """Tell whether an expression may as well be read twice: a name, ``a.b`` or a number."""
    if isinstance(node, cst.Attribute):
        return isinstance(node.value, cst.Name)
    return isinstance(node, cst.Name) or number(node) is not None


def is_constant(node: cst.CSTNode) -> bool:
    """Tell whether an expression is a number, a string, True, False or None."""
    if isinstance(node, cst.Name):
        return node.value in {"True", "False", "None"}
    return number(node) is not None or isinstance(node, cst.SimpleString)


def compared(
    node: cst.CSTNode, *operators: type[cst.BaseCompOp]
) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """Return both sides of a comparison by one of these operators, None for anything else."""
    if not isinstance(node, cst.Comparison) or len(node.comparisons) != 1:
        return None
    if not isinstance(node.comparisons[0].operator, operators):
        return None
    return node.left, node.comparisons[0].comparator


def subscripted(node: cst.CSTNode) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """Return container and index of ``container[index]``, None for slices and anything else."""
    if isinstance(node, cst.Subscript) and len(node.slice) == 1:
        index = node.slice[0].slice
        if isinstance(index, cst.Index) and not index.star:
            return node.value, index.value
    return None


def lambda_of_one(node: cst.CSTNode) -> tuple[str, cst.BaseExpression] | None:
    """Return parameter and result of ``lambda x: …``, None where there are more parameters."""
    if not isinstance(node, cst.Lambda):
        return None
    params = node.params
    others = (*params.kwonly_params, *params.posonly_params)
    starred = params.star_kwarg or isinstance(params.star_arg, cst.Param)
    if len(params.params) != 1 or others or starred or params.params[0].default:
        return None
    return params.params[0].name.value, node.body


def mentions(node: cst.CSTNode, name: str) -> int:
    """Count how often a variable is mentioned."""
    return sum(found == name for found in names(node))


def alternatives(node: cst.CSTNode) -> list[cst.BaseExpression]:
    """Return the operands of ``a or b or c``, none for anything else."""
    if not isinstance(node, cst.BooleanOperation) or not isinstance(node.operator, cst.Or):
        return []
    left = [] if node.left.lpar else alternatives(node.left)
    return [*(left or [node.left]), node.right]


def all_same(nodes: Sequence[cst.CSTNode]) -> bool:
    """Tell whether all are written the same."""
    return all(node.deep_equals(nodes[0]) for node in nodes[1:])


def plain_comprehension(node: cst.CSTNode | None) -> cst.BaseSimpleComp | None:
    """Return a comprehension of one loop that is not asynchronous, None for anything else."""
    if not isinstance(node, cst.ListComp | cst.SetComp | cst.GeneratorExp):
        return None
    loop = node.for_in
    return node if loop.inner_for_in is None and loop.asynchronous is None else None
