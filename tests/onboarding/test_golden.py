"""The golden-set builder: asks, remembers, and is not asked twice."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.onboarding import golden

if TYPE_CHECKING:
    from pathlib import Path


class Person:
    """Gives answers one after the other, then none."""

    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.heard: list[str] = []

    def ask(self, question: str) -> str:
        """Answer."""
        if not self.answers:
            raise EOFError
        return self.answers.pop(0)

    def label(self, path: Path, inputs: list[str]) -> int:
        """Label inputs that are answered in capitals."""
        return golden.label(path, inputs, str.upper, self.ask, self.heard.append)


def examples(path: Path) -> list[tuple[str, str]]:
    """Return inputs and labels of a file."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(one["input"], one["label"]) for one in map(json.loads, lines)]


def test_enter_agrees_and_text_corrects(tmp_path: Path) -> None:
    """And s passes over an input."""
    path = tmp_path / "golden.jsonl"
    person = Person("", "sea", "s", "")
    assert person.label(path, ["a", "c", "d", "ä", "a"]) == 3
    assert examples(path) == [("a", "A"), ("c", "sea"), ("ä", "Ä")]


def test_what_has_a_label_is_not_asked_again(tmp_path: Path) -> None:
    """Whoever stops goes on there the next time."""
    path = tmp_path / "golden.jsonl"
    assert Person("", "q", "").label(path, ["a", "b", "c"]) == 1
    assert Person("").label(path, ["a", "b", "c"]) == 1
    assert examples(path) == [("a", "A"), ("b", "B")]


def test_what_an_input_would_do_to_a_terminal_is_shown(tmp_path: Path) -> None:
    """Samples come from anywhere."""
    person = Person("")
    person.label(tmp_path / "golden.jsonl", ["\x1b[2J"])
    assert not any("\x1b" in line for line in person.heard)


def test_a_function_or_a_command_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A function with two parameters is given the target's text first."""
    (tmp_path / "golden_reader.py").write_text("def answer(text, one):\n    return text + one\n")
    (tmp_path / "prompt.txt").write_text("say ")
    monkeypatch.setattr(sys, "path", [*sys.path])
    made, run = golden.answerer("golden_reader:answer", tmp_path, tmp_path / "prompt.txt")
    assert made.with_text
    assert run("so") == "say so"
    _, run = golden.answerer(f"{sys.executable} -c print(input()*2)", tmp_path, None)
    assert run("so") == "soso"


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ("no_such_module:answer", "cannot be called"),
        ("json:no_such_function", "cannot be called"),
        ("operator:add", "name the target with --target"),
        ("", "names nothing"),
    ],
)
def test_what_cannot_answer_is_refused(tmp_path: Path, spec: str, said: str) -> None:
    """In one sentence that says what to write."""
    with pytest.raises(UsageError, match=said):
        golden.answerer(spec, tmp_path, None)


def test_a_broken_line_is_named(tmp_path: Path) -> None:
    """With its number."""
    path = tmp_path / "golden.jsonl"
    path.write_text('{"input": "a", "label": "A"}\n{"input": "b"}\n')
    with pytest.raises(UsageError, match="line 2"):
        golden.read_examples(path)


def test_every_third_example_is_held_out() -> None:
    """As the generated conftest has it."""
    found = [{"input": one, "label": one.upper()} for one in "abcdef"]
    found[5]["label"] = "?"
    assert golden.held_out_score(found, str.upper) == 50
