"""What is refused before any process is started."""

from __future__ import annotations

import pytest

from pytest_autoloop.evaluation import screen
from pytest_autoloop.model import Decision, Edit, Proposal

SOURCE = b"def f(x):\n    return x + x\n"


def untried(_: str) -> int | None:
    """Know of no earlier candidate."""
    return None


def reason(decision: object) -> str:
    """Return the reason of a refusal."""
    assert isinstance(decision, Decision)
    assert decision.status == "discard"
    return decision.reason


def test_the_last_edit_of_the_target_is_the_content() -> None:
    """A proposal that edits the file twice means the second."""
    proposal = Proposal("twice", (Edit("a.py", b"1"), Edit("a.py", b"2")))
    assert screen.content_of(proposal, "a.py") == b"2"


def test_an_invalid_reply_is_never_applied() -> None:
    """A reply that could not be read is refused, even when it carries edits."""
    proposal = Proposal("broken", (Edit("a.py", b"1"),), invalid="no block was found")
    decision = screen.content_of(proposal, "a.py")
    assert reason(decision) == "invalid-edit"
    assert isinstance(decision, Decision)
    assert decision.detail == "no block was found"


@pytest.mark.parametrize("path", ["tests/test_a.py", "./a.py", "A.py", "", "/a.py", "a.py/"])
def test_any_other_file_is_out_of_scope(path: str) -> None:
    """One edit elsewhere refuses the whole proposal, and the detail names the file."""
    proposal = Proposal("sly", (Edit("a.py", b"1"), Edit(path, b"2")))
    decision = screen.content_of(proposal, "a.py")
    assert reason(decision) == "out-of-scope"
    assert isinstance(decision, Decision)
    assert path in decision.detail


def test_a_proposal_without_edits_is_a_no_op() -> None:
    """There is nothing to run."""
    assert reason(screen.content_of(Proposal("idle"), "a.py")) == "no-op"


def test_the_incumbent_again_is_a_no_op() -> None:
    """Identical bytes cannot be better."""
    assert reason(screen.refuse(SOURCE, "a.py", SOURCE, untried)) == "no-op"


@pytest.mark.parametrize("other", [SOURCE.replace(b"\n", b"\r\n"), SOURCE + b"\n# faster\n"])
def test_layout_and_comments_are_no_change_of_a_program(other: bytes) -> None:
    """The same syntax tree is a no-op, unless a score reads the target as a text."""
    assert reason(screen.refuse(other, "a.py", SOURCE, untried)) == "no-op"
    assert screen.refuse(other, "a.py", SOURCE, untried, program=False) is None


def test_an_earlier_candidate_is_a_duplicate() -> None:
    """What was tried is not paid for again; the detail says when it was."""
    candidate = SOURCE + b"x = 1\n"
    tried = {screen.fingerprint(candidate, program=True): 7}
    decision = screen.refuse(candidate, "a.py", SOURCE, tried.get)
    assert reason(decision) == "duplicate"
    assert decision is not None
    assert decision.detail == "duplicate of 007"
    assert reason(screen.refuse(candidate + b"# y\n", "a.py", SOURCE, tried.get)) == "duplicate"


@pytest.mark.parametrize(
    "content",
    [
        b"def f(:\n",
        b"x = 1\n  y = 2\n",
        b"x = '\x00'\n",
        b"\xff\xfe\x00",
        b"# coding: nonsense\n",
        b"return 1\n",
    ],
    ids=["syntax", "indent", "null", "bytes", "coding", "return"],
)
def test_python_that_does_not_compile_is_refused(content: bytes) -> None:
    """A module that cannot be compiled needs no child to fail."""
    decision = screen.refuse(content, "pkg/a.py", SOURCE, untried)
    assert reason(decision) == "syntax"
    assert decision is not None
    assert "pkg/a.py" in decision.detail


@pytest.mark.parametrize("depth", [500, 100_000])
def test_python_that_is_too_deep_does_not_end_the_loop(depth: int) -> None:
    """Nesting beyond what the parser takes is the candidate's fault."""
    content = b"x = " + b"(" * depth + b"1" + b")" * depth + b"\n"
    assert reason(screen.refuse(content, "a.py", SOURCE, untried)) == "syntax"


def test_deep_chains_do_not_end_the_loop() -> None:
    """A chain of operators that exhausts the compiler's stack is no error of the loop."""
    content = b"x = " + b"-" * 100_000 + b"1\n"
    decision = screen.refuse(content, "a.py", SOURCE, untried)
    assert decision is None or decision.reason == "syntax"


def test_odd_python_that_compiles_passes(recwarn: pytest.WarningsRecorder) -> None:
    """What Python only warns about is no reason, and the warning is not the user's."""
    assert screen.refuse(b'x = "\\d" is 1\n', "a.py", SOURCE, untried) is None
    assert not list(recwarn)


def test_other_languages_are_not_parsed() -> None:
    """A prompt or a configuration file may hold anything."""
    assert screen.refuse(b"def f(:\x00", "prompt.txt", SOURCE, untried) is None


@pytest.mark.parametrize(
    "content",
    [
        SOURCE + b"\n",
        b"import sys\n" + SOURCE.replace(b"x + x", b"2 * x"),
        b"def g(x):\n    return x + x\n",
        SOURCE.replace(b"x + x", b"2 * x") + b"f = None\n",
    ],
    ids=["blank", "import", "gone", "behind"],
)
def test_outside_of_a_symbol_nothing_may_change(content: bytes) -> None:
    """A blank line elsewhere is out of scope too, though it is no change of the program."""
    assert reason(screen.refuse(content, "a.py", SOURCE, untried, symbol="f")) == "out-of-scope"


def test_inside_of_a_symbol_all_else_is_as_ever() -> None:
    """The same content, another layout, what was tried and what is no Python keep their reasons."""
    better = SOURCE.replace(b"x + x", b"2 * x")
    tried = {screen.fingerprint(better, program=True): 7}
    assert screen.refuse(better, "a.py", SOURCE, untried, symbol="f") is None
    assert reason(screen.refuse(better, "a.py", SOURCE, tried.get, symbol="f")) == "duplicate"
    assert reason(screen.refuse(SOURCE, "a.py", SOURCE, untried, symbol="f")) == "no-op"
    layout = SOURCE.replace(b"x + x", b"(x  +  x)  # why")
    assert reason(screen.refuse(layout, "a.py", SOURCE, untried, symbol="f")) == "no-op"
    assert reason(screen.refuse(b"def f(:\n", "a.py", SOURCE, untried, symbol="f")) == "syntax"
