"""What an agent may use: functions from a text to a text."""

import ast
import operator
from pathlib import Path

ALMANAC = Path(__file__).with_name("almanac.txt")
_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
}


def calculator(expression):
    """Return the value of an expression of whole numbers with + - * //."""
    try:
        return str(_value(ast.parse(expression.strip(), mode="eval").body))
    except (SyntaxError, ValueError, ZeroDivisionError):
        return "no expression of whole numbers"


def search(words):
    """Return the lines of the almanac that have these words in them."""
    wanted = words.strip().lower()
    lines = ALMANAC.read_text(encoding="utf-8").splitlines()
    return "; ".join(line for line in lines if wanted and wanted in line.lower()) or "nothing"


def _value(node):
    if isinstance(node, ast.Constant) and isinstance(node.value, int):
        return node.value
    if isinstance(node, ast.BinOp) and type(node.op) in _OPERATORS:
        return _OPERATORS[type(node.op)](_value(node.left), _value(node.right))
    raise ValueError(ast.dump(node))


TOOLS = {"calculator": calculator, "search": search}
