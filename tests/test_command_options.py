"""What options of commands take, and what they say instead."""

from __future__ import annotations

import argparse

import pytest

from pytest_autoloop.command_options import Score, command, score


@pytest.mark.parametrize(
    "text",
    [
        "go test -bench=. -run '^$' ./...",
        "awk '{ print $1 }' words.txt",
        "sh -c 'make && ./bench | tail -1'",
        'echo "a > b"',
    ],
)
def test_a_command_is_words(text: str) -> None:
    """Quoted, anything is an argument."""
    assert command(text) == text


@pytest.mark.parametrize(
    ("text", "operator"),
    [("make && ./bench", "&&"), ("./bench|tail -1", "|"), ("./bench 2> log", ">"), ("a; b", ";")],
)
def test_a_command_for_a_shell_is_told_how_to_get_one(text: str, operator: str) -> None:
    """The error has the line to write instead."""
    with pytest.raises(argparse.ArgumentTypeError) as raised:
        command(text)
    assert repr(operator) in str(raised.value)
    assert f"sh -c '{text}'" in str(raised.value)


@pytest.mark.parametrize(("text", "said"), [("", "is missing"), ("echo 'a", "close each quote")])
def test_what_is_no_command_is_refused(text: str, said: str) -> None:
    """Nothing, or a quote that is open."""
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        command(text)


def test_a_score_is_a_pattern_or_a_path() -> None:
    """A named group and the end of a path give the metric's name; a bound stands behind."""
    assert score(r"ns/op:\s+([\d.]+)") == Score(r"ns/op:\s+([\d.]+)")
    assert score(r"(?P<time>\d+) ms").name == "time"
    found = score("json:results[0].mean")
    assert (found.name, found.path) == ("mean", "results[0].mean")
    assert score("json:[0]").name == ""
    assert score(r"allocs: (\d+) <= 5e2") == Score(r"allocs: (\d+)", "", "<=", 500.0)
    assert score("json:rate > 0.5") == Score("json:rate", "rate", ">", 0.5)
    assert score(r"(\d+)<3").bound is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("time: \\d+", "no group"),
        ("time: (", "no regular expression"),
        ("json: ", "no path"),
        ("(?P<a>x)(?P<b>y)", "one --autoloop-score for each"),
        ("(?P<class>x)", "rename the group"),
    ],
)
def test_what_finds_no_number_is_refused(text: str, said: str) -> None:
    """Each error says what to write."""
    with pytest.raises(argparse.ArgumentTypeError, match=said):
        score(text)
