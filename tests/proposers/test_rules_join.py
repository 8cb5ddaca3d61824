"""The rule that joins the parts of a string after the loop."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.rules.join import RULE
from tests.proposers.test_rules_support import executed, only, rewritten


def test_added_strings_are_joined_after_the_loop():
    """The loop appends to a list, and one join makes the string."""
    source = (
        "def f(xs):\n    out = ''\n    for x in xs:\n        out += x  # more\n    return out\n"
    )
    expected = (
        "def f(xs):\n    out = ''\n    out_parts = [out]\n    for x in xs:\n"
        '        out_parts.append(x)  # more\n    out = "".join(out_parts)\n    return out\n'
    )
    assert only(RULE, source) == expected


@pytest.mark.parametrize("start", ["''", "'>'", "f'{1}'", "'a' 'b'", "r'\\d'"])
def test_text_before_the_loop_is_kept(start):
    """Whatever string the loop starts with begins the result."""
    source = f"""
        def f(xs):
            out = {start}
            out += "("
            for x in xs:
                if x == "stop":
                    break
                out += x; out += ","
            else:
                out += "!"
            out += ")"
            return out
    """
    code = only(RULE, source)
    for words in ([], ["a", "b"], ["a", "stop", "b"]):
        assert executed(code)["f"](words) == executed(source)["f"](words)


def test_additions_in_inner_loops_are_collected():
    """Nested and while loops are rewritten as one, from the outermost."""
    source = """
        def f(rows):
            text = ""
            while rows:
                for cell in rows.pop(): text += cell
                text += "/"
            return text
    """
    code = only(RULE, source)
    assert code.count("text_parts.append") == 2
    assert executed(code)["f"]([["c"], ["a", "b"]]) == "ab/c/"


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("out = 0\n    for x in xs: out += x", id="number"),
        pytest.param("out = b''\n    for x in xs: out += x", id="bytes"),
        pytest.param("out = []\n    for x in xs: out += x", id="list"),
        pytest.param("out = ''\n    out = g()\n    for x in xs: out += x", id="assigned again"),
        pytest.param("for x in xs: out += x", id="start unknown"),
        pytest.param("out = ''\n    for x in xs: out += x; g(out)", id="read in the loop"),
        pytest.param("out = ''\n    while len(out) < 9: out += xs", id="read in the condition"),
        pytest.param("out = ''\n    for x in xs: out += x; out = ''", id="reset in the loop"),
        pytest.param("out = ''\n    for x in xs: out *= 2", id="another operator"),
        pytest.param("out = ''\n    for x in xs: out += yield x", id="yield"),
        pytest.param("out = ''\n    for x in xs: y = lambda: out", id="read later"),
        pytest.param("out = ''\n    for x in xs: g(x)", id="not added to"),
        pytest.param("out = ''\n    if xs: out += 'x'", id="no loop"),
    ],
)
def test_other_loops_are_left_alone(body):
    """Loops that add something else, or need the string as they go, are not touched."""
    assert rewritten(RULE, f"def f(xs):\n    {body}\n") == []


def test_async_functions_are_left_alone():
    """Nothing inside an async function is rewritten."""
    source = "async def f(xs):\n    out = ''\n    for x in xs:\n        out += x\n    return out\n"
    assert rewritten(RULE, source) == []


def test_generator_keeps_yielding():
    """A generator that yields other things while it adds is still a generator."""
    source = """
        def f(xs):
            out = ""
            for x in xs:
                out += x
                yield x
            yield out
    """
    assert list(executed(only(RULE, source))["f"]("abc")) == ["a", "b", "c", "abc"]
