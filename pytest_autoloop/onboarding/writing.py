"""Writes tests: a differential guard, recorded behaviour, a benchmark, what size may not drop."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from pytest_autoloop.onboarding.literals import LONGEST, written
from pytest_autoloop.onboarding.strategies import strategy
from pytest_autoloop.onboarding.templates import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pytest_autoloop.onboarding.functions import Function, Module, Work

#: Recorded calls of one function that are written down.
_CASES = 12
#: Texts from so many letters on are looked at for a part that comes again and again.
_LONG = 80


def differential(path: str, module: Module, functions: Sequence[Function]) -> str:
    """Return a test module that compares with the original on generated inputs.

    Empty when there is no function whose arguments are known.
    """
    tests = [text for function in functions if (text := _differential_test(module, function))]
    if not tests:
        return ""
    head = read("test_like_the_original").substitute(path=path, imported=module.imported)
    return head.rstrip("\n") + "\n\n\n" + "\n\n\n".join(tests) + "\n"


def _differential_test(module: Module, function: Function) -> str:
    """Return one test; empty when nothing is known of an argument that has to be given."""
    if not function.plain and (function.cases or not function.parameters):
        return ""
    given: dict[str, str] = {}
    called: list[str] = []
    for place, parameter in enumerate(function.parameters):
        values = function.values(place, parameter)
        if parameter.many or (parameter.default and not values):
            if parameter.many and _is_given(function, place, parameter.kind):
                return ""  # what stands in such an argument follows no pattern
            continue
        made = strategy(values, parameter.annotation)
        if not made:
            return ""
        given[parameter.name] = made
        keyword = parameter.kind == "KEYWORD_ONLY" or len(called) < place
        called.append(f"{parameter.name}={parameter.name}" if keyword else parameter.name)
    if not given:
        return ""
    name = function.name
    lines = ["@THOROUGH", "@given("]
    lines += [f"    {key}={value}," for key, value in given.items()]
    call = f"{module.source}.{name}, autoloop_baseline.{name}, {', '.join(called)}"
    lines += [
        ")",
        f"def test_{name}_does_what_the_original_does(autoloop_baseline, {', '.join(given)}):",
        f'    """On inputs like those that the tests of {name} use."""',
        f"    assert_same_outcome({call})",
    ]
    return "\n".join(lines)


def _is_given(function: Function, place: int, kind: str) -> bool:
    names = {parameter.name for parameter in function.parameters}
    if kind == "VAR_POSITIONAL":
        return any(len(case.arguments) > place for case in function.cases)
    return any(set(case.keywords) - names for case in function.cases)


def characterisation(path: str, module: Module, functions: Sequence[Function], again: str) -> str:
    """Return a test module with recorded calls and what they give; empty without any.

    `again` is the command line that records anew.
    """
    returned: list[str] = []
    raised: list[str] = []
    for function in functions:
        if function.unsteady:
            continue
        short = [case for case in function.cases if case.size <= LONGEST]
        for case in sorted(short, key=lambda case: case.size)[:_CASES]:
            call = f"{written(function.name)}, {written(case.arguments)}, {written(case.keywords)}"
            if case.raised:
                raised.append(f"    ({call}, {written(case.raised)}),")
            elif case.result:
                result = written(ast.literal_eval(case.result), indent=4)
                returned.append(f"    ({call}, {result}),")
    if not returned and not raised:
        return ""
    head = read("test_as_it_is").substitute(path=path, imported=module.imported, again=again)
    parts = [head.rstrip("\n")]
    if returned:
        rows = "\n".join(returned)
        parts.append(read("part_gives").substitute(module=module.source, rows=rows).rstrip("\n"))
    if raised:
        rows = "\n".join(raised)
        parts.append(read("part_raises").substitute(module=module.source, rows=rows).rstrip("\n"))
    return "\n\n".join(parts) + "\n"


def benchmark(path: str, module: Module, function: Function) -> str:
    """Return a test module that times one function; empty when no call of it is known."""
    if function.work is None:
        return ""
    arguments = ", ".join(_argument(function.work, place) for place in _places(function.work))
    keywords = ", ".join(f"{k}={written(v)}" for k, v in function.work.keywords.items())
    return read("test_benchmark").substitute(
        path=path,
        imported=module.imported,
        module=module.source,
        function=function.name,
        arguments=", ".join(part for part in (arguments, keywords) if part),
    )


def peak_memory(path: str, module: Module, functions: Sequence[Function]) -> str:
    """Return a program that makes of each function the call that does most work.

    Empty when there is none.
    """
    rows = []
    for function in functions:
        if function.work is None:
            continue
        places = [_argument(function.work, place) for place in _places(function.work)]
        tail = "," if len(places) == 1 else ""
        keywords = written(function.work.keywords)
        rows.append(f"    ({written(function.name)}, ({', '.join(places)}{tail}), {keywords}),")
    if not rows:
        return ""
    return read("peak_memory").substitute(
        path=path, name=module.name, module=module.source, rows="\n".join(rows)
    )


def _places(work: Work) -> range:
    return range(len(work.arguments))


def _argument(work: Work, place: int) -> str:
    """Return one argument as source; the repeated one as a product of what was seen."""
    value, times = work.arguments[place], work.times if place == work.place else 1
    if isinstance(value, str | bytes) and len(value) > _LONG:
        unit = _unit(value)
        value, times = value[:unit], times * (len(value) // unit)
    text = written(value, indent=4)
    if times == 1:
        return text
    return f"({text}) * {times}" if "\n" in text else f"{text} * {times}"


def _unit(value: str | bytes) -> int:
    """Return the length of the shortest part that the whole value is a repetition of."""
    found = (value + value).find(value, 1) if isinstance(value, str) else len(value)
    return found if len(value) % found == 0 else len(value)


def public_names(path: str, module: Module, functions: Sequence[Function]) -> str:
    """Return a test module that holds a file to what others need of it when it gets smaller."""
    rows = "\n".join(
        f"    {written(one.name)}: {written([each.name for each in one.parameters])},"
        for one in functions
    )
    return read("test_still_there").substitute(
        path=path, name=module.name, module=module.source, rows=rows
    )
