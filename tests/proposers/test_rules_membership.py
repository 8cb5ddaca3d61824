"""The rules that search sets instead of lists."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.rules.membership import LITERALS, VARIABLES
from tests.proposers.test_rules_support import executed, only, rewritten


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("x in [1, 2]", "x in {1, 2}"),
        ("x in (1, 2)", "x in {1, 2}"),
        ("x not in ['a', b, c.d]", "x not in {'a', b, c.d}"),
        ("x in[1, 2]", "x in{1, 2}"),
        ("x in ([1, 2])", "x in ({1, 2})"),
        ("x in [\n    1,  # one\n    2,\n]", "x in {\n    1,  # one\n    2,\n}"),
        ("x in [*a, 1]", "x in {*a, 1}"),
    ],
)
def test_searched_literal_becomes_a_set(before, after):
    """A list or tuple that is written down only to be searched becomes a set."""
    assert only(LITERALS, f"y = {before}\n") == f"y = {after}\n"


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("x in 'abc'", id="string: in means substring"),
        pytest.param("x in {1, 2}", id="already a set"),
        pytest.param("x in {1: 2}", id="dict"),
        pytest.param("x in [[1], [2]]", id="not hashable"),
        pytest.param("x in [1]", id="one element"),
        pytest.param("x in []", id="empty"),
        pytest.param("a in [b, c] in d", id="chain"),
        pytest.param("x == [1, 2]", id="another comparison"),
    ],
)
def test_other_searches_are_left_alone(expression):
    """What is not a search of a list, or gains nothing, is not touched."""
    assert rewritten(LITERALS, f"y = {expression}\n") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[1, 2]", "{1, 2}"),
        ("(1, 2)", "{1, 2}"),
        ("1, 2", "{1, 2}"),
        ("list(xs)", "set(xs)"),
        ("tuple(xs)", "set(xs)"),
        ("sorted(xs)", "set(xs)"),
        ("[y for y in xs if y]", "{y for y in xs if y}"),
    ],
)
def test_variable_that_is_only_searched_becomes_a_set(before, after):
    """A local that is assigned once and only searched is made a set."""
    source = "def f(xs):\n    known = {}\n    return [x in known for x in xs]\n"
    assert only(VARIABLES, source.format(before)) == source.format(after)


def test_module_constant_becomes_a_set():
    """A constant that functions search is made a set, with its comments."""
    source = "KNOWN = [  # all\n    'a',  # first\n    'b',\n]\ndef f(x):\n    return x in KNOWN\n"
    code = only(VARIABLES, source)
    assert code.startswith("KNOWN = {  # all\n    'a',  # first\n    'b',\n}\n")
    assert executed(code)["f"]("b") is True


def test_appends_become_adds():
    """A list of what was seen, which is searched and appended to, becomes a set."""
    source = """
        def unique(xs):
            seen = []
            out = []
            for x in xs:
                if x not in seen:
                    seen.append(x)  # once
                    out.append(x)
            return out
    """
    code = only(VARIABLES, source)
    assert "seen = set()" in code
    assert "seen.add(x)  # once" in code
    assert executed(code)["unique"]([3, 1, 3, 2, 1]) == [3, 1, 2]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("known = [1, 2]\n    return x in known, len(known)", id="used otherwise"),
        pytest.param("known = [1, 2]\n    for y in known: g(y in known)", id="iterated"),
        pytest.param("known = [1, 2]\n    return known", id="never searched"),
        pytest.param("known = [1, 2]\n    known = x\n    return x in known", id="assigned twice"),
        pytest.param("known = [1, 2]\n    known += [3]\n    return x in known", id="extended"),
        pytest.param("known = other = [1, 2]\n    return x in known", id="two names"),
        pytest.param("known = 'abc'\n    return x in known", id="string"),
        pytest.param("known = [[1], [2]]\n    return x in known", id="not hashable"),
        pytest.param("known = list(x, y)\n    return x in known", id="not the usual call"),
        pytest.param("x = [1, 2]\n    return 1 in x", id="parameter"),
        pytest.param("k: list[int] = [1, 2]\n    return x in k", id="annotated as a list"),
        pytest.param("known = []\n    return known.append(x), x in known", id="append used"),
    ],
)
def test_variable_that_must_stay_a_list_does(body):
    """A variable that is anything more than searched is not touched."""
    assert rewritten(VARIABLES, f"def f(x):\n    {body}\n") == []


def test_async_functions_are_left_alone():
    """Nothing inside an async function is rewritten."""
    source = "async def f(x):\n    known = [1, 2]\n    return x in known or x in (1, 2)\n"
    assert rewritten(VARIABLES, source) == rewritten(LITERALS, source) == []
