"""Chat models for metrics: `chat` gives a function that asks one."""

from __future__ import annotations

import json
import os
import secrets
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import AutoloopError, MeasurementError
from pytest_autoloop.metrics.model_questions import (
    ANSWER,
    AT_ONCE,
    LOOK_INTERVAL,
    MAILBOX,
    QUESTION,
    ModelChoice,
    Question,
    messages_of,
    packed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from pytest_autoloop.metrics.model_connection import ModelConnection

_connections: dict[ModelChoice, ModelConnection] = {}
_connecting = threading.Lock()


@dataclass(frozen=True, slots=True)
class Chat:
    """Asks a chat model; made by `chat`."""

    choice: ModelChoice

    def __call__(self, prompt: str | Sequence[Mapping[str, str]], system: str | None = None) -> str:
        """Return the model's answer.

        Args:
            prompt: text, or messages with ``role`` and ``content``, the oldest first.
            system: a system message to stand before them.

        Raises:
            MeasurementError: there is no answer.
        """
        return self.map([prompt], system)[0]

    def map(
        self, prompts: Iterable[str | Sequence[Mapping[str, str]]], system: str | None = None
    ) -> list[str]:
        """Return the answers to several prompts, in their order; eight are asked at a time.

        Raises:
            MeasurementError: one of them has no answer.
        """
        return answers(self.choice, [Question(messages_of(one, system)) for one in prompts])


def chat(
    model: str,
    *,
    base_url: str | None = None,
    temperature: float | None = 0.0,
    seed: int | None = 0,
    max_tokens: int | None = None,
    remember: bool = True,
) -> Chat:
    """Return a function of a prompt that gives a chat model's answer.

    In a session of experiments the session's own process asks, with the keys of your environment,
    and remembers the answers for a day; a candidate sees neither key nor network. In a plain pytest
    run the model is asked directly, and nothing is remembered.

    Args:
        model: as for `--autoloop-proposer`: ``openai:MODEL``, ``anthropic:MODEL``,
            ``gemini:MODEL``, ``ollama:MODEL`` or ``http://SERVER/v1#MODEL``.
        base_url: another server of the same protocol; its key is in ``AUTOLOOP_API_KEY``.
        temperature: 0 for the likeliest answer; None leaves it to the server. A model that takes
            no such parameter is asked without it.
        seed: as above; not every server takes it, and few promise the same answer by it. It is
            not sent where answers are not remembered: it would ask for the same one again.
        max_tokens: longest answer; an answer that is cut off is an error.
        remember: False asks anew each time, at its price: a score then varies as the model does
            and is measured as often as a decision needs. Choose a temperature above 0 with it.

    Raises:
        MeasurementError: when it is called, and there is no answer.
    """
    sent = seed if remember else None
    return Chat(ModelChoice(model, base_url, temperature, sent, max_tokens, remember))


def answers(choice: ModelChoice, questions: Sequence[Question]) -> list[str]:
    """Return the answers to questions, in their order: from the parent process, or directly.

    Raises:
        MeasurementError: one of them has no answer.
    """
    if not questions:
        return []
    mailbox = os.environ.get(MAILBOX)
    if mailbox is None:
        return _asked(choice, questions)
    return _posted(Path(mailbox), choice, questions)


def _asked(choice: ModelChoice, questions: Sequence[Question]) -> list[str]:
    """Ask the model from this process."""
    try:
        with _connecting:
            if choice not in _connections:
                from pytest_autoloop.metrics.model_connection import (  # noqa: PLC0415 - heavy
                    ModelConnection,
                )

                _connections[choice] = ModelConnection(choice, os.environ)
            connection = _connections[choice]
        with ThreadPoolExecutor(min(AT_ONCE, len(questions))) as pool:
            return [answer.text for answer in pool.map(connection.ask, questions)]
    except AutoloopError as error:
        raise MeasurementError(str(error)) from None


def _posted(mailbox: Path, choice: ModelChoice, questions: Sequence[Question]) -> list[str]:
    """Let the parent ask, which reads and writes files in a directory, each in one step."""
    name = secrets.token_hex(16)
    part = mailbox / f"{name}.part"
    try:
        part.write_bytes(packed(choice, questions))
        part.rename(mailbox / f"{name}{QUESTION}")
    except FileNotFoundError:
        raise MeasurementError(
            f"{choice.model} cannot be asked here: only a model that was asked when the untouched "
            "target was tried is asked later, on a system whose directories can be held open, and "
            "workers of --autoloop-executor cannot ask at all"
        ) from None
    while True:
        with suppress(FileNotFoundError):
            document = json.loads((mailbox / f"{name}{ANSWER}").read_bytes())
            break
        # The limit is the session's: it ends this process.
        time.sleep(LOOK_INTERVAL)
    if "error" in document:
        raise MeasurementError(document["error"])
    given: list[str] = document["answers"]
    return given
