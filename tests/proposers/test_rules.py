"""The proposer that applies rewrite rules."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.model import Brief, Outcome, Target
from pytest_autoloop.proposers.rules import RulesProposer
from tests.proposers.test_rules_support import executed

if TYPE_CHECKING:
    from pytest_autoloop.model import Proposal
    from pytest_autoloop.proposers.base import Proposer

SOURCE = b'''"""Numbers."""

def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def count(words):
    known = ["a", "b"]
    total = 0
    for word in words:
        if word in known and total < len(words):
            total += 1
    return total


def shout(words):
    out = []
    for word in words:
        out.append(word.upper())
    return out
'''


def brief(source: bytes = SOURCE, path: str = "src/numbers.py", history=()) -> Brief:
    """Ask for a proposal on a source."""
    return Brief(
        number=1, target=Target(path, "faster"), source=source, readings=(), history=history
    )


def content(proposal: Proposal | None) -> bytes:
    """Return what a proposal makes of the target."""
    assert proposal is not None
    return proposal.edits[0].content


def exhausted(proposer: Proposer, source: bytes = SOURCE) -> list[Proposal]:
    """Ask until there is no proposal left."""
    return list(iter(lambda: proposer.propose(brief(source)), None))


def test_recursive_fibonacci_is_cached_first():
    """The first proposal for a naive fibonacci makes fib(80) computable."""
    source = b"def fib(n):\n    return n if n < 2 else fib(n - 1) + fib(n - 2)\n"
    proposal = RulesProposer().propose(brief(source))
    assert proposal is not None
    assert proposal.description == "cache fib with functools.cache"
    assert executed(content(proposal).decode())["fib"](80) == 23416728348467685


def test_recursive_function_comes_before_everything_else():
    """Caching the recursive function is suggested before any other rule."""
    descriptions = [proposal.description for proposal in exhausted(RulesProposer())]
    assert descriptions[0] == "cache fib with functools.cache"
    assert "make known a set in count" in descriptions[1:]
    assert "hoist len(words) out of the loop in count" in descriptions[1:]
    assert "build out with a comprehension in shout" in descriptions[1:]


def test_proposal_edits_only_the_target():
    """A proposal has one edit, of the target, and says who made it."""
    proposal = RulesProposer().propose(brief())
    assert proposal is not None
    assert [edit.path for edit in proposal.edits] == ["src/numbers.py"]
    assert proposal.proposer == RulesProposer().name == "rules"
    assert not proposal.invalid


def test_descriptions_are_one_short_line():
    """Every description fits on one line of a table."""
    for proposal in exhausted(RulesProposer()):
        assert proposal.description
        assert "\n" not in proposal.description
        assert len(proposal.description) <= 100


def test_each_content_is_proposed_once():
    """No two proposals have the same content, and none is the source."""
    contents = [content(proposal) for proposal in exhausted(RulesProposer())]
    assert len(contents) > 4
    assert len({*contents, SOURCE}) == len(contents) + 1


def test_order_is_the_same_every_time():
    """Two proposers suggest the same things in the same order."""
    assert exhausted(RulesProposer()) == exhausted(RulesProposer())


def test_exhausted_proposer_stays_exhausted():
    """When everything was proposed the answer is None, again and again."""
    proposer = RulesProposer()
    exhausted(proposer)
    assert proposer.propose(brief()) is None


def test_goes_on_from_a_new_incumbent():
    """After a keep, the next proposal builds on the new source."""
    proposer = RulesProposer()
    kept = content(proposer.propose(brief()))
    following = proposer.propose(brief(kept))
    assert b"@functools.cache\ndef fib" in content(following)
    assert content(following) != kept


def test_untried_rewrites_come_before_repeated_ones():
    """After a keep, what was discarded before is tried again, but last."""
    proposer = RulesProposer()
    kept = content(proposer.propose(brief()))
    discarded = proposer.propose(brief(kept))
    assert discarded is not None
    changed = kept + b"\n\nmore = 1\n"
    later = [proposal.description for proposal in exhausted(proposer, changed)]
    assert len(later) > 1
    assert later[-1] == discarded.description


def test_earlier_experiments_of_the_campaign_count_as_tried():
    """A resumed campaign goes on with what its history does not mention."""
    first = RulesProposer().propose(brief())
    assert first is not None
    history = (Outcome(1, "discard", "no-gain", first.description),)
    resumed = RulesProposer().propose(brief(history=history))
    assert resumed is not None
    assert resumed.description != first.description


def test_returning_to_an_earlier_source_repeats_nothing():
    """When the search goes back to an older incumbent, its used-up proposals stay used up."""
    proposer = RulesProposer()
    first = exhausted(proposer)
    exhausted(proposer, content(first[0]))
    assert proposer.propose(brief()) is None


def test_an_earlier_incumbent_is_not_proposed():
    """A content that was the incumbent once is never a proposal."""
    first = content(RulesProposer().propose(brief()))
    proposer = RulesProposer()
    exhausted(proposer, first)
    assert first not in [content(proposal) for proposal in exhausted(proposer)]


@pytest.mark.parametrize(
    ("path", "source"),
    [
        pytest.param("prompt.txt", SOURCE, id="not Python"),
        pytest.param("a.py", b"def broken(:\n", id="syntax error"),
        pytest.param("a.py", b"x = '\xff'\n", id="not UTF-8"),
        pytest.param("a.py", b"# coding: unknown\nx = 1\n", id="unknown encoding"),
        pytest.param("a.py", b"x = 1\x00\n", id="null byte"),
        pytest.param("a.py", b"", id="empty"),
        pytest.param("a.py", b"x = 1\n", id="nothing to rewrite"),
        pytest.param(
            "a.py", b"x = " + b" + ".join([b"a"] * 100_000) + b"\n", id="nested far too deep"
        ),
        pytest.param("a.py", b"x = " + b" + ".join([b"a"] * 900) + b"\n", id="nested too deep"),
    ],
)
def test_suggests_nothing_where_there_is_nothing(path, source):
    """A target that is not Python, or has no place for a rule, ends the suggestions."""
    assert RulesProposer().propose(brief(source, path)) is None


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(SOURCE.replace(b"\n", b"\r\n"), id="CRLF"),
        pytest.param(SOURCE.rstrip(), id="no final newline"),
        pytest.param(b"\xef\xbb\xbf" + SOURCE, id="byte order mark"),
        pytest.param(SOURCE.replace(b"    ", b"\t"), id="tabs"),
        pytest.param(
            b"# -*- coding: latin-1 -*-\n" + SOURCE.replace(b"Numbers", b"Num\xe9ros"), id="latin-1"
        ),
    ],
)
def test_bytes_outside_the_rewritten_place_are_kept(source):
    """Encoding, newlines, indentation and the end of the file survive every proposal."""
    for proposal in exhausted(RulesProposer(), source):
        new = content(proposal)
        compile(new, "candidate", "exec")
        assert new.startswith(source[:12])
        assert new.endswith(b"\n") == source.endswith(b"\n")
        assert new.count(b"\r\n") in {0, new.count(b"\n")}
        assert (b"\r\n" in new) == (b"\r\n" in source)
        assert (b"\n\t" in new) == (b"\n\t" in source)
        assert (b"\xe9" in new) == (b"\xe9" in source)


def test_doubtful_escapes_of_the_target_warn_nobody():
    """A target with an invalid escape sequence gets proposals and no warning."""
    source = b"def f(n):\n    return f(n - 1) + '\\d'\n"
    assert b"functools.cache" in content(RulesProposer().propose(brief(source)))


def test_every_proposal_of_a_sound_target_behaves_the_same():
    """On the sample, no proposal changes what the functions return."""
    for proposal in exhausted(RulesProposer()):
        candidate = executed(content(proposal).decode())
        assert candidate["fib"](10) == 55
        assert candidate["count"](("a", "c", "b")) == 2
        assert candidate["shout"](("a", "b")) == ["A", "B"]


def test_other_proposers_do_not_import_libcst():
    """Whoever does not ask for the rules does not need libcst."""
    code = "import sys, pytest_autoloop.proposers.base; sys.exit('libcst' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
