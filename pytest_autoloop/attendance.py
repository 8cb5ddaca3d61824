"""The mailbox of one run: takes questions to models from a directory, and puts answers there."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from pytest_autoloop.errors import AutoloopError, EvaluationError, ProposerError, UsageError
from pytest_autoloop.metrics.model_connection import is_service_fault
from pytest_autoloop.metrics.model_questions import ANSWER, LOOK_INTERVAL, QUESTION, unpacked

if TYPE_CHECKING:
    from collections.abc import Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from pytest_autoloop.metrics.model_questions import ModelChoice, Question

_NAME = re.compile(rf"([0-9a-f]{{32}}){re.escape(QUESTION)}")
#: Bytes of a file of questions, unless less is said.
LARGEST = 2**26
#: Files that are taken before the first of them is answered; the others wait where they are.
_TAKEN = 8


class ModelFaultError(ProposerError, EvaluationError):
    """A model that a metric asks gives no answer, through no fault of a candidate."""


class Answerer(Protocol):
    """Returns the answers to questions that a run asks of one model, in their order."""

    def __call__(
        self, run: Attendance, choice: ModelChoice, questions: Sequence[Question], asked: int
    ) -> list[str]:
        """Return them; `asked` counts all questions of the run to this model, these too.

        Raises:
            AutoloopError: one of them has no answer.
        """


class Attendance:
    """Answers what one run asks.

    Args:
        directory: where the run puts its questions; it must be there.
        answer: returns the answers to questions, of which the run has asked so many by now.
        files: answers files, each in a thread.
        largest: most bytes of a file.
    """

    def __init__(
        self, directory: Path, answer: Answerer, files: Executor, largest: int = LARGEST
    ) -> None:
        self._answer = answer
        self._files = files
        self._most = largest
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        # What the name leads to later is the candidate's choice; this descriptor is not.
        self._directory = os.open(directory, flags)
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._asked: dict[ModelChoice, int] = {}
        #: Files that were taken and are not answered.
        self._taken = 0
        #: Bytes of the largest file that held questions.
        self.largest = 0
        #: Questions without an answer.
        self.waiting = 0
        #: What a person has to see to: no candidate is to blame.
        self.fault: AutoloopError | None = None
        self._thread = threading.Thread(target=self._watch, name="pytest-autoloop-mailbox")
        self._thread.daemon = True
        self._thread.start()

    @property
    def closed(self) -> bool:
        """Whether the run is over: nobody waits for an answer any more."""
        return self._closed.is_set()

    def close(self) -> None:
        """Look for no more questions; what is being asked is remembered when it is answered."""
        self._closed.set()
        self._thread.join()
        with self._lock:
            os.close(self._directory)
            self._directory = -1

    def _watch(self) -> None:
        while not self._closed.wait(LOOK_INTERVAL):
            names: list[str] = []
            with suppress(OSError):  # no descriptor left for a moment, or no directory any more
                names = os.listdir(self._directory)  # noqa: PTH208 - no path leads there for sure
            # However many a candidate writes, this process holds a few of them.
            found = [match for name in names if (match := _NAME.fullmatch(name))]
            for match in found[: _TAKEN - self._taken]:
                content = self._take(match[0])
                # A session that ends does not take in more.
                with suppress(RuntimeError):
                    self._files.submit(self._serve, match[1], content)
                    with self._lock:
                        self._taken += 1

    def _take(self, name: str) -> bytes:
        """Return what a file holds, and remove it; nothing where it is no file."""
        content = b""
        with suppress(OSError):
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
            descriptor = os.open(name, flags, dir_fd=self._directory)
            with os.fdopen(descriptor, "rb") as stream:
                status = os.fstat(descriptor)
                if stat.S_ISREG(status.st_mode) and status.st_size <= self._most:
                    content = stream.read(self._most)
        with suppress(OSError):
            os.unlink(name, dir_fd=self._directory)
        return content

    def _serve(self, name: str, content: bytes) -> None:
        document: dict[str, object]
        try:
            if self.closed:
                return
            document = {"answers": self._answers(content)}
        except (AutoloopError, ValueError) as error:
            document = {"error": str(error)}
        finally:
            with self._lock:
                self._taken -= 1
        self._put(f"{name}{ANSWER}", json.dumps(document).encode())

    def _answers(self, content: bytes) -> list[str]:
        choice, questions = unpacked(content)
        with self._lock:
            self.largest = max(self.largest, len(content))
            asked = self._asked[choice] = self._asked.get(choice, 0) + len(questions)
            self.waiting += len(questions)
        try:
            return self._answer(self, choice, questions, asked)
        except UsageError as error:
            self.fault = self.fault or error
            raise
        except ProposerError as error:
            if is_service_fault(error) and self.fault is None:
                self.fault = ModelFaultError(f"a metric asks a model: {error}")
            raise
        finally:
            with self._lock:
                self.waiting -= len(questions)

    def _put(self, name: str, content: bytes) -> None:
        """Write a file whole; what the candidate does to its directory is its own affair."""
        part = f"{secrets.token_hex(16)}.part"
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        with self._lock, suppress(OSError):
            if self._directory < 0:
                return
            with os.fdopen(os.open(part, flags, 0o600, dir_fd=self._directory), "wb") as stream:
                stream.write(content)
            os.rename(part, name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
