"""Asks models on behalf of metrics: children have neither a network nor a key.

A child writes questions into a directory of its run, and this process, which holds the keys, writes
the answers there. Only what the untouched target's harness asked for is asked for a candidate.
"""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_autoloop.attendance import LARGEST, Attendance, ModelFaultError
from pytest_autoloop.errors import MeasurementError, ProposerError
from pytest_autoloop.evaluation.protocol import ChildSpec
from pytest_autoloop.metrics.model_answers import ANSWERS_FILE, RememberedAnswers
from pytest_autoloop.metrics.model_connection import ModelConnection
from pytest_autoloop.metrics.model_questions import AT_ONCE, MAILBOX
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from pytest_autoloop.evaluation.launchers import Launch, Launcher, Memory
    from pytest_autoloop.evaluation.process import Exit
    from pytest_autoloop.metrics.model_questions import ModelChoice, Question

#: The directory's name, beside the child's other files.
_DIRECTORY = "models"
#: A run may ask so many times what the baseline's longest did, and so many more; and a question may
#: be so many times as long as its longest, and so many characters in any case.
_FACTOR, _MORE_QUESTIONS, _CHARACTERS = 2, 8, 20_000
#: Bytes by which a candidate's file of questions may be larger than so many times the longest.
_MORE_BYTES = 2**22
#: Files of questions that are answered at the same time; each waits for all its answers.
_FILES_AT_ONCE = 4
#: What is added to a question's draw where no answer counts that something was chosen for.
_ANEW = 1_000_000


@dataclass(frozen=True, slots=True)
class Allowance:
    """What the harness asked of one model in a run with the untouched target, at the most."""

    questions: int = 0
    #: Characters of its longest question.
    longest: int = 0
    #: Its highest draw.
    draw: int = 0

    def refusal(self, choice: ModelChoice, asked: int, longest: int) -> str:
        """Say why a candidate's run may not ask so much; empty when it may."""
        most = _FACTOR * self.questions + _MORE_QUESTIONS
        if not self.questions:
            return (
                f"{choice.model} was not asked, or not in this way, when the untouched target was "
                "tried, so it is not asked for a candidate"
            )
        if asked > most:
            return (
                f"{choice.model} is asked {asked} questions in one run; with the untouched target "
                f"it was {self.questions}, and {most} are allowed"
            )
        limit = max(_FACTOR * self.longest, self.longest + _CHARACTERS)
        if longest > limit:
            return (
                f"{choice.model} is asked a question of {longest:,} characters; with the untouched "
                f"target the longest had {self.longest:,}, and {limit:,} are allowed"
            )
        return ""

    def unknown_draw(self, draws: Iterable[int]) -> str:
        """Say why a candidate may not ask for one of these draws; empty when it may.

        Each draw has a connection of its own, and this process a limit of open files.
        """
        most = _FACTOR * self.draw + _MORE_QUESTIONS
        if all(0 <= draw <= most for draw in draws):
            return ""
        return f"an answer's draw is to be from 0 to {most}, as the harness's are"


class Broker:
    """Asks models for the child sessions of a campaign.

    Args:
        records: the project's directory ``.pytest_autoloop``; answers are remembered there.
        environ: keys and addresses; the process' own by default.
    """

    def __init__(self, records: Path, environ: Mapping[str, str] | None = None) -> None:
        self._environ = os.environ if environ is None else environ
        self._answers = RememberedAnswers(records / ANSWERS_FILE)
        self._lock = threading.Lock()
        self._allowed: dict[ModelChoice, Allowance] = {}
        #: Bytes of the largest file of questions in a trusted run.
        self._largest = 0
        self._connections: dict[ModelChoice, ModelConnection] = {}
        self._spent = Usage()
        self._further = 0
        self._pool = ThreadPoolExecutor(AT_ONCE, "pytest-autoloop-model")
        self._files = ThreadPoolExecutor(_FILES_AT_ONCE, "pytest-autoloop-questions")

    def attended(self, launcher: Launcher) -> Launcher:
        """Return a launcher whose children are answered."""
        return AttendedLauncher(launcher, self)

    def bill(self, charge: Callable[[Usage], None]) -> None:
        """Charge what was spent since the last call; nothing where nothing was."""
        with self._lock:
            spent, self._spent = self._spent, Usage()
        if spent != Usage():
            charge(spent)

    @contextmanager
    def asking_anew(self) -> Iterator[None]:
        """Answer for a while by other draws: for an audit.

        What was kept was chosen for the answers that are remembered, so these flatter it.
        """
        self._further = _ANEW
        try:
            yield
        finally:
            self._further = 0

    @contextmanager
    def attending(self, temporary: Path, *, trusted: bool) -> Iterator[Attendance | None]:
        """Answer what a run asks that has this temporary directory; None when nobody may ask.

        `trusted` runs are the user's own code, and define what later ones may ask.
        """
        # Without them a link in place of the directory would lead this process astray.
        if os.open not in os.supports_dir_fd or not (trusted or self._allowed):
            yield None
            return
        directory = temporary / _DIRECTORY
        directory.mkdir()
        # Reading a text from JSON takes many times its memory, here and not in a child.
        largest = LARGEST if trusted else min(LARGEST, _FACTOR * self._largest + _MORE_BYTES)
        attendance = Attendance(directory, partial(self._answer, trusted), self._files, largest)
        try:
            yield attendance
        finally:
            attendance.close()
            if trusted:
                with self._lock:
                    self._largest = max(self._largest, attendance.largest)

    def _answer(
        self,
        trusted: bool,
        run: Attendance,
        choice: ModelChoice,
        questions: Sequence[Question],
        asked: int,
    ) -> list[str]:
        """Return the answers to questions, those that are remembered at once."""
        self._check(choice, asked, questions, trusted=trusted)
        questions = [replace(one, draw=one.draw + self._further) for one in questions]
        connection = self._connection(choice)
        address, remember = connection.server.base_url, choice.remember
        keys = [
            question.key(choice, address) if remember else str(place)
            for place, question in enumerate(questions)
        ]
        known = {key: self._answers.get(key) if remember else None for key in keys}
        left = {
            key: question
            for key, question in zip(keys, questions, strict=True)
            if known[key] is None
        }

        def ask(key: str) -> str:
            # One fault is enough: each further question would wait as long for the same.
            if run.fault is not None:
                raise run.fault
            if run.closed:
                raise MeasurementError("the run is over")
            answer = self._asked(connection, left[key])
            if remember:
                self._answers.put(key, connection.server.name, answer)
            return answer

        found = dict(zip(left, self._pool.map(ask, left), strict=True))
        return [found[key] if key in found else str(known[key]) for key in keys]

    def _check(
        self, choice: ModelChoice, asked: int, questions: Sequence[Question], *, trusted: bool
    ) -> None:
        """See that a run may ask.

        Raises:
            MeasurementError: it asks what the harness does not.
        """
        longest = max((question.size for question in questions), default=0)
        with self._lock:
            known = self._allowed.get(choice, Allowance())
            if trusted:
                highest = max((question.draw for question in questions), default=0)
                self._allowed[choice] = Allowance(
                    max(known.questions, asked),
                    max(known.longest, longest),
                    max(known.draw, highest),
                )
                return
        refusal = known.refusal(choice, asked, longest)
        refusal = refusal or known.unknown_draw(question.draw for question in questions)
        if refusal:
            raise MeasurementError(refusal)

    def close(self) -> None:
        """Ask nothing more."""
        for connection in list(self._connections.values()):
            connection.close()
        self._files.shutdown(wait=False, cancel_futures=True)
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._answers.close()

    def _connection(self, choice: ModelChoice) -> ModelConnection:
        with self._lock:
            if choice not in self._connections:
                self._connections[choice] = ModelConnection(choice, self._environ)
            return self._connections[choice]

    def _asked(self, connection: ModelConnection, question: Question) -> str:
        try:
            answer = connection.ask(question)
        except ProposerError as error:
            self._spend(Usage.of(error.tokens_used, error.cost_usd))
            raise
        self._spend(answer.usage)
        return answer.text

    def _spend(self, usage: Usage) -> None:
        with self._lock:
            self._spent += usage


class AttendedLauncher:
    """A launcher whose children may ask models; everything else is another's."""

    def __init__(self, launcher: Launcher, broker: Broker) -> None:
        self._launcher = launcher
        self._broker = broker

    @property
    def description(self) -> str:
        """As the other says."""
        return self._launcher.description

    @property
    def ahead(self) -> bool:
        """As the other is."""
        return self._launcher.ahead

    def run(self, launch: Launch) -> Exit:
        """Run one child session, and answer what it asks.

        Raises:
            ModelFaultError: a model gave no answer, so nothing that the child said counts.
            UsageError: a model cannot be asked as the harness wants it.
        """
        temporary = launch.specification.parent
        trusted = ChildSpec.read(launch.specification).trusted
        environment = {**launch.environment, MAILBOX: str(temporary / _DIRECTORY)}
        with self._broker.attending(temporary, trusted=trusted) as attendance:
            ended = self._launcher.run(replace(launch, environment=environment))
            if attendance is None:
                return ended
            if attendance.fault is not None:
                raise attendance.fault
            if ended.timed_out and attendance.waiting:
                raise ModelFaultError(
                    f"a metric asks a model: {attendance.waiting} questions were not answered when "
                    f"the limit of {launch.seconds:.0f} s was over: raise --autoloop-timeout, or "
                    "choose a faster model"
                )
        return ended

    def prestart(self, *hash_seeds: int) -> None:
        """Begin what children with these seeds will need."""
        self._launcher.prestart(*hash_seeds)

    def learn(self, imported: Sequence[str], early: Sequence[str]) -> None:
        """Take what a trusted session showed."""
        self._launcher.learn(imported, early)

    def fall_back(self, reason: str) -> bool:
        """Be less ahead of children."""
        return self._launcher.fall_back(reason)

    def memory(self) -> list[Memory]:
        """Return what processes hold that are kept for children."""
        return self._launcher.memory()

    def twin(self) -> AttendedLauncher:
        """Return one for another thread."""
        return AttendedLauncher(self._launcher.twin(), self._broker)

    def close(self) -> None:
        """End the processes; the broker is closed by who opened it."""
        self._launcher.close()
