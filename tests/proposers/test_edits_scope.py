"""Which other file a reply means to edit."""

from __future__ import annotations

import pytest

from pytest_autoloop.proposers.scope import other_path

TARGET = "src/pkg/parser.py"
SOURCE = b"x = 1\n"
LONG = b"x = 1\n" * 300
BLOCK = "<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n"
FENCE = "```python\nx = 2\n```\n"
#: Lines that name a file above a block or a fence, and what they name.
LABELS = {
    "tests/test_a.py": "tests/test_a.py",
    "tests/test_a.py:": "tests/test_a.py",
    "`tests/test_a.py`": "tests/test_a.py",
    "**tests/test_a.py**": "tests/test_a.py",
    "### tests/test_a.py": "tests/test_a.py",
    "# tests/test_a.py": "tests/test_a.py",
    "File: tests/test_a.py": "tests/test_a.py",
    "**File:** `tests/test_a.py`": "tests/test_a.py",
    "filename: conftest.py": "conftest.py",
    "File path: Makefile.am": "Makefile.am",
    "conftest.py": "conftest.py",
    "pyproject.toml": "pyproject.toml",
    "src/pkg/other.py": "src/pkg/other.py",
    "src/fast/scan.c": "src/fast/scan.c",
    "../parser2.py": "../parser2.py",
    "### `tests/test_a.py` (new):": "tests/test_a.py",
    "**tests/test_a.py** (updated)": "tests/test_a.py",
    "File: Makefile": "Makefile",
    "vendor/src/pkg/parser.py": "vendor/src/pkg/parser.py",
    "./vendor/src/pkg/parser.py": "./vendor/src/pkg/parser.py",
    "../src/pkg/parser.py": "../src/pkg/parser.py",
    "a/b/src/pkg/parser.py": "a/b/src/pkg/parser.py",
    "tests/parser.py": "tests/parser.py",
}
#: Lines that name the target, or no file for sure.
DOUBTFUL = [
    TARGET,
    "parser.py",
    "pkg/parser.py:",
    "./src/pkg/parser.py",
    "/home/me/project/src/pkg/parser.py",
    "a/src/pkg/parser.py",
    "File: src/pkg/parser.py",
    "File: parser",
    "b/src/pkg/parser.py (new)",
    "`self.lock` (new):",
    "Makefile",
    "np.sort",
    "`self.c`:",
    "`self.lock`:",
    "response.json:",
    "and/or",
    "Before/after:",
    "e.g.",
    "v1.2",
    "The test in tests/test_a.py calls it:",
    "See tests/test_a.py and conftest.py",
    "https://example.org/a.py",
    "x" * 10_000 + ".py",
    "",
]


@pytest.mark.parametrize("content", [BLOCK, FENCE, f"```python\n{BLOCK}```\n"])
@pytest.mark.parametrize("gap", ["", "\n"])
@pytest.mark.parametrize("label", LABELS)
def test_path_above_a_block_or_fence_names_its_file(label, gap, content):
    """A path that stands alone says which file is meant, however it is set off."""
    reply = f"DESCRIPTION: faster\n\n{label}\n{gap}{content}"
    assert other_path(reply, SOURCE, TARGET) == LABELS[label]


@pytest.mark.parametrize("content", [BLOCK, FENCE])
@pytest.mark.parametrize("label", DOUBTFUL)
def test_in_doubt_nothing_else_is_meant(label, content):
    """The target under another root, an attribute, a version or a sentence name no other file."""
    assert other_path(f"DESCRIPTION: faster\n{label}\n{content}", SOURCE, TARGET) == ""


@pytest.mark.parametrize(
    ("info", "expected"),
    [
        ("python tests/test_a.py", "tests/test_a.py"),
        ("python:tests/test_a.py", "tests/test_a.py"),
        ("tests/test_a.py", "tests/test_a.py"),
        ("conftest.py", "conftest.py"),
        ('python title="setup.cfg"', "setup.cfg"),
        ("python {filename=tests/data.json}", "tests/data.json"),
        ("python", ""),
        ("python3.11", ""),
        ("c++", ""),
        ("node.js", ""),
        ("text/x-python", ""),
        ("python src/pkg/parser.py", ""),
        ('python title="parser.py"', ""),
    ],
)
def test_path_in_the_info_string_names_the_file(info, expected):
    """A fence may say itself which file it holds."""
    assert other_path(f"DESCRIPTION: faster\n\n```{info}\nx = 2\n```\n", SOURCE, TARGET) == expected


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        ("# tests/test_a.py", "tests/test_a.py"),
        ("// src/fast/scan.c", "src/fast/scan.c"),
        ("/* src/fast/scan.c */", "src/fast/scan.c"),
        ("# file: conftest.py", "conftest.py"),
        ("# src/pkg/parser.py", ""),
        ("# parser.py", ""),
        ("# See tests/test_a.py", ""),
        ("# " + "x" * 10_000, ""),
        ("tests/test_a.py", ""),
        ("#!/usr/bin/env python", ""),
    ],
)
def test_comment_that_begins_a_whole_file_names_it(first, expected):
    """Some write the path into the file, as its first line."""
    reply = f"DESCRIPTION: faster\n\n```python\n{first}\nx = 2\n```\n"
    assert other_path(reply, SOURCE, TARGET) == expected
    # The source's own first line, a command and code in blocks say nothing.
    assert other_path(reply, first.encode() + b"\nx = 1\n", TARGET) == ""
    assert other_path(reply.replace("```python", "```bash"), SOURCE, TARGET) == ""
    assert other_path(reply + BLOCK, SOURCE, TARGET) == ""


def test_path_between_fence_and_block_names_the_file():
    """Some write the path into the fence, above the block."""
    reply = f"```python\ntests/test_a.py\n{BLOCK}```\n"
    assert other_path(reply, LONG, TARGET) == "tests/test_a.py"


def test_one_other_file_among_several_is_enough():
    """A reply of several files is refused whole."""
    reply = f"{TARGET}\n{BLOCK}\ntests/test_a.py\n{BLOCK}"
    assert other_path(reply, LONG, TARGET) == "tests/test_a.py"
    assert other_path(f"{TARGET}\n{BLOCK}\n{TARGET}\n{BLOCK}", LONG, TARGET) == ""


@pytest.mark.parametrize(
    "reply",
    [
        f"````markdown\ntests/test_a.py\n{FENCE}````\n",
        BLOCK.replace("x = 2\n", f"tests/test_a.py\n{FENCE}"),
        f"~~~\ntests/test_a.py\n\n{FENCE}~~~\n",
    ],
)
def test_content_names_nothing(reply):
    """What stands inside a block or fence is the target's text, whatever it looks like."""
    assert other_path(reply, SOURCE, TARGET) == ""


def test_windows_line_ends_make_no_difference():
    """Line ends of the reply are the server's affair."""
    reply = f"tests/test_a.py\n{FENCE}".replace("\n", "\r\n")
    assert other_path(reply, SOURCE, TARGET) == "tests/test_a.py"
