"""One function or class may change, and not one byte around it."""

from __future__ import annotations

import ast

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.harness import symbols
from pytest_autoloop.model import Decision

SOURCE = b'''\
import os

LIMIT = 3


@staticmethod
def first(x):
    return x + x
    # in two steps


class Parser:
    """Parses."""

    def feed(self, text):
        def inner():
            return text

        return inner()

    def close(self):
        pass


if LIMIT:
    def guarded():
        return 1
    after = 2
'''
FIRST = b"@staticmethod\ndef first(x):\n    return x + x\n    # in two steps\n"
FEED = b"""\
    def feed(self, text):
        def inner():
            return text

        return inner()
"""


def refusal(content: bytes, symbol: str = "first", source: bytes = SOURCE) -> str:
    """Return why a proposal is out of scope; empty when it is not."""
    decision = symbols.refuse(content, source, symbol)
    if decision is None:
        return ""
    assert (decision.status, decision.reason) == ("discard", "out-of-scope")
    assert decision.detail.startswith(f"only {symbol} may change (lines ")
    return decision.detail


@pytest.mark.parametrize(
    ("symbol", "lines", "begins"),
    [
        ("first", (6, 9), b"@staticmethod"),
        ("Parser", (12, 22), b"class Parser:"),
        ("Parser.feed", (15, 19), b"    def feed"),
        ("Parser.feed.inner", (16, 17), b"        def inner"),
        ("guarded", (26, 27), b"    def guarded"),
    ],
)
def test_a_symbol_has_its_lines(symbol: str, lines: tuple[int, int], begins: bytes) -> None:
    """Decorators and the comments that end a body belong to it; all parts make the file."""
    part = symbols.locate(SOURCE, symbol, "a.py")
    assert (part.first, part.last) == lines
    assert part.inside.startswith(begins)
    assert part.before + part.inside + part.after == SOURCE
    assert symbols.outside(SOURCE, symbol, "a.py") == part.before + part.after


@pytest.mark.parametrize(
    ("symbol", "path", "source", "says"),
    [
        ("frist", "a.py", SOURCE, "a.py::frist: a.py defines no frist; did you mean first?"),
        ("feed", "a.py", SOURCE, "defines no feed; did you mean Parser.feed?"),
        ("zzz", "a.py", SOURCE, "defines no zzz: it defines first, "),
        ("f", "a.py", b"x = 1\n", "nor any other function or class: name the file alone"),
        ("f", "a.py", b"def f(): 1\n\ndef f(): 2\n", "defines f 2 times (lines 1, 3): name"),
        ("f", "a.py", b"def f(:\n", "a.py is not Python (invalid syntax"),
        ("f", "a.txt", b"def f(): 1\n", "can be named in a Python file alone; name the file"),
    ],
)
def test_what_is_not_there_once_is_refused(
    symbol: str, path: str, source: bytes, says: str
) -> None:
    """The message names the target and what could have been meant."""
    with pytest.raises(UsageError) as caught:
        symbols.locate(source, symbol, path)
    assert says in str(caught.value)


def test_a_path_and_a_symbol_are_split() -> None:
    """Two colons separate them; what stands behind has to be a name."""
    assert symbols.split("a/b.py") == ("a/b.py", "")
    assert symbols.split("a/b.py::C.d") == ("a/b.py", "C.d")
    for wrong in ("a.py::", "a.py::f()", "a.py::f::g", "a.py::f."):
        with pytest.raises(UsageError, match="names no function or class"):
            symbols.split(wrong)


@pytest.mark.parametrize(
    ("symbol", "old", "new"),
    [
        ("first", b"x + x", b"2 * x"),
        ("first", FIRST, b"async def first(x): return 2 * x\n"),
        ("first", b"@staticmethod\n", b"@staticmethod\n# why\n@other\n"),
        ("first", b"    # in two steps\n", b""),
        ("first", b"    # in two steps\n", b"    # in\n\n    # many\n"),
        ("Parser.feed", FEED, b"    def feed(self, text): import re; return text\n"),
        ("Parser", b"class Parser:", b"class Parser(dict):"),
        ("guarded", b"return 1", b"return 1; print()"),
    ],
)
def test_what_stays_inside_is_allowed(symbol: str, old: bytes, new: bytes) -> None:
    """Signature, decorators, comments and length are the symbol's own."""
    assert SOURCE.count(old) == 1
    assert refusal(SOURCE.replace(old, new), symbol) == ""


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (b"import os\n", b"import os\nimport sys\n", "line 2 was '\\n', now 'import sys\\n'"),
        (b"import os\n", b"# a\nimport os\n", "line 1 was 'import os\\n', now '# a\\n'"),
        (b"LIMIT = 3\n", b"LIMIT = 4\n", "line 3 was 'LIMIT = 3\\n'"),
        (b"LIMIT = 3\n", b"LIMIT = 3\r\n", "now 'LIMIT = 3\\r\\n'"),
        (FIRST, FIRST + b"first = 1\n", "line 10 was '\\n', now 'first = 1\\n'"),
        (FIRST, FIRST + b"\n", "line 12 was 'class Parser:\\n', now '\\n'"),
        (FIRST, b"# new\n" + FIRST, "line 6 is new, '# new\\n'"),
        (FIRST, b"def first(x): pass\nx = 1\n", "line 7 was '\\n', now 'x = 1\\n'"),
        (FIRST, FIRST + b"# outside\n", "now '# outside\\n'"),
        (FIRST, b"def other(x):\n    return x\n", "it is gone from the proposal"),
        (FIRST, b"first = lambda x: x\n", "it is gone from the proposal"),
        (FIRST, b"", "it is gone from the proposal"),
        (FIRST, FIRST + FIRST, "the proposal defines it 2 times (lines 7, 11)"),
        (b"    after = 2\n", b"    after = 2\n\n", "line 29 is new, '\\n'"),
        (b"    after = 2\n", b"", "line 28 was '    after = 2\\n', and is missing"),
        (b"    after = 2\n", b"    after = 2", "now '    after = 2'"),
        (b"pass\n", b"pass\n    def first(self): pass\n", "def first(self)"),
    ],
)
def test_any_byte_elsewhere_is_out_of_scope(old: bytes, new: bytes, says: str) -> None:
    """The detail names the first line that changed, as it was and as it is."""
    assert SOURCE.count(old) == 1
    assert says in refusal(SOURCE.replace(old, new))


@pytest.mark.parametrize(
    ("symbol", "old", "new", "name"),
    [
        ("first", b"return x + x", b"global LIMIT; LIMIT = 9; return x", "LIMIT"),
        (
            "first",
            b"return x + x",
            b"def deep():\n        global os\n        import re as os",
            "os",
        ),
        ("first", b"def first(x)", b"def first(x, y=(LIMIT := 9))", "LIMIT"),
        ("first", b"def first(x)", b"def first(x) -> (Parser := dict)", "Parser"),
        ("first", b"@staticmethod", b"@(staticmethod := list)", "staticmethod"),
        ("Parser", b"class Parser", b"class Parser(LIMIT := dict)", "LIMIT"),
        ("Parser.feed", b"(self, text)", b"(self, text, y=(close := print))", "close"),
    ],
)
def test_a_name_that_is_used_around_it_stays(
    symbol: str, old: bytes, new: bytes, name: str
) -> None:
    """From inside a name outside can be bound anew, which changes what stands there."""
    source = SOURCE.replace(b"LIMIT:\n", b"LIMIT and not staticmethod:\n")
    assert old in source
    changed = source.replace(old, new, 1)
    assert f"binds {name} anew" in refusal(changed, symbol, source)
    # What it binds already, and what is of no use elsewhere, are its own.
    assert refusal(changed, symbol, changed) == ""
    own = b"global _seen; _seen = x; return x"
    assert refusal(SOURCE.replace(b"return x + x", own)) == ""


def test_a_symbol_that_moves_is_out_of_scope() -> None:
    """The same lines at another place of the file are a change of what was there."""
    moved = SOURCE.replace(FIRST, b"").replace(b"LIMIT = 3\n", b"LIMIT = 3\n" + FIRST)
    assert "line 4 is" in refusal(moved) or "line 4 was" in refusal(moved)


def test_a_symbol_that_leaves_its_block_is_out_of_scope() -> None:
    """No byte around it differs, but what is around it no longer holds it."""
    source = b"if LIMIT:\n    before = 1\n    def f():\n        return 1\nafter = 2\n"
    content = source.replace(b"    def f():\n        return 1\n", b"def f():\n    return 2\n")
    assert "line 3: the proposal moves it into or out of a block" in refusal(content, "f", source)


def test_a_method_cannot_leave_its_class_behind() -> None:
    """A class that ends early, with another one that takes over what follows, is noticed."""
    sly = b"    def feed(self, text): pass\nclass Other:\n"
    assert "now 'class Other:" in refusal(SOURCE.replace(FEED, sly), "Parser.feed")


@pytest.mark.parametrize("ending", [b"\n", b"\r\n", b"\r"])
def test_every_line_end_counts_as_one(ending: bytes) -> None:
    """Lines are those that Python sees; form feeds and odd spaces end none."""
    source = SOURCE.replace(b"LIMIT = 3", b"LIMIT = '\x0b\x1c\xc2\x85\xe2\x80\xa8'")
    source = source.replace(b"\n", ending)
    assert refusal(source.replace(b"x + x", b"2 * x"), source=source) == ""
    assert "LIMIT" in refusal(source.replace(b"LIMIT = '", b"LIMIT = ' "), source=source)


def test_other_encodings_are_read_by_their_bytes() -> None:
    """A file in Latin-1 keeps its bytes, and no comment may give it another encoding."""
    source = b"def f():\n    return 1\n\nx = '\xe4'\n"
    declared = b"# coding: latin-1\n" + source
    assert refusal(declared.replace(b"return 1", b"return '\xfc'"), "f", declared) == ""
    assert "line 4" not in refusal(declared.replace(b"\xe4", b"\xe5"), "f", declared)
    assert "line 5 was" in refusal(declared.replace(b"\xe4", b"\xe5"), "f", declared)
    marked = b"\xef\xbb\xbf" + b"def f():\n    return 1\n"
    assert "line 1: the proposal has another encoding" in refusal(marked[3:], "f", marked)


def test_the_end_of_the_file_may_be_the_symbol_s() -> None:
    """Where it is last, so is its line end; a blank line behind it is not."""
    source = b"def f():\n    return 1"
    assert refusal(source + b"\n", "f", source) == ""
    assert "line 3 is new" in refusal(source + b"\n\n", "f", source)
    one_line = b"def f(): pass; x = 1\n"
    assert refusal(b"def f(): return 3\n", "f", one_line) == ""
    assert "x = 1" in refusal(b"def f(): pass\nx = 1\n", "f", one_line)


def test_what_is_no_python_is_left_to_others() -> None:
    """A candidate that does not parse is no change of scope, and neither is one too deep."""
    for content in (b"def first(:\n", b"\xff", b"x = " + b"(" * 100_000):
        assert symbols.refuse(content, SOURCE, "first") is None


def test_warnings_of_a_candidate_are_not_ours(recwarn: pytest.WarningsRecorder) -> None:
    """What Python only warns about is for the child session to show."""
    assert refusal(SOURCE.replace(b"x + x", b'x + "\\d"')) == ""
    assert not list(recwarn)


@pytest.mark.parametrize(
    ("symbol", "call"), [("first", "first(1)"), ("Parser", "Parser().close()")]
)
def test_an_unusable_symbol_fails_when_it_is_used(symbol: str, call: str) -> None:
    """The module can be imported, so that tests of anything else in it pass."""
    names: dict[str, object] = {}
    exec(compile(symbols.unusable(SOURCE, symbol, "told"), "a.py", "exec"), names)
    with pytest.raises(RuntimeError, match="told"):
        eval(call, names)


def test_an_unusable_class_without_methods_fails_at_once() -> None:
    """There is nothing in it that could be called."""
    content = symbols.unusable(b"class A:\n    x = 1\n", "A", "told")
    assert isinstance(ast.parse(content).body[0], ast.ClassDef)
    with pytest.raises(RuntimeError, match="told"):
        exec(compile(content, "a.py", "exec"), {})


def test_the_refusal_is_a_decision() -> None:
    """It is never an exception, whatever the candidate holds."""
    assert isinstance(symbols.refuse(b"", SOURCE, "first"), Decision)
