"""A pytest session that writes down with which arguments the tests call a module's functions.

At its end each recorded call is made twice more, to see what comes out, and whether it does so each
time.
"""

from __future__ import annotations

import ast
import copy
import inspect
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.guards import Outcome, outcome_of, same
from pytest_autoloop.harness.undivided import keep_in_one_process
from pytest_autoloop.onboarding.children import answer, wanted_here
from pytest_autoloop.onboarding.literals import is_literal

if TYPE_CHECKING:
    from collections.abc import Callable, Generator
    from types import CodeType, FrameType, ModuleType

#: Distinct calls of one function that are kept, and the longest arguments, as characters.
_CALLS = 60
_LONGEST_ARGUMENTS = 20_000
#: Seconds that replaying all calls of one function may take.
_REPLAY_SECONDS = 5.0
#: How often a text or list is repeated to make work for a benchmark, and the seconds that one call
#: should take then.
_TIMES = (1, 10, 100, 1000)
_ENOUGH_SECONDS, _TOO_MANY_SECONDS = 5e-4, 0.1


class Recorder:
    """Watches the calls of one file's functions from outside of it."""

    def __init__(self, wanted: dict[str, Any]) -> None:
        self._wanted = wanted
        self._path = str(Path(wanted["target"]).resolve())
        self._calls: dict[CodeType, dict[str, None]] = {}

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_cmdline_main(self, config: pytest.Config) -> Generator[None, object, object]:
        """Keep the session in this process; each benchmark makes its call once."""
        keep_in_one_process(config, benchmark_disable=True, benchmark_enable=False)
        return (yield)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Watch while a test runs."""
        before = sys.getprofile()
        sys.setprofile(self._watch)
        try:
            return (yield)
        finally:
            sys.setprofile(before)

    def _watch(self, frame: FrameType, event: str, argument: object) -> None:  # noqa: ARG002
        if event != "call" or frame.f_code.co_filename != self._path:
            return
        caller = frame.f_back
        if caller is not None and caller.f_code.co_filename == self._path:
            return
        known = self._calls.setdefault(frame.f_code, {})
        if len(known) >= _CALLS:
            return
        arguments = _arguments(frame)
        if is_literal(arguments):
            text = repr(arguments)
            if len(text) <= _LONGEST_ARGUMENTS:
                known[text] = None

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self) -> None:
        """Make the calls again, and tell what they give."""
        module = _module_of(self._path)
        functions = {} if module is None else _functions(module, self._path)
        found = []
        for name, function in functions.items():
            code = inspect.unwrap(function).__code__
            calls = [ast.literal_eval(text) for text in self._calls.get(code, ())]
            found.append(_replayed(name, function, calls))
        answer(
            self._wanted,
            {
                "module": "" if module is None else module.__name__,
                "hidden": module is not None and _hidden(module),
                "functions": found,
            },
        )


def _arguments(frame: FrameType) -> tuple[list[object], dict[str, object]]:
    """Return positional and keyword arguments of the call that a frame begins."""
    code, values = frame.f_code, frame.f_locals
    names = code.co_varnames
    positional = [values[name] for name in names[: code.co_argcount] if name in values]
    end = code.co_argcount + code.co_kwonlyargcount
    keywords = {name: values[name] for name in names[code.co_argcount : end] if name in values}
    if code.co_flags & inspect.CO_VARARGS:
        positional += values[names[end]]
        end += 1
    if code.co_flags & inspect.CO_VARKEYWORDS:
        keywords |= values[names[end]]
    return positional, keywords


def _module_of(path: str) -> ModuleType | None:
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str) and str(Path(file).resolve()) == path and name != "__main__":
            return module
    return None


def _hidden(module: ModuleType) -> bool:
    """Tell whether something else has the module's name in its package."""
    package, _, name = module.__name__.rpartition(".")
    return bool(package) and getattr(sys.modules.get(package), name, module) is not module


def _functions(module: ModuleType, path: str) -> dict[str, Callable[..., Any]]:
    """Return the functions that a module defines and gives away, in the order of its source."""
    found = {}
    for name, value in vars(module).items():
        inner = inspect.unwrap(value) if callable(value) else None
        if not inspect.isfunction(inner) or inner.__code__.co_filename != path:
            continue
        plain = not inspect.iscoroutinefunction(inner) and not inspect.isgeneratorfunction(inner)
        if plain and inner.__name__ == name and not name.startswith("_"):
            found[name] = value
    return found


def _replayed(
    name: str, function: Callable[..., Any], calls: list[tuple[list[Any], dict[str, Any]]]
) -> dict[str, Any]:
    """Return what is known of a function: parameters, calls with outcome, and a longer call."""
    cases, unsteady = [], False
    began = time.perf_counter()
    slowest: tuple[float, tuple[list[Any], dict[str, Any]] | None] = (0.0, None)
    for positional, keywords in calls:
        if time.perf_counter() - began > _REPLAY_SECONDS:
            break
        started = time.perf_counter()
        first = outcome_of(function, tuple(positional), keywords)
        seconds = time.perf_counter() - started
        second = outcome_of(function, tuple(positional), keywords)
        if not _steady(first, second):
            unsteady = True
            continue
        if not first.raised:
            slowest = max(slowest, (seconds, (positional, keywords)), key=lambda one: one[0])
        case: dict[str, Any] = {
            "arguments": repr(positional),
            "keywords": repr(keywords),
            "raised": first.raised,
        }
        case["result"] = repr(first.result) if is_literal(first.result) else ""
        case["changes"] = not same(first.arguments, (*positional, *keywords.values()))
        cases.append(case)
    seconds, call = slowest
    return {
        "name": name,
        "parameters": _parameters(function),
        "cases": cases,
        "unsteady": unsteady,
        "work": None if call is None else _work(function, *call, seconds),
    }


def _steady(first: Outcome, second: Outcome) -> bool:
    parts = (first.result, first.raised, first.arguments)
    return same(parts, (second.result, second.raised, second.arguments))


def _work(
    function: Callable[..., Any], positional: list[Any], keywords: dict[str, Any], seconds: float
) -> dict[str, Any]:
    """Return arguments for a benchmark: the slowest call's, made longer where that is accepted."""
    found = {
        "arguments": repr(positional),
        "keywords": repr(keywords),
        "place": -1,
        "times": 1,
        "seconds": seconds,
    }
    places = [n for n, one in enumerate(positional) if isinstance(one, str | bytes | list) and one]
    if not places or seconds >= _ENOUGH_SECONDS:
        return found
    place = max(places, key=lambda n: len(positional[n]))
    for times in _TIMES[1:]:
        longer = [*copy.deepcopy(positional)]
        longer[place] *= times
        started = time.perf_counter()
        outcome = outcome_of(function, tuple(longer), keywords)
        took = time.perf_counter() - started
        if outcome.raised or took > _TOO_MANY_SECONDS:
            break
        found |= {"place": place, "times": times, "seconds": took}
        if took >= _ENOUGH_SECONDS:
            break
    return found


def _parameters(function: Callable[..., Any]) -> list[dict[str, Any]]:
    """Return name, kind, annotation (as written) and whether there is a default."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return []
    return [
        {
            "name": one.name,
            "kind": one.kind.name,
            "annotation": _annotation(one.annotation),
            "default": one.default is not one.empty,
        }
        for one in signature.parameters.values()
    ]


def _annotation(value: object) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, type) and not hasattr(value, "__args__"):
        return value.__name__
    return str(value).replace("typing.", "")


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    """Take part in the session that has loaded this module."""
    pluginmanager.register(Recorder(wanted_here()))
