"""What holds of every rewrite, whatever the program."""

from __future__ import annotations

from textwrap import indent

import libcst as cst
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_autoloop.model import Brief, Target
from pytest_autoloop.proposers.rules import RulesProposer
from pytest_autoloop.proposers.rules.catalogue import RULES
from tests.proposers import test_rules_expressions as expressions
from tests.proposers import test_rules_statements as whole_statements

EXAMPLES = 80
NAMES = st.sampled_from(["a", "b", "xs", "ys", "self", "out", "total", "math", "re", "list"])
ATOMS = st.one_of(NAMES, st.sampled_from(["0", "1", "2", "0.5", "'a'", "''", "[]", "{}", "xs[a]"]))
EXPRESSIONS = st.recursive(
    ATOMS,
    lambda inner: st.one_of(
        st.builds(
            "{1} {0} {2}".format,
            st.sampled_from(["+", "-", "*", "/", "//", "%", "**", "==", "<", "in", "or", "and"]),
            inner,
            inner,
        ),
        st.builds("({})".format, inner),
        st.builds(
            "{0}({1})".format,
            st.sampled_from(["len", "min", "sorted", "list", "set", "any", "sum", "int", "bin"]),
            inner,
        ),
        st.builds(
            "{0}({1}, {2})".format, st.sampled_from(["min", "math.log", "pow"]), inner, inner
        ),
        st.builds("[{0} for {2} in {1}]".format, inner, inner, NAMES),
        st.builds("sum({0} for a in ({1}) if ({2}))".format, inner, inner, inner),
        st.builds("({0} if {1} else {2})".format, inner, inner, inner),
        st.builds("sorted({0})[{1}]".format, inner, st.sampled_from(["0", "-1", ":3", "a"])),
        st.builds("list(map(lambda a: ({0}), {1}))".format, inner, inner),
        st.builds("({0}).{1}".format, inner, st.sampled_from(["keys()", "split()[0]", "a", "a.b"])),
        st.builds("f'{{{0}}}'".format, st.sampled_from(["a ** 2", "xs", "dict(a=1)"])),
    ),
    max_leaves=6,
)
LINES = st.one_of(
    st.builds("{0} = {1}  # why".format, NAMES, EXPRESSIONS),
    st.builds("{0} = {1}".format, NAMES, st.sampled_from(["0", "1", "[]", "{}", "''", "False"])),
    st.builds("{0} {1} {2}".format, NAMES, st.sampled_from(["+=", "*="]), EXPRESSIONS),
    st.builds("{0} = {0} + [{1}]".format, NAMES, EXPRESSIONS),
    st.builds("{0}.append({1}); {0}.sort()".format, NAMES, EXPRESSIONS),
    st.builds("{0}[{1}] = {0}.get({1}, 0) + 1".format, NAMES, ATOMS),
    st.builds("{0}.pop(0)".format, NAMES),
    st.builds("{0}, {1} = {1}, {0} % {1}".format, NAMES, NAMES),
    st.builds("return {0}".format, st.one_of(EXPRESSIONS, st.sampled_from(["True", "f(a, b)"]))),
    st.builds("self.a = {0}".format, EXPRESSIONS),
)
HEADERS = st.one_of(
    st.builds("for {0} in {1}:".format, NAMES, EXPRESSIONS),
    st.builds("for {0} in range(len({1})):".format, NAMES, NAMES),
    st.builds("for {0} in range(2, {1}):".format, NAMES, NAMES),
    st.builds("while {0}:  # again".format, EXPRESSIONS),
    st.builds("while {0} < {1}:".format, NAMES, NAMES),
    st.builds("if {0}:".format, EXPRESSIONS),
    st.builds("if {0} not in {1}:".format, NAMES, NAMES),
    st.just("if a % b == 0:"),
)


def _nested(header: str, body: list[str]) -> str:
    return "# Note.\n" + header + "\n" + indent("\n".join(body), "    ")


#: What the rules are looking for, and what only looks like it.
SNIPPETS = st.sampled_from(
    [
        *(body for _, body in whole_statements.LEFT_ALONE),
        *(f"y = {case[2]}" for case in [*expressions.CASES, *expressions.LEFT_ALONE]),
    ]
)
STATEMENTS = st.recursive(
    st.one_of(SNIPPETS, LINES),
    lambda inner: st.builds(_nested, HEADERS, st.lists(inner, min_size=1, max_size=3)),
    max_leaves=6,
)
FUNCTIONS = st.builds(
    "{0}f(a, b):\n{1}".format,
    st.sampled_from(["def ", "def ", "async def "]),
    st.lists(STATEMENTS, min_size=1, max_size=5).map(
        lambda lines: indent("\n".join(lines), "    ")
    ),
)
CLASSES = FUNCTIONS.map(
    lambda code: "class C:\n    def __init__(self):\n        self.a = 1\n\n" + indent(code, "    ")
)
SOURCES = st.sampled_from([str(case.values[1]) for case in whole_statements.CASES])
PROGRAMS = st.builds(
    "{0}\n{1}\n".format,
    st.sampled_from(["", "import math, re\n", "from copy import deepcopy\nimport copy\n"]),
    st.lists(st.one_of(FUNCTIONS, CLASSES, SOURCES, LINES), min_size=1, max_size=3).map("\n".join),
)


def is_python(code: str) -> bool:
    """Tell whether code can be compiled."""
    try:
        compile(code, "program", "exec")
    except (SyntaxError, SyntaxWarning):
        return False
    return True


def test_every_rewrite_is_python_and_changes_something():
    """Whatever the program, what a rule makes of it can be parsed and is another program."""
    rewritten: set[str] = set()

    @settings(max_examples=EXAMPLES, deadline=None, database=None, derandomize=True)
    @given(PROGRAMS.filter(is_python))
    def check(source: str) -> None:
        module = cst.parse_module(source)
        for rule in RULES:
            for rewrite in rule.find(module):
                code = rewrite.build().code
                compile(code, f"by {rule.name}", "exec")
                assert code != source, rule.name
                assert rewrite.places
                rewritten.add(rule.name)

    check()
    # The programs are such that the rules find something.
    assert len(rewritten) > 10


@settings(max_examples=EXAMPLES // 4, deadline=None, database=None, derandomize=True)
@given(PROGRAMS.filter(is_python))
def test_nothing_is_proposed_twice_in_a_run(source):
    """Whatever the program, each proposal is new, and there is an end to them."""
    proposer = RulesProposer(with_ruff=False)
    asked = Brief(1, Target("a.py", ""), source.encode(), readings=())
    contents = [asked.source]
    while (proposal := proposer.propose(asked)) is not None:
        contents.append(proposal.edits[0].content)
    assert len(set(contents)) == len(contents)
