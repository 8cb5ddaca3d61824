"""The rule that builds lists with comprehensions."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.rules.comprehension import RULE
from tests.proposers.test_rules_support import executed, only, rewritten


@pytest.mark.parametrize(
    ("loop", "comprehension"),
    [
        ("for x in xs: out.append(x + 1)", "[x + 1 for x in xs]"),
        ("for a, b in xs: out.append((b, a))", "[(b, a) for a, b in xs]"),
        ("for x in xs:\n        if x: out.append(x)", "[x for x in xs if x]"),
        (
            "for x in xs:\n        if x:\n            if x > 1: out.append(x)",
            "[x for x in xs if x if x > 1]",
        ),
        (
            "for r in xs:\n        if r:\n            for x in r: out.append(x)",
            "[x for r in xs if r for x in r]",
        ),
        ("for x in 1, 2: out.append(x)", "[x for x in (1, 2)]"),
        ("for x in xs if xs else []: out.append(x)", "[x for x in (xs if xs else [])]"),
        ("for x in xs: out.append(y for y in x)", "[(y for y in x) for x in xs]"),
        ("for x in xs: out.append(lambda: 1)", "[(lambda: 1) for x in xs]"),
        (
            "for x in xs:\n        if x if xs else 0: out.append(x)",
            "[x for x in xs if (x if xs else 0)]",
        ),
    ],
)
def test_loop_becomes_a_comprehension(loop, comprehension):
    """Loops and conditions around one append are nested the same way in the comprehension."""
    for empty in ("[]", "list()"):
        source = f"def f(xs):\n    out = {empty}\n    {loop}\n    return out\n"
        assert only(RULE, source) == f"def f(xs):\n    out = {comprehension}\n    return out\n"


def test_behaviour_is_the_same():
    """The comprehension makes the same list in the same order."""
    source = """
        def f(rows, least):
            found = []
            for row in rows:
                for number, cell in enumerate(row):
                    if cell >= least:
                        found.append((number, cell))
            return found
    """
    arguments = ([[1, 5], [], [7, 2, 9]], 5)
    expected = [(1, 5), (0, 7), (2, 9)]
    assert executed(source)["f"](*arguments) == expected
    assert executed(only(RULE, source))["f"](*arguments) == expected


def test_statements_between_are_kept():
    """What stands between the empty list and the loop stays, and the loop may depend on it."""
    source = """\
        def f(xs):
            # The result.
            out = []  # empty
            least = min(xs)

            # Go.
            for x in xs:
                out.append(x - least)
            return out
    """
    code = only(RULE, source)
    assert code == (
        "def f(xs):\n    # The result.\n    least = min(xs)\n\n    # Go.\n"
        "    out = [x - least for x in xs]  # empty\n    return out\n"
    )
    assert executed(code)["f"]([3, 5]) == [0, 2]


@pytest.mark.parametrize(
    "body",
    [
        pytest.param("out = [1]\n    for x in xs: out.append(x)", id="not empty"),
        pytest.param("out = set()\n    for x in xs: out.append(x)", id="not a list"),
        pytest.param("out = []\n    g(out)\n    for x in xs: out.append(x)", id="used before"),
        pytest.param("out = []\n    for x in xs: out.append(len(out))", id="read in the loop"),
        pytest.param("out = []\n    for x in xs: out.extend(x)", id="not an append"),
        pytest.param("out = []\n    for x in xs: out.append(*x)", id="star"),
        pytest.param("out = []\n    for x in xs: out.append(x); g(x)", id="two statements"),
        pytest.param("out = []\n    for x in xs: y = out.append(x)", id="result is kept"),
        pytest.param("out = []\n    for x in xs: out.append(x)\n    else: g()", id="loop else"),
        pytest.param(
            "out = []\n    for x in xs:\n        if x: out.append(x)\n        else: g()",
            id="if else",
        ),
        pytest.param("out = []\n    for x.y in xs: out.append(x)", id="attribute as variable"),
        pytest.param("out = []\n    for x in xs: out.append((yield x))", id="yield"),
        pytest.param("out = []\n    for x in (y := xs): out.append(x)", id="walrus"),
        pytest.param("out = []\n    while xs: out.append(xs.pop())", id="while"),
        pytest.param(
            "out = []\n    for x in xs:\n        # Why.\n        out.append(x)", id="comment"
        ),
        pytest.param("a = out = []\n    for x in xs: out.append(x)", id="two names"),
    ],
)
def test_other_loops_are_left_alone(body):
    """A loop that does more, or has a comment that would be lost, is not touched."""
    assert rewritten(RULE, f"def f(xs):\n    {body}\n    return out\n") == []


def test_async_functions_are_left_alone():
    """Nothing inside an async function is rewritten."""
    source = (
        "async def f(xs):\n    out = []\n    async for x in xs: out.append(x)\n    return out\n"
    )
    assert rewritten(RULE, source) == []


def test_class_bodies_are_left_alone():
    """A comprehension in a class body would not see the names of the class."""
    source = "class C:\n    xs = [1]\n    out = []\n    for x in xs: out.append(x)\n"
    assert rewritten(RULE, source) == []
