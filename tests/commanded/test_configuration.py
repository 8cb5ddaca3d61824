"""Which of command line, ini file and improve.md counts, and what people are told of it."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.commanded import configure

if TYPE_CHECKING:
    from pytest_autoloop.settings import Settings

IMPROVE = """\
## Check
run: make bench
timeout: 3m
## Stop
rounds: 40
stale: 7
"""


def read(
    pytester: pytest.Pytester, *arguments: str, ini: str = "", text: str = IMPROVE
) -> Settings:
    """Configure a session."""
    pytester.makeini(f"[pytest]\n{ini}\n")
    (pytester.path / "improve.md").write_text(text, encoding="utf-8")
    return configure(pytester.parseconfig("--autoloop=inf", *arguments), told=False)


def test_the_command_line_wins_over_ini_and_ini_over_the_file(pytester: pytest.Pytester) -> None:
    """Each alone is enough."""
    assert read(pytester).command == "make bench"
    ini = "autoloop_command = make other\nautoloop_patience = 3"
    found = read(pytester, ini=ini)
    assert (found.command, found.patience, found.timeout) == ("make other", 3, 180)
    assert read(pytester, "--autoloop-command=./bench", ini=ini).command == "./bench"


def test_what_is_given_elsewhere_is_not_read(pytester: pytest.Pytester) -> None:
    """So a scope in words, which only a person understands, can be answered by an option."""
    text = f"## Change\nscope: the parser, and all around it\n{IMPROVE}"
    found = read(pytester, "--autoloop-target=parse.go", text=text)
    assert (found.targets, found.command) == (("parse.go",), "make bench")


def test_rounds_bound_a_session_without_end(pytester: pytest.Pytester) -> None:
    """A number on the command line is the number."""
    assert read(pytester).experiments == 40
    assert read(pytester, "--autoloop=5").experiments == 5
    assert read(pytester, text="## Check\nrun: make\n").experiments == math.inf


def test_standing_orders_are_the_instructions_where_there_are_some(
    pytester: pytest.Pytester,
) -> None:
    """Else those of program.md."""
    assert read(pytester).program == "program.md"
    assert read(pytester, text=f"{IMPROVE}## Instructions\nBe brief.\n").program == "improve.md"


def test_another_file_that_is_named_takes_its_place(pytester: pytest.Pytester) -> None:
    """Whether or not it is of this form."""
    (pytester.path / "orders.md").write_text("Be brief.\n", encoding="utf-8")
    assert read(pytester, "--autoloop-program=orders.md").command is None
    assert read(pytester, ini="autoloop_program = orders.md").command is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## Check\nrun: make\ntimeout: soon\n", r"improve.md:3 \(timeout\): 'soon' is not a time"),
        ("## Check\nrun: make\nscore: time\n", r"improve.md:3 \(score\): 'time' has no group"),
        ("## Check\nrun: make\n## Stop\nstale: x\n", r"improve.md:4 \(stale\): 'x' is not a whole"),
    ],
)
def test_a_wrong_value_is_named_with_its_line(
    pytester: pytest.Pytester, text: str, said: str
) -> None:
    """As one of the ini file is."""
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        read(pytester, text=text)


def test_the_head_of_a_session_says_what_was_read(pytester: pytest.Pytester) -> None:
    """And what was not understood is a warning, an error where warnings are."""
    (pytester.path / "improve.md").write_text(f"{IMPROVE}colour: red\n", encoding="utf-8")
    said = "*improve.md:7: 'colour' is no field of Stop; its fields are budget, *"
    result = pytester.runpytest_inprocess("--autoloop=1", "--co")
    result.stdout.fnmatch_lines(
        [
            "autoloop: improve.md: command make bench · timeout 3m · patience 7 · rounds 40",
            f"autoloop: not read: {said[1:]}",
            "*warnings summary*",
            said,
        ]
    )
    result = pytester.runpytest_inprocess("--autoloop=1", "--co", "-Werror")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([f"ERROR: {said[1:]}"])
    plain = pytester.runpytest_inprocess("--co")
    assert "improve.md" not in plain.stdout.str() + plain.stderr.str()
