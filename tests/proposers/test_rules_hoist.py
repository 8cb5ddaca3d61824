"""The rule that hoists calls out of loops."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.rules.hoist import RULE
from tests.proposers.test_rules_support import executed, only, rewritten


@pytest.mark.parametrize(
    ("call", "local"),
    [
        ("len(xs)", "len_xs"),
        ("math.sqrt(n)", "sqrt_n"),
        ("re.compile('a+')", "compile_result"),
        ("sep.strip()", "strip_result"),
        ("max(len(xs), abs(n))", "max_result"),
    ],
)
def test_invariant_call_moves_before_the_loop(call, local):
    """The call is made once, into a local, and the loop uses the local."""
    before = f"def f(xs, n, sep):\n    for x in xs:\n        g(x, {call})\n"
    after = f"def f(xs, n, sep):\n    {local} = {call}\n    for x in xs:\n        g(x, {local})\n"
    assert only(RULE, before) == after


def test_all_occurrences_are_replaced_together():
    """The same call, made several times in a loop, is one rewrite."""
    source = """
        def f(xs):
            total = 0
            for x in xs:
                total += len(xs) if x < len(xs) else -len(xs)
            return total
    """
    code = only(RULE, source)
    assert code.count("len(xs)") == 1
    assert executed(code)["f"]([1, 5]) == executed(source)["f"]([1, 5]) == 0


def test_test_of_a_while_loop_is_part_of_the_loop():
    """A call in the condition of a while loop is made every time, and hoisted."""
    source = """
        def f(xs):
            i = 0
            while i < len(xs):
                i += 1
            return i
    """
    code = only(RULE, source)
    assert "while i < len_xs:" in code
    assert executed(code)["f"]("abc") == 3


def test_call_leaves_as_many_loops_as_it_can():
    """In nested loops a call goes before the outermost loop that does not change it."""
    source = """
        def f(rows, k):
            out = []
            for row in rows:
                for x in row:
                    out.append((x, len(row), abs(k)))
            return out
    """
    inner_and_outer = rewritten(RULE, source)
    assert any("    abs_k = abs(k)\n    for row in rows:" in code for code in inner_and_outer)
    assert any(
        "        len_row = len(row)\n        for x in row:" in code for code in inner_and_outer
    )
    assert len(inner_and_outer) == 2
    for code in inner_and_outer:
        assert executed(code)["f"]([[1, 2], [3]], -1) == [(1, 2, 1), (2, 2, 1), (3, 1, 1)]


def test_local_does_not_hide_another_variable():
    """The new local has a name that the module does not use."""
    source = "len_xs = 7\ndef f(xs):\n    for x in xs:\n        use(len(xs))\n"
    assert "    len_xs_2 = len(xs)\n" in only(RULE, source)


def test_comments_and_blank_lines_stay():
    """The comment above a loop stays with the loop."""
    source = (
        "def f(xs):\n    a = 1\n\n    # Each.\n    for x in xs:  # in turn\n        g(x, len(xs))\n"
    )
    expected = (
        "def f(xs):\n    a = 1\n\n    len_xs = len(xs)\n    # Each.\n"
        "    for x in xs:  # in turn\n        g(x, len_xs)\n"
    )
    assert only(RULE, source) == expected


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("use(abs(x))", id="depends on the loop variable"),
        pytest.param("n += 1\n        use(abs(n))", id="argument is rebound"),
        pytest.param("xs.append(1)\n        use(len(xs))", id="argument is changed"),
        pytest.param("xs[0] = 1\n        use(sum(xs))", id="item of the argument is set"),
        pytest.param("n.a = 1\n        use(abs(n.a))", id="attribute is set"),
        pytest.param("use([abs(y) for y in x])", id="bound by a comprehension"),
        pytest.param("use(y := x, abs(y))", id="bound by a walrus"),
        pytest.param("use(input('?'))", id="input"),
        pytest.param("use(next(n))", id="next"),
        pytest.param("use(n.pop(0))", id="changes its receiver"),
        pytest.param("use(n.get())", id="no arguments, may change"),
        pytest.param("use(iter(n), zip(n, n))", id="iterators"),
        pytest.param("n.close(1)", id="statement"),
        pytest.param("log(n)", id="called for its effect"),
        pytest.param("y = list(n)", id="fresh object is kept"),
        pytest.param("y = [lambda: abs(n)]", id="runs later"),
        pytest.param("raise ValueError('bad')", id="leaves the loop"),
        pytest.param("use((yield n))", id="yield"),
    ],
)
def test_changing_call_stays_in_the_loop(body):
    """Calls that may differ from round to round, or are made for their effect, stay."""
    source = f"def f(xs, n):\n    for x in xs:\n        {body}\n"
    assert rewritten(RULE, source) == []


def test_async_functions_are_left_alone():
    """Nothing inside an async function is rewritten."""
    assert (
        rewritten(RULE, "async def f(xs):\n    for x in xs:\n        await g(x, len(xs))\n") == []
    )


def test_class_bodies_are_left_alone():
    """A loop in a class body would gain an attribute, so it is not rewritten."""
    assert rewritten(RULE, "class C:\n    for x in y:\n        z = len(y)\n") == []
