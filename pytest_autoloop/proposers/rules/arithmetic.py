"""Numbers: the same results from cheaper operations.

The measured ratios are those of CPython 3.11, before by after, for the expression alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.places import Scan, Swap, expression_rule
from pytest_autoloop.proposers.rules.shapes import (
    all_same,
    argument,
    arguments,
    called,
    compared,
    is_simple,
    method,
    number,
    receiver,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_SQUARE, _CUBE, _ROOT = 2, 3, 0.5
_PAIR = 2
#: Logarithms to these bases have functions of their own.
_LOGARITHMS = {2: "math.log2", 10: "math.log10"}


def _power(node: cst.BaseExpression) -> tuple[cst.BaseExpression, cst.BaseExpression] | None:
    """Return base and exponent of ``a ** b``, ``pow(a, b)`` and ``math.pow(a, b)``."""
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.Power):
        return node.left, node.right
    if isinstance(node, cst.Call) and called(node) in {"pow", "math.pow"}:
        found = arguments(node)
        return (found[0], found[1]) if len(found) == _PAIR else None
    return None


def _multiplied(times: int) -> Callable[[cst.BaseExpression, Scan], Swap | None]:
    def match(node: cst.BaseExpression, scan: Scan) -> Swap | None:
        power = _power(node)
        if power is None or number(power[1]) != times or not is_simple(power[0]):
            return None
        # A number to a power is computed when the file is compiled.
        return None if number(power[0]) is not None else Swap(_product(power[0], times, scan))

    return match


def _product(factor: cst.BaseExpression, times: int, scan: Scan) -> str:
    return " * ".join([scan.operand(factor)] * times)


def _square_root(node: cst.BaseExpression, scan: Scan) -> Swap | None:
    power = _power(node)
    if power is None or number(power[1]) != _ROOT or number(power[0]) is not None:
        return None
    return Swap(f"{scan.spelled('math.sqrt').code}({scan.bare(power[0])})", "math.sqrt")


def _logarithm(node: cst.Call, scan: Scan) -> Swap | None:
    found = arguments(node)
    if called(node) != scan.spelled("math.log").code or len(found) != _PAIR:
        return None
    base = number(found[1])
    if base is None or (function := _LOGARITHMS.get(int(base))) is None or base != int(base):
        return None
    return Swap(f"{scan.spelled(function).code}({scan.bare(found[0])})", function)


def _bits(node: cst.Call, scan: Scan) -> Swap | None:
    sought = argument(node)
    if method(node) != "count" or not isinstance(sought, cst.SimpleString):
        return None
    digits = receiver(node)
    if sought.evaluated_value != "1" or called(digits) != "bin":
        return None
    counted = argument(cst.ensure_type(digits, cst.Call))
    if counted is None or number(counted) is not None:
        return None
    return Swap(f"{scan.operand(counted)}.bit_count()")


def _modular_power(node: cst.BinaryOperation, scan: Scan) -> Swap | None:
    power = _power(node.left) if isinstance(node.operator, cst.Modulo) else None
    if power is None or called(node.left) == "math.pow":
        return None
    parts = ", ".join(scan.code(part) for part in (*power, node.right))
    return Swap(f"pow({parts})")


def _smaller_or_larger(node: cst.Call, scan: Scan) -> Swap | None:
    found = arguments(node)
    if called(node) not in {"min", "max"} or len(found) != _PAIR:
        return None
    if not all(map(is_simple, found)):
        return None
    first, second = map(scan.code, found)
    # Of equals, min and max return the first.
    sign = "<" if called(node) == "min" else ">"
    return Swap(f"{second} if {second} {sign} {first} else {first}")


def _whole_quotient(node: cst.Call, scan: Scan) -> Swap | None:
    quotient = argument(node)
    if called(node) not in {"int", "math.floor"} or not isinstance(quotient, cst.BinaryOperation):
        return None
    if not isinstance(quotient.operator, cst.Divide):
        return None
    return Swap(f"{scan.operand(quotient.left)} // {scan.operand(quotient.right)}")


def _even(node: cst.Comparison, scan: Scan) -> Swap | None:
    sides = compared(node, cst.Equal, cst.NotEqual)
    if sides is None or number(sides[1]) not in {0, 1}:
        return None
    rest = sides[0]
    if not isinstance(rest, cst.BinaryOperation) or not isinstance(rest.operator, cst.Modulo):
        return None
    if number(rest.right) != _PAIR or isinstance(rest.left, cst.BaseString):
        return None
    is_odd = (number(sides[1]) == 1) == (compared(node, cst.Equal) is not None)
    # What remains is a number: as good as True only where it is asked for nothing else.
    if is_odd:
        return Swap(f"{scan.operand(rest.left)} & 1") if scan.is_condition(node) else None
    return Swap(f"not {scan.operand(rest.left)} & 1")


def _clamped(node: cst.Call, scan: Scan) -> Swap | None:
    inner_first = [argument for argument in arguments(node) if isinstance(argument, cst.Call)]
    if called(node) not in {"min", "max"} or len(arguments(node)) != _PAIR or not inner_first:
        return None
    inner = inner_first[0]
    if not all_same([inner.func, node.func]) or len(arguments(inner)) < _PAIR:
        return None
    parts: list[cst.BaseExpression] = []
    for part in arguments(node):
        parts.extend(arguments(inner) if part is inner else [part])
    return Swap(f"{called(node)}({', '.join(map(scan.code, parts))})")


#: ×2.7 for a 500th power modulo 97; the larger the power, the more.
MODULAR_POWER = expression_rule("modular-power", 0.9, cst.BinaryOperation, _modular_power)
#: ×5.5 for min of two ints, ×3.6 for max of a float and an int.
MINMAX = expression_rule("inline-minmax", 0.75, cst.Call, _smaller_or_larger)
#: ×4.7
BITS = expression_rule("bit-count", 0.74, cst.Call, _bits)
#: ×2.9
LOGARITHM = expression_rule("logarithm", 0.62, cst.Call, _logarithm)
#: ×2.4 for int(n / 7), ×1.4 for math.floor.
QUOTIENT = expression_rule("floor-division", 0.5, cst.Call, _whole_quotient)
#: ×1.8
NESTED_MINMAX = expression_rule("nested-minmax", 0.45, cst.Call, _clamped)
#: ×2.1 for floats, ×1.4 for ints.
SQUARE = expression_rule("square", 0.4, (cst.BinaryOperation, cst.Call), _multiplied(_SQUARE))
#: ×1.6
CUBE = expression_rule("cube", 0.36, (cst.BinaryOperation, cst.Call), _multiplied(_CUBE))
#: ×1.4
SQUARE_ROOT = expression_rule("square-root", 0.28, (cst.BinaryOperation, cst.Call), _square_root)
#: ×1.2
PARITY = expression_rule("parity", 0.17, cst.Comparison, _even)

RULES = (
    MODULAR_POWER,
    MINMAX,
    BITS,
    LOGARITHM,
    QUOTIENT,
    NESTED_MINMAX,
    SQUARE,
    CUBE,
    SQUARE_ROOT,
    PARITY,
)
