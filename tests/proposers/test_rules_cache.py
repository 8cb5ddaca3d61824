"""The rules that cache functions."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.rules.cache import OTHER, RECURSIVE
from tests.proposers.test_rules_support import executed, only, rewritten

FIB = "def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"


def test_recursive_function_gets_decorator_and_import():
    """The function is decorated and the missing import is added above it."""
    assert only(RECURSIVE, FIB) == f"import functools\n\n\n@functools.cache\n{FIB}"


def test_function_with_more_self_calls_comes_first():
    """Of two recursive functions the one that branches more is cached first."""
    factorial = "def factorial(n):\n    return n * factorial(n - 1) if n else 1\n"
    first, second = rewritten(RECURSIVE, factorial + FIB)
    assert "@functools.cache\ndef fib" in first
    assert "@functools.cache\ndef factorial" in second


def test_other_function_is_left_to_the_other_rule():
    """Each pure function belongs to exactly one of the two rules."""
    source = "def double(x):\n    return 2 * x\n"
    assert rewritten(RECURSIVE, source) == []
    assert rewritten(OTHER, FIB) == []
    assert executed(only(OTHER, source))["double"](4) == 8


def test_nested_function_is_cached():
    """A function inside a function is cached where it stands."""
    source = (
        f"def outer(k):\n    {FIB.replace(chr(10), chr(10) + '    ').strip()}\n    return fib(k)\n"
    )
    assert executed(only(RECURSIVE, source))["outer"](80) == 23416728348467685


@pytest.mark.parametrize(
    ("imports", "decorator"),
    [
        ("import functools", "@functools.cache"),
        ("import functools as tools", "@tools.cache"),
        ("from functools import cache", "@cache"),
        ("from functools import cache as remember", "@remember"),
        ("from functools import lru_cache", "@lru_cache(maxsize=None)"),
        ("from functools import lru_cache as memo", "@memo(maxsize=None)"),
        ("from functools import reduce, lru_cache", "@lru_cache(maxsize=None)"),
    ],
)
def test_present_import_is_used(imports, decorator):
    """An import that is already there is used as it is spelled."""
    code = only(RECURSIVE, f"{imports}\n\n{FIB}")
    assert code == f"{imports}\n\n{decorator}\n{FIB}"
    assert executed(code)["fib"](80) == 23416728348467685


@pytest.mark.parametrize(
    "elsewhere",
    [
        pytest.param("functools = 3\n" + FIB, id="name means something else"),
        pytest.param(FIB + "\nimport functools\n", id="imported too late"),
        pytest.param("if not fib:\n    import functools\n" + FIB, id="imported only sometimes"),
        pytest.param("def f():\n    import functools\n" + FIB, id="imported in a function"),
        pytest.param("def cache():\n    from functools import cache\n" + FIB, id="shadowed"),
    ],
)
def test_unreliable_import_is_not_used(elsewhere):
    """Where the module's own import cannot be relied on, the decorator still works."""
    code = only(RECURSIVE, elsewhere)
    namespace = executed("fib = True\n" + code)
    assert namespace["fib"](80) == 23416728348467685
    assert namespace.get("functools") != 3 or "functools = 3" in elsewhere


def test_import_goes_below_docstring_and_future_imports():
    """The new import joins the others, below what has to come first."""
    source = f'"""Doc."""\nfrom __future__ import annotations\n\n# maths\nimport math\n\n{FIB}'
    expected = (
        '"""Doc."""\nfrom __future__ import annotations\n\nimport functools\n# maths\nimport math\n'
    )
    code = only(RECURSIVE, source)
    assert code.startswith(expected)
    assert executed(code)["__doc__"] == "Doc."


def test_import_goes_below_the_docstring_alone():
    """A module with nothing but a docstring keeps it."""
    code = only(RECURSIVE, f'"""Doc."""\n\n\n{FIB}')
    assert code.startswith('"""Doc."""\n\nimport functools\n\n\n@functools.cache\n')


def test_comments_stay_with_what_they_describe():
    """The file's own comments stay on top, the function's stay on the function."""
    code = only(RECURSIVE, f"#!/usr/bin/env python\n# The licence.\n\n# Slow.\n{FIB}")
    assert code.startswith(
        "#!/usr/bin/env python\n# The licence.\n\nimport functools\n\n\n# Slow.\n@functools.cache\n"
    )


@pytest.mark.parametrize("first", ["#!/usr/bin/env python", "# -*- coding: utf-8 -*-"])
def test_first_line_with_a_meaning_stays_first(first):
    """A shebang or an encoding means something only on top, so the import goes below it."""
    code = only(RECURSIVE, f"{first}\n# Slow.\n{FIB}")
    assert code == f"{first}\nimport functools\n\n\n# Slow.\n@functools.cache\n{FIB}"


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("def f():\n    return 1", id="no parameter"),
        pytest.param("def f(x):\n    x + 1", id="no result"),
        pytest.param("async def f(x):\n    return x", id="async"),
        pytest.param("async def f():\n    def g(x):\n        return x", id="in async"),
        pytest.param("def f(x):\n    yield x\n    return x", id="generator"),
        pytest.param("def f(xs):\n    return (x for x in xs)", id="returns a generator"),
        pytest.param("def f(xs):\n    return map(str, xs)", id="returns an iterator"),
        pytest.param(
            "from itertools import chain\ndef f(x):\n    return chain(x)", id="returns itertools"
        ),
        pytest.param("class C:\n    def f(self, x):\n        return x", id="method"),
        pytest.param("class C:\n    @staticmethod\n    def f(x):\n        return x", id="static"),
        pytest.param("def f(x):\n    global y\n    y = x\n    return x", id="global"),
        pytest.param("def f(x):\n    print(x)\n    return x", id="prints"),
        pytest.param("def f(x):\n    return open(x).read()", id="reads"),
        pytest.param("import random\ndef f(x):\n    return random.random() * x", id="random"),
        pytest.param(
            "from time import time as t\ndef f(x):\n    return t() - x", id="clock by alias"
        ),
        pytest.param("import numpy as np\ndef f(x):\n    return np.random.rand(x)", id="numpy"),
        pytest.param("def f(x):\n    x.append(1)\n    return x", id="changes its argument"),
        pytest.param("def f(x):\n    x[0] = 1\n    return x", id="sets an item of its argument"),
        pytest.param("def f(x):\n    LOG.append(x)\n    return x", id="changes a global"),
        pytest.param("def f(x: list[int]):\n    return x", id="annotated as a list"),
        pytest.param("def f(*, x: 't.Any', y: t.Dict):\n    return x", id="annotated as a dict"),
        pytest.param("import functools\n@functools.cache\ndef f(x):\n    return x", id="cached"),
        pytest.param(
            "from functools import lru_cache as c\n@c(maxsize=9)\ndef f(x):\n    return x",
            id="cached by alias",
        ),
        pytest.param("@register\ndef f(x):\n    return x", id="decorated otherwise"),
        pytest.param("def f(x):\n    return x\nf = memoize(f)", id="wrapped afterwards"),
    ],
)
def test_unsuitable_function_is_left_alone(source):
    """Functions that are impure, cached, or cannot be cached are not touched."""
    assert rewritten(OTHER, source) == rewritten(RECURSIVE, source) == []


def test_function_that_changes_only_its_own_objects_is_cached():
    """Filling a list that the function made itself does not make it impure."""
    source = """
        def squares(n):
            out = []
            for i in range(n):
                out.append(i * i)
            return tuple(out)
    """
    assert executed(only(OTHER, source))["squares"](3) == (0, 1, 4)
