"""What tests use of a target, and why a proxy cannot be it."""

from __future__ import annotations

from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.evaluation.isolated import plain
from pytest_autoloop.evaluation.isolated.api import Api, Recorder
from pytest_autoloop.evaluation.isolated.recording import Recording

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = """
import functools

LIMIT = 3
TABLE = [1]

class Oops(Exception): pass
class Stack: pass

def double(n): return 2 * n
def outer(n): return double(n)
def count(n): yield n
def apply(f): return f(1)
def make(): return Stack()
def fail(): raise Oops("x")
async def later(): return 1

@functools.lru_cache
def cached(n): return n
"""


def used(use: Callable[[ModuleType], object]) -> tuple[Api, Recording]:
    """Return what a recorder says of a use."""
    module = ModuleType("target")
    exec(SOURCE, module.__dict__)
    recorder = Recorder()
    recorder.install(module)
    recorder.node, recorder.benchmark = "test_it.py::test_it", True
    use(module)
    return recorder.finish()


def test_plain_calls_are_recorded_from_outside_alone() -> None:
    """With their arguments; what a function calls inside is its own affair."""
    api, recording = used(lambda m: (m.double(2), m.outer(3), m.double(2), m.cached(1), m.LIMIT))
    assert (api.reason, api.module) == ("", "target")
    assert api.functions == ("cached", "double", "outer")
    assert api.constants == ("LIMIT",)
    assert [(c.function, plain.decode(c.data)) for c in recording.calls] == [
        ("double", ((2,), {})),
        ("outer", ((3,), {})),
        ("cached", ((1,), {})),
    ]
    assert all(call.benchmark and not call.raised for call in recording.calls)
    assert Api.from_json(api.to_json()) == api
    again = Recording.from_bytes(recording.to_bytes())
    assert again.calls == recording.calls


def test_a_function_is_the_same_each_time() -> None:
    """Two imports of one name are one object, with the original's name and signature."""
    seen: list[object] = []
    used(lambda m: seen.extend([m.double, m.double, m.double.__name__]))
    assert seen[0] is seen[1]
    assert seen[2] == "double"


def test_an_error_of_its_own_is_no_obstacle() -> None:
    """The proxy has the first commit's class."""

    def use(module: ModuleType) -> None:
        with pytest.raises(module.Oops):
            module.fail()

    assert used(use)[0].reason == ""


@pytest.mark.parametrize(
    ("use", "reason"),
    [
        (lambda m: m.Stack(), "tests use its class Stack"),
        (lambda m: m.make(), "make() returns a target.Stack"),
        (lambda m: m.count(1), "count() returns a generator"),
        (lambda m: m.apply(abs), "apply() takes a builtin_function_or_method"),
        (lambda m: m.later().close(), "later() returns a coroutine"),
        (lambda m: m.TABLE, "tests look at its TABLE, which can change"),
        (lambda m: setattr(m, "LIMIT", 4), "tests replace its LIMIT"),
        (lambda m: delattr(m, "LIMIT"), "tests remove its LIMIT"),
        (lambda m: m.cached.cache_clear(), "tests use cached.cache_clear"),
    ],
)
def test_what_cannot_cross_a_pipe_is_told(use: Callable[[ModuleType], object], reason: str) -> None:
    """In words that a person can act on."""
    assert used(use)[0].reason == reason


def test_a_target_that_nobody_imports_has_no_proxy() -> None:
    """A program that tests start, or a text that they read."""
    assert Recorder().finish()[0].reason == "no test imports it as a module"
