"""The example `prompt`: a better prompt is kept, and one that only knows the examples is not."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from tests.examples.conftest import EXAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from types import ModuleType

    from tests.projects import Project

HERE = EXAMPLES / "prompt"
PROMPT = """\
- money: charge, invoice, bank
- parcel: courier, late
- other: all else
"""
ALONE = "Answer with the label alone."


def load(path: str) -> ModuleType:
    """Return a module of the example."""
    specification = importlib.util.spec_from_file_location("of_the_example", HERE / path)
    assert specification is not None
    assert specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


def test_better_prompts_are_kept_and_cheats_are_not(example: Callable[[str], Project]) -> None:
    """Without a network or a key: nothing, a gain, two ways to learn by heart, a gain."""
    found = example("prompt").autoloop(5)
    assert found.returncode == 0, found.output
    assert found.decisions == [
        ("discard", "no-gain"),
        ("keep", ""),
        ("discard", "guard"),
        ("discard", "guard"),
        ("keep", ""),
    ]
    baseline, _, described, quoting, fashion, best = found.journal
    values = [row["metrics"]["accuracy"] for row in (baseline, described, best)]
    assert values == sorted(values)
    assert values[2] > 2 * values[0]
    assert best["metrics"].keys() == {"accuracy", "tokens"}
    assert best["metrics"]["tokens"] <= 400
    assert quoting["guard"]["test"] == "tests/test_prompt.py::test_no_message_is_quoted"
    assert fashion["detail"] == "a hidden guard failed"


def test_its_guards_hold_as_it_is(example: Callable[[str], Project]) -> None:
    """In a plain run the stand-in is asked directly, and the judge is a metric only when named."""
    project = example("prompt")
    found = project.pytest("-q")
    assert (found.returncode, "3 passed" in found.stdout) == (0, True), found.output
    environment = {"AUTOLOOP_PROMPT_JUDGE": "openai:m"}
    assert "clarity" in project.pytest("--fixtures", environment=environment).stdout


def test_the_messages_are_those_that_the_script_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever wants more messages, or others, gets them from the script."""
    script = load("make_messages.py")
    monkeypatch.setattr(script, "HERE", tmp_path)
    script.main()
    for name in ("labelled.tsv", "held_out.tsv"):
        assert (tmp_path / name).read_bytes() == (HERE / name).read_bytes()


def test_no_message_is_in_both_files_and_none_has_two_labels() -> None:
    """What is held out would otherwise be known."""
    files = [(HERE / name).read_text(encoding="utf-8") for name in ("labelled.tsv", "held_out.tsv")]
    seen, held_out = ([line.split("\t")[1] for line in file.splitlines()] for file in files)
    assert (len(seen), len(held_out)) == (216, 72)
    assert len({*seen, *held_out}) == len(seen) + len(held_out)


@pytest.mark.parametrize(
    ("prompt", "message", "answer"),
    [
        (f"{PROMPT}{ALONE}", "the bank sent an invoice", "money"),
        (f"{PROMPT}{ALONE}", "the courier is late, and the bank too", "parcel"),
        (f"{PROMPT}If several fit: money > parcel\n{ALONE}", "a late courier, and a bank", "money"),
        (f"{PROMPT}{ALONE}", "good morning", "other"),
        (f'{PROMPT}- "good morning" -> money\n{ALONE}', "good morning", "money"),
        (PROMPT, "an invoice", "I would say that this is about money."),
        (ALONE, "an invoice", "nothing"),
    ],
)
def test_the_stand_in_does_what_the_prompt_says(prompt: str, message: str, answer: str) -> None:
    """It has no knowledge of its own: what it gets right stands in the prompt."""
    assert load("stand_in.py").answer(prompt, message) == answer


def test_quotes_are_found_in_other_capitals_and_marks() -> None:
    """Six words in a row are a quote, five and a message of five are none."""
    quoted = load("tests/test_prompt.py").quoted
    cases = [("a", "I was charged twice for the lamp, order 5"), ("b", "I cannot log in today")]
    assert quoted("e.g. I WAS charged\ntwice -- for the", cases) == [cases[0][1]]
    assert quoted("who was charged twice for it? I cannot log in today", cases) == []
