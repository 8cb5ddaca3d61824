"""Functions and classes as a whole: a loop instead of calls, slots instead of a dict.

The measured ratios are those of CPython 3.11, before by after.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import libcst as cst

from pytest_autoloop.proposers.rules.rule import Rewrite, Rule
from pytest_autoloop.proposers.rules.shapes import arguments, called
from pytest_autoloop.proposers.rules.tree import blocks, replaced, walk

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pytest_autoloop.proposers.rules.tree import Change, Statement


def find_fixed(module: cst.Module) -> Iterator[Rewrite]:
    """Give classes whose attributes are all set in their own methods ``__slots__``."""
    for statement in module.body:
        if not isinstance(statement, cst.ClassDef) or statement.keywords or statement.decorators:
            continue
        attributes = _attributes(statement)
        has_bases = any(
            called(base) or not _is_name(base.value, "object") for base in statement.bases
        )
        if attributes and not has_bases and isinstance(statement.body, cst.IndentedBlock):
            description = f"give {statement.name.value} slots"
            build = partial(_slotted, module, statement.body, tuple(attributes))
            yield Rewrite(description, build, (statement,))


def _attributes(node: cst.ClassDef) -> dict[str, None]:
    """List what methods set on self, nothing if the class has more than plain methods."""
    found: dict[str, None] = {}
    has_init = False
    for statement in node.body.body:
        if isinstance(statement, cst.FunctionDef):
            first = [param.name.value for param in statement.params.params[:1]]
            has_init = has_init or statement.name.value == "__init__"
            if statement.decorators or not first or statement.name.value == "__getattr__":
                return {}
            for inner in walk(statement.body):
                if isinstance(inner, cst.AssignTarget | cst.AnnAssign | cst.AugAssign):
                    target = inner.target
                    if isinstance(target, cst.Attribute) and _is_name(target.value, first[0]):
                        found[target.attr.value] = None
        elif not _is_docstring(statement):
            return {}
    return found if has_init else {}


def _is_docstring(statement: cst.CSTNode) -> bool:
    return (
        isinstance(statement, cst.SimpleStatementLine)
        and isinstance(statement.body[0], cst.Expr)
        and isinstance(statement.body[0].value, cst.BaseString)
    )


def _slotted(
    module: cst.Module, body: cst.IndentedBlock, attributes: tuple[str, ...]
) -> cst.Module:
    listed = ", ".join(f'"{name}"' for name in attributes)
    comma = "," if len(attributes) == 1 else ""
    line = cst.parse_statement(f"__slots__ = ({listed}{comma})", module.config_for_parsing)

    def begun(node: cst.IndentedBlock) -> cst.IndentedBlock:
        place = int(_is_docstring(node.body[0]))
        above, follower, below = node.body[:place], node.body[place], node.body[place + 1 :]
        leading = getattr(follower, "leading_lines", ())
        has_blank = any(line.comment is None for line in leading)
        blank = [] if has_blank else [cst.EmptyLine(indent=False)]
        first = line.with_changes(leading_lines=blank if above else [])
        apart = follower.with_changes(leading_lines=[*blank, *leading])
        return node.with_changes(body=[*above, first, apart, *below])

    return replaced(module, {body: begun})


def find_tail_calls(module: cst.Module) -> Iterator[Rewrite]:
    """Turn a function that ends by calling itself into a loop."""
    for block in blocks(module):
        for function in block.statements:
            if not isinstance(function, cst.FunctionDef) or function.decorators:
                continue
            calls = list(_tail_calls(function.body, function.name.value))
            every = [node for node in walk(function.body) if called(node) == function.name.value]
            if calls and len(calls) == len(every) and _is_plain(function, calls):
                description = f"loop instead of calling {function.name.value} again"
                yield Rewrite(description, partial(_looped, module, function, calls), (function,))


def _tail_calls(body: cst.CSTNode, name: str) -> Iterator[cst.Return]:
    for child in body.children:
        if isinstance(child, cst.Return) and child.value and called(child.value) == name:
            yield child
        elif not isinstance(child, cst.For | cst.While | cst.Try | cst.With | cst.FunctionDef):
            yield from _tail_calls(child, name)


def _is_plain(function: cst.FunctionDef, calls: list[cst.Return]) -> bool:
    params = function.params
    others = (*params.kwonly_params, *params.posonly_params)
    starred = params.star_kwarg or isinstance(params.star_arg, cst.Param)
    nested = any(
        isinstance(node, cst.FunctionDef | cst.Lambda | cst.Yield | cst.Global | cst.Nonlocal)
        for node in walk(function.body)
    )
    if others or starred or nested or not isinstance(function.body, cst.IndentedBlock):
        return False
    passed = [arguments(cst.ensure_type(call.value, cst.Call)) for call in calls]
    return all(len(values) == len(params.params) > 0 for values in passed)


def _looped(module: cst.Module, function: cst.FunctionDef, calls: list[cst.Return]) -> cst.Module:
    variables = [param.name.value for param in function.params.params]

    def again(call: cst.Return) -> list[cst.BaseSmallStatement]:
        values = arguments(cst.ensure_type(call.value, cst.Call))
        moved = [
            (name, value)
            for name, value in zip(variables, values, strict=True)
            if not _is_name(value, name)
        ]
        left = ", ".join(name for name, _ in moved)
        right = ", ".join(module.code_for_node(value) for _, value in moved)
        code = f"{left} = {right}; continue" if moved else "continue"
        line = cst.ensure_type(cst.parse_statement(code), cst.SimpleStatementLine)
        return list(line.body)

    def in_line(call: cst.Return) -> cst.FlattenSentinel[cst.BaseSmallStatement]:
        return cst.FlattenSentinel(again(call))

    def as_lines(call: cst.Return, line: cst.SimpleStatementLine) -> cst.FlattenSentinel[Statement]:
        made = [
            cst.SimpleStatementLine([small.with_changes(semicolon=cst.MaybeSentinel.DEFAULT)])
            for small in again(call)
        ]
        made[0] = made[0].with_changes(leading_lines=line.leading_lines)
        made[-1] = made[-1].with_changes(trailing_whitespace=line.trailing_whitespace)
        return cst.FlattenSentinel(made)

    def looped(body: cst.IndentedBlock) -> cst.IndentedBlock:
        place = int(_is_docstring(body.body[0]))
        inside = list(body.body[place:])
        if not isinstance(inside[-1], cst.SimpleStatementLine) or not isinstance(
            inside[-1].body[-1], cst.Return | cst.Raise | cst.Continue
        ):
            inside.append(
                cst.ensure_type(cst.parse_statement("return None"), cst.SimpleStatementLine)
            )
        first = inside[0]
        leading = getattr(first, "leading_lines", ())
        inside[0] = first.with_changes(leading_lines=[])
        loop = cst.While(cst.Name("True"), cst.IndentedBlock(inside), leading_lines=leading)
        return body.with_changes(body=[*body.body[:place], loop])

    changes: dict[cst.CSTNode, Change] = dict.fromkeys(calls, in_line)
    for line in walk(function.body):
        if isinstance(line, cst.SimpleStatementLine) and len(line.body) == 1:
            call = line.body[0]
            if isinstance(call, cst.Return) and call in changes:
                del changes[call]
                changes[line] = partial(as_lines, call)
    changes[function.body] = looped
    return replaced(module, changes)


def _is_name(node: cst.CSTNode | None, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


RULES = (
    #: ×1.5, and no limit to the depth.
    Rule("tail-call", 0.35, find_tail_calls),
    #: ×1.1 for making instances.
    Rule("slots", 0.1, find_fixed),
)
