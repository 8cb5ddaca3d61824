"""What was answered or paid outlives the session that asked."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.errors import JournalError
from pytest_autoloop.history.answers import Answer, Answers, Unbilled
from pytest_autoloop.model import Edit, Proposal
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from pathlib import Path

FULL = Answer(
    number=7,
    parent="a" * 40,
    target="src/target.py::Parser",
    search="explore",
    stays="better",
    proposal=Proposal(
        'naïve \udcff "quoted"\n日本',
        (Edit("src/target.py", bytes(range(256))), Edit("other", b"")),
        "openai:gpt-5",
        Usage(1, None, 0.1 + 0.2),
        "a reply that is no edit",
        ("put back: x", ""),
    ),
    times=3,
    proposing=1.5,
)


@pytest.fixture
def answers(tmp_path: Path) -> Answers:
    """Make a place for answers that is not there yet."""
    (tmp_path / "nov20").mkdir()
    return Answers(tmp_path / "nov20" / "answers")


def answer_of(number: int) -> Answer:
    """Return a plain answer."""
    return Answer(number, "b" * 40, "src/target.py", "improve", "no", Proposal("idea"))


def test_answers_come_back_exactly(answers: Answers) -> None:
    """To the last byte of every edit, in the order of their numbers."""
    assert answers.pending() == []
    for number in (1000, 12, 8):
        answers.put(answer_of(number))
    answers.put(FULL)
    assert answers.pending() == [FULL, answer_of(8), answer_of(12), answer_of(1000)]
    assert answers.get(7) == FULL
    assert answers.get(9) is None
    assert sorted(file.name for file in answers.directory.iterdir()) == [
        *("007.json", "008.json", "012.json", "1000.json")
    ]


def test_a_later_answer_takes_the_place_of_an_earlier_one(answers: Answers) -> None:
    """One file is one experiment."""
    answers.put(answer_of(7))
    answers.put(FULL)
    assert answers.pending() == [FULL]
    answers.drop(7)
    answers.drop(7)
    assert answers.pending() == []


def test_what_a_kill_left_is_swept_away(answers: Answers) -> None:
    """A file that was never put in its place was never an answer."""
    answers.put(FULL)
    (answers.directory / ".autoloop-0123456789abcdef.tmp").write_bytes(b'{"num')
    (answers.directory / ".nfs0001").touch()
    assert answers.pending() == [FULL]
    assert sorted(file.name for file in answers.directory.iterdir()) == [".nfs0001", "007.json"]


@pytest.mark.parametrize(
    ("name", "content", "fault"),
    [
        ("008.json", b'{"number": 8', "delimiter"),
        ("008.json", b"[]", "it is no object"),
        ("008.json", b"\xff", "decode"),
        ("008.json", b'{"number": 8}', "parent is missing"),
        ("notes.txt", b"", "none of the answers"),
        ("x7.json", b"{}", "none of the answers"),
    ],
)
def test_a_file_that_is_no_answer_is_named(
    answers: Answers, name: str, content: bytes, fault: str
) -> None:
    """It is not skipped in silence, for it may have been paid for."""
    answers.put(FULL)
    (answers.directory / name).write_bytes(content)
    with pytest.raises(JournalError, match=fault) as caught:
        answers.pending()
    assert str(caught.value).startswith(str(answers.directory / name))
    assert "Move it away" in str(caught.value)
    assert "--autoloop-tag=nov20 goes on" in str(caught.value)


def test_an_answer_under_another_number_is_named(answers: Answers) -> None:
    """A file that was renamed is not judged twice."""
    answers.put(FULL)
    answers.directory.joinpath("007.json").rename(answers.directory / "008.json")
    with pytest.raises(JournalError, match="holds the answer of experiment 7"):
        answers.pending()


def test_edits_that_were_edited_are_named(answers: Answers) -> None:
    """Bytes are in base 64, and nothing else is taken for it."""
    answers.put(FULL)
    path = answers.directory / "007.json"
    record = json.loads(path.read_text())
    record["proposal"]["edits"][0]["content"] = "x = 1;"
    path.write_text(json.dumps(record))
    with pytest.raises(JournalError, match="content is not in base 64"):
        answers.pending()


def test_an_answer_that_cannot_be_written_is_told(answers: Answers, tmp_path: Path) -> None:
    """With the file and what to do."""
    answers.directory.write_text("")
    with pytest.raises(JournalError, match=r"007\.json cannot be written.*--autoloop-tag=nov20"):
        answers.put(FULL)


def test_unbilled_costs_come_back(tmp_path: Path) -> None:
    """Unknown stays unknown, and nothing is no file."""
    unbilled = Unbilled(tmp_path)
    assert unbilled.read() == Usage()
    for usage in (Usage(1, 2, 0.1 + 0.2), Usage(None, 3), Usage(cost_usd=0.5)):
        unbilled.write(usage)
        assert Unbilled(tmp_path).read() == usage
    unbilled.write(Usage())
    assert not unbilled.path.exists()
    unbilled.clear()
    with pytest.raises(JournalError, match="what was spent, usage, cost_usd is nan"):
        unbilled.write(Usage(cost_usd=math.nan))


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"cost_usd": "1"}'])
def test_damaged_costs_are_named(tmp_path: Path, content: bytes) -> None:
    """They are not taken for nothing."""
    unbilled = Unbilled(tmp_path)
    unbilled.path.write_bytes(content)
    with pytest.raises(JournalError, match=r"unbilled\.json is damaged.*Remove it"):
        unbilled.read()
