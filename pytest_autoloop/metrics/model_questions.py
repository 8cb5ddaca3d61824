"""What a metric asks a model, as plain data that travels from a child session to its parent."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Set in every child session: the directory in which its parent looks for questions. It is there
#: only while somebody answers.
MAILBOX = "PYTEST_AUTOLOOP_MODELS"
#: Endings of a question's file, and of the answer's, behind the same 32 hexadecimal digits.
QUESTION, ANSWER = ".question", ".answer"
#: Seconds between two looks for a file.
LOOK_INTERVAL = 0.01
#: Questions that are asked at the same time.
AT_ONCE = 8

#: As in OpenAI's protocol: mappings with ``role`` and ``content``, the oldest first.
Messages: TypeAlias = "tuple[dict[str, str], ...]"


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """A model and how it is asked; None leaves a parameter to the server."""

    model: str
    base_url: str | None = None
    temperature: float | None = 0.0
    seed: int | None = 0
    max_tokens: int | None = None
    #: Whether an answer is given again to the same question, without asking.
    remember: bool = True


@dataclass(frozen=True, slots=True)
class Question:
    """One question; questions that differ in `draw` alone are answered independently."""

    messages: Messages
    draw: int = 0

    @property
    def size(self) -> int:
        """Characters that are sent."""
        return sum(len(message["content"]) for message in self.messages)

    def key(self, choice: ModelChoice, address: str) -> str:
        """Return what its answer is remembered by: everything that the answer depends on.

        `address` is where the model is served, which the environment may change.
        """
        content = json.dumps([asdict(choice), address, list(self.messages), self.draw])
        return hashlib.sha256(content.encode("utf-8", "surrogatepass")).hexdigest()


def messages_of(prompt: str | Sequence[Mapping[str, str]], system: str | None = None) -> Messages:
    """Return a prompt as messages, behind a system message where there is one.

    Raises:
        TypeError: the prompt is neither text nor messages with a role and a text.
    """
    first = () if system is None else ({"role": "system", "content": system},)
    if isinstance(prompt, str):
        return (*first, {"role": "user", "content": prompt})
    given = tuple(dict(message) for message in prompt)
    for message in given:
        _check_message(message)
    return (*first, *given)


def packed(choice: ModelChoice, questions: Sequence[Question]) -> bytes:
    """Return questions as they are written for the parent."""
    document = {"choice": asdict(choice), "questions": [asdict(one) for one in questions]}
    return json.dumps(document).encode()


def unpacked(content: bytes) -> tuple[ModelChoice, tuple[Question, ...]]:
    """Read questions that anything in a child may have written.

    Raises:
        ValueError: they are none.
    """
    try:
        document = json.loads(content)
        choice = ModelChoice(**document["choice"])
        questions = tuple(
            Question(tuple(one["messages"]), one["draw"]) for one in document["questions"]
        )
        for message in (message for one in questions for message in one.messages):
            _check_message(message)
        # Hashed by what they are declared as; a list in one of them would raise later.
        hash(choice)
        whole = all(type(one.draw) is int for one in questions)
    except (LookupError, ValueError, TypeError, RecursionError, AttributeError) as error:
        raise ValueError(f"this is no question to a model: {error}") from error
    if not whole:
        raise ValueError("this is no question to a model: a draw is a whole number")
    return choice, questions


def _check_message(message: Any) -> None:  # noqa: ANN401 - whatever was given
    whole = isinstance(message, dict) and set(message) == {"role", "content"}
    if not whole or not all(isinstance(value, str) for value in message.values()):
        raise TypeError(
            f"{message!r} is no message: write text, or mappings with a role and a content, both "
            "of them text"
        )
