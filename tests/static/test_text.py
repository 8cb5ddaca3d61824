"""What the screen says of a file as text, and what it survives."""

from __future__ import annotations

import ast
import sys
import sysconfig
import warnings
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_autoloop.evaluation.static.facts import Findings
from pytest_autoloop.evaluation.static.screen import findings, news
from pytest_autoloop.evaluation.tripwire import COMPUTING

BASELINE = b"def f(x):\n    return x\n"
PIECES = (
    *("import os", "from . import a", "global x", "x", ".", "__class__", "(", ")", "[", "]", "="),
    *("def f():", "class A:", "lambda:", "match x:", "case", "\n", "    ", "{", "}", "'", '"', ","),
    *("\0", "\x0c", "\r", "\r\n", "\ufeff", "\ud800", "é", "#", "coding: latin-1", "async", ":="),
    *("nonlocal x", "f'{x!r}'", "*", "**", "@", "del ", "for x in", "if", "else", "type T = int"),
)


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"x = 1\n" * 20_000, "has 120000 bytes: a candidate may have"),
        (b"x = 1\n" * 1000, "has 6000 bytes, more than 4 times"),
        (b"x = '" + b"a" * 600 + b"'\n", "has a line of 606 characters"),
        (b"\xef\xbb\xbfx = 1\n", "begins with a byte order mark"),
        (b"# coding: latin-1\nx = 1\n", "declares the encoding latin-1"),
        ("x = 'a\u202eb'\n".encode(), "holds the invisible character U+202E"),
        ("x = 'a\u200bb'\n".encode(), "holds the invisible character U+200B"),
        (b"x = 1 # a\rimport os\n", "holds the invisible character U+000D"),
        ("ｏpen = 1\n".encode(), "uses the name 'ｏpen', which is not ASCII"),
    ],
)
def test_text_that_hides_something_is_refused(content: bytes, what: str) -> None:
    """Size, long lines and characters without a picture; what the baseline has it may keep."""
    found = findings(content, BASELINE).hard
    assert [one.what for one in found if one.what.startswith(what)] != []
    assert findings(content, content).hard == ()


@pytest.mark.parametrize(
    "content", [b"x = 1\r\ny = 2\r\n", b"\x0cx = 1\n\tif x: y\n", "x = 'é ü 字 🙂'\n".encode(), b""]
)
def test_ordinary_text_passes(content: bytes) -> None:
    """Line ends of Windows, form feeds, and text in any language."""
    assert findings(content, BASELINE).hard == ()


@pytest.mark.parametrize("content", [b"def f(:", b"x = '\0'", b"\xff\xfe", b"# coding: nothing\n"])
def test_what_is_no_python_has_no_findings(content: bytes) -> None:
    """It is refused elsewhere, with the compiler's own words; as a baseline it allows nothing."""
    assert findings(content, BASELINE) == Findings()
    assert news(content, BASELINE) == ()
    assert findings(b"import os\n", content).hard != ()


@pytest.mark.parametrize("opening", ["-", "not ", "x.", "x+", "(", "[", "lambda:", "x if x else "])
@pytest.mark.parametrize("depth", [50, 90, 1000, 20_000])
def test_depth_is_never_a_way_past(opening: str, depth: int) -> None:
    """However deep a file is nested: what else is in it is found, or nothing compiles."""
    closing = {"(": ")", "[": "]"}.get(opening, "")
    source = f"import os\ny = {opening * depth}x{closing * depth}\n".encode()
    refused = findings(source, BASELINE).hard != ()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "x", "exec")
        except (SyntaxError, RecursionError, MemoryError):
            return
    assert refused


def test_what_cannot_be_read_for_depth_is_refused() -> None:
    """A parser that gives up where a compiler need not must not let the rest of a file pass."""
    source = f"import os\ny = {'-' * 1000}1\n".encode()

    def called_at(depth: int) -> Findings:
        return called_at(depth - 1) if depth else findings(source, BASELINE)

    assert findings(source, BASELINE).hard != ()
    assert called_at(sys.getrecursionlimit() * 3 // 4).hard != ()


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_no_bytes_raise(candidate: bytes, baseline: bytes) -> None:
    """Whatever a proposer sends has findings or none."""
    findings(candidate, baseline)
    news(candidate, baseline)


@given(st.lists(st.sampled_from(PIECES), max_size=30))
def test_no_pieces_of_python_raise(pieces: list[str]) -> None:
    """Text that is nearly Python, with every odd character in it."""
    candidate = " ".join(pieces).encode("utf-8", "surrogatepass")
    found = findings(candidate, BASELINE)
    news(candidate, BASELINE)
    assert findings(candidate, candidate).hard == ()
    lines = candidate.count(b"\n") + candidate.count(b"\r") + candidate.count(b"\x0c") + 1
    assert all(1 <= one.line <= lines and one.what for one in found.hard)


@pytest.mark.parametrize("name", sorted(COMPUTING & set(sys.stdlib_module_names)))
def test_python_s_own_modules_hold_nothing_against_themselves(name: str) -> None:
    """A file that is its own baseline has nothing new, even with other names for its variables."""
    home = Path(sysconfig.get_path("stdlib"))
    path = next(
        (one for one in (home / f"{name}.py", home / name / "__init__.py") if one.exists()), None
    )
    if path is None:
        assert name in sys.builtin_module_names or "." not in name
        return
    content = path.read_bytes()
    assert findings(content, content) == Findings()
    assert news(content, content) == ()
    again = ast.unparse(ast.parse(content)).encode()
    assert [one for one in findings(again, content).hard if "a line of" not in one.what] == []
