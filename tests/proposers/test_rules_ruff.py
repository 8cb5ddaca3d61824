"""ruff as a source of rewrites."""

from __future__ import annotations

import importlib.util
import shutil
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.model import Brief, HotLine, Target
from pytest_autoloop.proposers.rules import RulesProposer, ruff
from pytest_autoloop.proposers.rules.proposer import candidates
from tests.proposers.test_rules_support import executed

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pytest_autoloop.model import Proposal

SOURCE = b'''\
"""Bits and logs."""
from math import log
import os


def entropy(xs, n):
    """Return much."""
    out = []
    for x in xs:
        if x in [1, 2, 3]:
            out.append(log(x, 2))
    return out, bin(n).count("1"), sorted(out)[0]


def doubled(xs):
    if xs == None: return []
    else:
        return set([x * 2 for x in xs])
'''
UNUSED = ("F401", "I001", "E711", "RET505", "D103")

needs_ruff = pytest.mark.skipif(ruff.find_ruff() is None, reason="ruff is not installed")
needs_scripts = pytest.mark.skipif(sys.platform == "win32", reason="runs a shell script")


def proposals() -> list[Proposal]:
    """Ask until there is no proposal left."""
    proposer = RulesProposer()
    asked = Brief(1, Target("a.py", "faster"), SOURCE, readings=())
    return list(iter(lambda: proposer.propose(asked), None))


def of_ruff(found: list[Proposal]) -> list[str]:
    """Return the descriptions of what ruff made."""
    return [one.description for one in found if one.description.startswith("ruff ")]


@pytest.fixture
def only_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Let a shell script stand in for ruff, the only one that can be found."""

    def install(script: str) -> Path:
        program = tmp_path / "ruff"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
        monkeypatch.setattr(ruff, "find_ruff", lambda: str(program))
        return program

    return install


@needs_ruff
def test_each_rule_of_ruff_is_one_candidate():
    """The fixes of one rule are made together, and nothing else is."""
    (fix,) = [fix for fix in ruff.fixes(SOURCE) if fix.code == "C403"]
    expected = SOURCE.replace(b"set([x * 2 for x in xs])", b"{x * 2 for x in xs}")
    assert fix.content() == expected
    assert fix.lines == ((18, 18),) * len(fix.lines)
    assert fix.description.startswith("ruff C403: ")
    assert fix.description.endswith(" in doubled")


@needs_ruff
def test_what_only_reads_better_is_left_out():
    """Unused imports, comparisons with None and superfluous elses are no candidates."""
    codes = {fix.code for fix in ruff.fixes(SOURCE)}
    assert {"C403", "FURB161", "FURB192", "PERF401", "PLR6201"} <= codes <= ruff.EXPECTED.keys()
    assert codes.isdisjoint(UNUSED)
    assert ruff.EXPECTED.keys().isdisjoint({*UNUSED, "FURB136", "PLR1730"})


@needs_ruff
def test_all_fixes_of_a_rule_are_described_as_one():
    """The description counts the places, and names the function where it is one."""
    source = b"def f(n, m):\n    return bin(n).count('1'), bin(m).count('1')\n"
    (fix,) = ruff.fixes(source)
    assert fix.description.endswith(" in f (2 places)")
    fixed = fix.content()
    assert fixed is not None
    assert executed(fixed.decode())["f"](3, 4) == (2, 1)


@needs_ruff
def test_fixes_stand_among_the_rules_by_the_gain_to_expect():
    """The candidates of both sources are one sequence, the most promising first."""
    found = list(candidates(SOURCE))
    shares = [candidate.expected for candidate in found]
    assert shares == sorted(shares, reverse=True)
    of = [candidate.description.startswith("ruff ") for candidate in found]
    assert any(of)
    assert not of[0]


@needs_ruff
def test_fixes_on_hot_lines_come_first():
    """A profile speaks for the fixes of ruff as it does for the rules."""
    found = [candidate.description for candidate in candidates(SOURCE, (HotLine(18, 1.0),))]
    (fix,) = [position for position, words in enumerate(found) if words.startswith("ruff C403")]
    assert all("doubled" in words for words in found[: fix + 1])


@needs_ruff
def test_no_content_is_proposed_twice():
    """What ruff and a rule make alike is proposed once."""
    contents = [proposal.edits[0].content for proposal in proposals()]
    assert len({*contents, SOURCE}) == len(contents) + 1
    for content in contents:
        compile(content, "candidate", "exec")


@needs_ruff
def test_ruff_takes_no_configuration(tmp_path, monkeypatch):
    """What the user's project tells ruff does not matter here, and nothing is written."""
    (tmp_path / "ruff.toml").write_text('lint.ignore = ["C403", "PERF401"]\n')
    before = {fix.code for fix in ruff.fixes(SOURCE)}
    monkeypatch.chdir(tmp_path)
    assert {fix.code for fix in ruff.fixes(SOURCE)} == before
    assert [path.name for path in tmp_path.iterdir()] == ["ruff.toml"]


@needs_ruff
def test_ruff_can_be_left_out():
    """A proposer without ruff proposes the rules alone."""
    proposer = RulesProposer(with_ruff=False)
    asked = Brief(1, Target("a.py", ""), SOURCE, readings=())
    assert of_ruff(list(iter(lambda: proposer.propose(asked), None))) == []
    assert of_ruff(proposals()) != []


def test_without_ruff_there_are_the_rules(monkeypatch):
    """Where ruff is not installed the rules are proposed, and nobody is told."""
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert ruff.find_ruff() is None
    found = proposals()
    assert found
    assert of_ruff(found) == []


@needs_scripts
@pytest.mark.parametrize(
    "script",
    [
        pytest.param("exit 2", id="fails"),
        pytest.param("cat >/dev/null; echo no JSON", id="says something else"),
        pytest.param('cat >/dev/null; echo \'[{"code": "C403"}]\'', id="says too little"),
        pytest.param("cat >/dev/null; echo '[1]'", id="says it otherwise"),
        pytest.param("cat >/dev/null; echo '{}'", id="no list"),
        pytest.param("exec tail -f /dev/null", id="does not end"),
    ],
)
def test_ruff_that_does_not_answer_is_silent(only_program, monkeypatch, script):
    """Whatever goes wrong with ruff, the rules are proposed."""
    monkeypatch.setattr(ruff, "_TIME_LIMIT", 0.2)
    only_program(script)
    assert ruff.fixes(SOURCE) == []
    assert proposals()


@needs_scripts
def test_ruff_that_cannot_run_is_silent(only_program):
    """A file that is no program is as good as none."""
    only_program("").chmod(0o644)
    assert ruff.fixes(SOURCE) == []


@needs_ruff
@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"def f(:\n", id="no Python"),
        pytest.param(b"# coding: latin-1\nx = '\xe9'\n", id="another encoding"),
        pytest.param(b"", id="empty"),
    ],
)
def test_ruff_has_nothing_to_say_of_some_files(source):
    """What ruff cannot read has no fixes."""
    assert ruff.fixes(source) == []
