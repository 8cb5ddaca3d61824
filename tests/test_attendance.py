"""The mailbox of a run: however much is put into it, its reader holds little at a time."""

from __future__ import annotations

import json
import threading
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from pytest_autoloop.attendance import Attendance
from pytest_autoloop.metrics.model_questions import (
    ANSWER,
    QUESTION,
    ModelChoice,
    Question,
    messages_of,
    packed,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

#: Seconds after which a test that waits for something fails.
PATIENCE = 30


def echo(
    run: Attendance,
    choice: ModelChoice,
    questions: Sequence[Question],
    asked: int,
) -> list[str]:
    """Answer each question with its last message."""
    return [question.messages[-1]["content"] for question in questions]


def put(mailbox: Path, number: int, text: str) -> str:
    """Ask a question; return the name of its answer's file."""
    name = f"{number:032x}"
    content = packed(ModelChoice("m"), [Question(messages_of(text))])
    (mailbox / f"{name}.part").write_bytes(content)
    (mailbox / f"{name}.part").rename(mailbox / f"{name}{QUESTION}")
    return f"{name}{ANSWER}"


class Later(Executor):
    """Runs calls when it is told to, and knows how many have waited at once."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], object]] = []
        self.changed = threading.Condition()
        self.most = 0

    def submit(self, call: Any, /, *arguments: Any, **keywords: Any) -> Future[Any]:
        """Let a call wait."""
        with self.changed:
            self.calls.append(lambda: call(*arguments, **keywords))
            self.most = max(self.most, len(self.calls))
            self.changed.notify_all()
        return Future()

    def run(self, waiting: int) -> None:
        """Run the oldest call as soon as so many wait."""
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.calls) >= waiting, PATIENCE)
            call = self.calls.pop(0)
        call()


def test_of_many_files_a_few_are_taken_at_a_time(tmp_path: Path) -> None:
    """The others wait in their directory, and all are answered."""
    answers = [put(tmp_path, number, f"text {number}") for number in range(50)]
    later = Later()
    attendance = Attendance(tmp_path, echo, later)
    try:
        for left in range(50, 0, -1):
            later.run(min(8, left))
    finally:
        attendance.close()
    assert later.most == 8
    found = [json.loads((tmp_path / name).read_bytes())["answers"] for name in answers]
    assert found == [[f"text {number}"] for number in range(50)]


@pytest.mark.parametrize(("length", "answered"), [(100, True), (5000, False)])
def test_a_file_that_is_too_large_is_not_read(
    tmp_path: Path, length: int, *, answered: bool
) -> None:
    """It holds no question, whatever is in it."""
    with ThreadPoolExecutor(1) as files:
        attendance = Attendance(tmp_path, echo, files, largest=1000)
        name = put(tmp_path, 1, "x" * length)
        while not (tmp_path / name).exists():
            assert attendance.fault is None
        attendance.close()
    document = json.loads((tmp_path / name).read_bytes())
    assert ("answers" in document) is answered
    assert (attendance.largest > length) is answered


def test_what_was_taken_when_the_run_ended_is_not_asked(tmp_path: Path) -> None:
    """Nobody waits for the answer any more, and it would have its price."""
    put(tmp_path, 1, "text")
    answered: list[str] = []

    def answer(
        run: Attendance, choice: ModelChoice, questions: Sequence[Question], asked: int
    ) -> list[str]:
        answered.extend(echo(run, choice, questions, asked))
        return answered

    later = Later()
    attendance = Attendance(tmp_path, answer, later)
    with later.changed:
        assert later.changed.wait_for(lambda: later.calls, PATIENCE)
    attendance.close()
    later.run(1)
    assert answered == []
