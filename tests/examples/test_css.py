"""The example `css`: a smaller stylesheet that means the same."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING, Any

import pytest

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.projects import Project


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str, str], bool]]:
    """Return the comparison that the example's guards make."""
    pytest.importorskip("tinycss2", reason="the example needs tinycss2 (extra examples)")
    monkeypatch.syspath_prepend(EXAMPLES / "css" / "tests")
    module: Any = importlib.import_module("meaning")
    yield lambda one, other: module.meaning(one.encode()) == module.meaning(other.encode())
    for name in ("meaning", "values"):
        del sys.modules[name]


def test_what_means_the_same_is_kept_and_all_else_refused(
    example: Callable[[str], Project],
) -> None:
    """Each guard refuses the mistake that it is there for; four ideas make the file smaller."""
    project = example("css")
    session = project.autoloop(9)

    assert session.returncode == 0, session.output
    baseline, *rows = session.journal
    decided = [(row["status"], row["reason"]) for row in rows]
    kept, guard, nothing = ("keep", ""), ("discard", "guard"), ("discard", "no-gain")
    assert decided == [kept, guard, kept, guard, kept, guard, guard, nothing, kept]
    assert rows[-1]["metrics"]["size"] < 0.7 * baseline["metrics"]["size"]
    assert rows[-1]["metrics"]["gzipped"] < baseline["metrics"]["gzipped"]
    lines = {line.partition("autoloop::")[2][:3]: line for line in session.output.splitlines()}
    assert "test_no_declaration_is_lost_or_changed" in lines["002"]
    assert "test_what_overrules_still_does" in lines["006"]


def test_its_guards_pass_untouched(example: Callable[[str], Project]) -> None:
    """Plain pytest passes; without its licence the stylesheet is refused."""
    project = example("css")
    passed = project.pytest("-q")
    assert passed.returncode == 0, passed.output

    style = project.root / "style.css"
    style.write_bytes(style.read_bytes().replace(b"/*! Lantern", b"/* Lantern"))
    failed = project.pytest("-q", "-rf")
    assert "test_licences_and_statements_stay" in failed.output
    assert "1 failed, 3 passed" in failed.output


SAME = [
    ("a{color:#ff0000}", "a { color : red; }"),
    ("a{color:rgb(255, 0, 0)}", "a{color:#f00}"),
    ("a{margin:0px 0px}", "a{margin:0}"),
    ("a{margin:1px 2px 1px 2px}", "a{margin:1px 2px}"),
    ("a{margin:1px;margin-top:2px}", "a{margin:2px 1px 1px}"),
    ("a{width:0.50em}", "a{width:.5em}"),
    ("a{font-weight:bold}", "a{font-weight:700}"),
    ("a{color:red}b{color:red}", "a,b{color:red}"),
    ("a{color:red}.b{color:blue}", ".b{color:blue}a{color:red}"),
    ("a{color:red;color:blue}", "a{color:blue}"),
    ("a{color:red}b{top:0}", "b{top:0}a{color:red}"),
    ("a > b{top:0}", "a>b{top:0}"),
    ("@media (max-width: 9px){a{top:0}}", "@media (max-width:9px){a{top:0}}"),
    ("@keyframes x{from{top:0}to{top:1px}}", "@keyframes x{0%{top:0}100%{top:1px}}"),
    ("a{border:0;border-radius:1px}", "a{border-radius:1px;border:0}"),
    ("a{} b{top:0}/* why */", "b{top:0}"),
]

DIFFERENT = [
    ("a{color:red}", "a{color:#f01}"),
    ("a{color:red}", "a{color:red!important}"),
    (".a{color:red}.b{color:blue}", ".b{color:blue}.a{color:red}"),
    ("a{border:0;border-top:1px solid}", "a{border-top:1px solid;border:0}"),
    ("a{font:1em x;line-height:2}", "a{line-height:2;font:1em x}"),
    ("a{top:0}@media print{a{top:1px}}", "@media print{a{top:1px}}a{top:0}"),
    ("a{display:block;display:flex}", "a{display:flex}"),
    ("a{color:red;color:var(--x)}", "a{color:var(--x)}"),
    ("a{transition:top 0s}", "a{transition:top 0}"),
    ("a{width:calc(0px + 1em)}", "a{width:calc(0 + 1em)}"),
    ("a{width:0%}", "a{width:0}"),
    ("a{flex:1 1 0px}", "a{flex:1 1 0}"),
    ("a :hover{top:0}", "a:hover{top:0}"),
    ("a b{top:0}", "a>b{top:0}"),
    ("a{top:0}", "@media print{a{top:0}}"),
    ("a::-moz-x{top:0}a::x{top:0}", "a::-moz-x,a::x{top:0}"),
    ("a{content:'a  b'}", "a{content:'a b'}"),
    (":root{--x:#ffffff}", ":root{--x:#fff}"),
    ("/*! mine */a{top:0}", "a{top:0}"),
    ("@import url(x.css);a{top:0}", "a{top:0}"),
    ("@media screen and (min-width:1px){a{top:0}}", "@media screen and(min-width:1px){a{top:0}}"),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_shorter_ways_to_say_it_are_the_same(
    one: str, other: str, compare: Callable[[str, str], bool]
) -> None:
    """Colours, zeros, sides, merged rules and order without a rival make no difference."""
    assert compare(one, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_changes_a_page_is_different(
    one: str, other: str, compare: Callable[[str, str], bool]
) -> None:
    """A lost fallback, a turned order, a unit that means something, another selector."""
    assert not compare(one, other)


@pytest.mark.parametrize("css", ["@layer x{a{top:0}}", "a{b{top:0}}", "a{all:unset}", "a{top}"])
def test_what_is_not_understood_is_an_error(css: str, compare: Callable[[str, str], bool]) -> None:
    """Nothing is compared by halves."""
    with pytest.raises(ValueError, match="line 1"):
        compare(css, css)
