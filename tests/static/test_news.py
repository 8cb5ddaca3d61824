"""What the reader of a kept change is told."""

from __future__ import annotations

import pytest

from pytest_autoloop.evaluation.static.screen import findings, news

BASELINE = b"import re\nTABLE = {}\ndef f(x):\n    return x\n"

TOLD = {
    "import": ("import heapq", "imports heapq"),
    "import from": ("from collections import abc", "imports collections"),
    "sibling": ("from . import a", "imports .a"),
    "cache": ("import functools\n@functools.cache\ndef g(): ...", "gives g a cache that may live"),
    "cache by call": (
        "from functools import lru_cache as c\ng = c(4)(f)",
        "makes a cache that may",
    ),
    "container": ("M = []\ndef g(x): M.append(x)", "changes M, which lives across calls"),
    "item": ("M = {}\ndef g(x): M[x] = 1", "changes M, which lives across calls"),
    "attribute": ("def g(x): g.last = x", "changes g, which lives across calls"),
    "global": ("def g(x):\n    global n\n    n = x", "sets n, which lives across calls"),
    "default": ("def g(x, m={}): m[x] = 1", "changes m, a default value"),
    "class": ("class A:\n    memory = {}", "keeps A.memory, which all its objects share"),
    "method": ("class A:\n    def __eq__(self, o): return True", "defines A.__eq__"),
    "code at import": ("f(3)", "calls f at import"),
    "loop at import": ("for i in []: pass", "runs a for statement at import"),
    "table": (f"T = {list(range(65))}", "holds a table of 65 entries"),
    "threads": (
        "from concurrent.futures import ThreadPoolExecutor as T\ndef g(): T()",
        "starts threads",
    ),
}


@pytest.mark.parametrize(("source", "what"), TOLD.values(), ids=TOLD)
def test_what_is_new_is_told(source: str, what: str) -> None:
    """One line each, with the line of the candidate, and never twice for the baseline's own."""
    lines = news(BASELINE + source.encode(), BASELINE)
    assert [line for line in lines if line.partition(": ")[2].startswith(what)] != []
    assert all(line.startswith("line ") and "\n" not in line for line in lines)
    assert news(b"\n" + BASELINE + source.encode(), BASELINE + source.encode()) == ()


@pytest.mark.parametrize(
    "source",
    [
        "def g(x):\n    M = []\n    M.append(x)\n    return M",
        "T = {i: i for i in range(100)}",
        "def g(x, m=None):\n    m = {}\n    m[x] = 1",
        "import re\ndef g(x): return re.sub('a', 'b', x)",
    ],
)
def test_what_ends_with_a_call_is_no_news(source: str) -> None:
    """Containers of a call's own, small tables made by a rule, modules that were there."""
    assert news(BASELINE + source.encode(), BASELINE) == ()


def test_soft_findings_never_refuse() -> None:
    """A cache or a table is the reader's to judge: other stages measure whether it cheats."""
    for source, _ in TOLD.values():
        if "import" not in source.split():
            assert findings(BASELINE + source.encode(), BASELINE).hard == ()
