"""A chat model that a metric asks: the proposers' connection, with parameters of its own."""

from __future__ import annotations

import threading
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

from pytest_autoloop.errors import (
    AuthenticationError,
    ProposerError,
    QuotaError,
    RateLimitError,
    TruncatedReplyError,
    UnreachableError,
    UsageError,
)
from pytest_autoloop.proposers.connection import Connection
from pytest_autoloop.proposers.vendors import SECRETS, is_chat_spec, server_from_spec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openai import BadRequestError, OpenAI

    from pytest_autoloop.metrics.model_questions import ModelChoice, Question
    from pytest_autoloop.proposers.connection import Answer
    from pytest_autoloop.proposers.messages import Message
    from pytest_autoloop.proposers.vendors import Server

#: Seconds that one attempt may take, and attempts after a failed one.
_TIMEOUT = 120.0
_RETRIES = 4
#: Faults of the service or of its account, not of what was asked.
SERVICE_FAULTS = (AuthenticationError, QuotaError, RateLimitError, UnreachableError)
#: What is told to whom a proposer fails, and what to whom a metric does.
_IN_OTHER_WORDS = (
    ("the proposer's address", "the model's address"),
    ("start another campaign: what was kept is on the branch", "give the same command again"),
    ("Reword the target's docstring or program.md", "Reword what is asked"),
)
#: What newer models call a parameter; without one it is left out.
_RENAMED = {"max_tokens": "max_completion_tokens"}


def server_of(choice: ModelChoice, environ: Mapping[str, str]) -> Server:
    """Return where a model is served, by the environment that the proposers read too.

    Raises:
        UsageError: no such kind of model, no key, or an address that is none.
    """
    spec = choice.model
    if choice.base_url is not None:
        # The key of a vendor is for the vendor alone: another address gets AUTOLOOP_API_KEY.
        bare = spec.partition(":")[2] if is_chat_spec(spec) else spec
        spec = f"{choice.base_url}#{bare}"
    elif not is_chat_spec(spec):
        raise UsageError(
            f"a metric asks the model {spec!r}, which names no chat model: write openai:MODEL, "
            "anthropic:MODEL, gemini:MODEL, ollama:MODEL or http://SERVER/v1#MODEL"
        )
    try:
        return server_from_spec(spec, environ)
    except UsageError as error:
        told = str(error).replace("the proposer", "the model", 1)
        raise UsageError(f"a metric asks a model: {told}") from None


class ModelConnection:
    """Asks one model; several threads may at once.

    Raises:
        UsageError: as for `server_of`.
    """

    def __init__(self, choice: ModelChoice, environ: Mapping[str, str]) -> None:
        self.server = server_of(choice, environ)
        self._choice = choice
        self._secrets = [environ[name].strip() for name in SECRETS if name in environ]
        self._lock = threading.Lock()
        self._by_draw: dict[int, _Tuned] = {}

    def ask(self, question: Question) -> Answer:
        """Return the model's answer.

        Raises:
            ProposerError: there is none; one of `SERVICE_FAULTS` where that is not the question's
                doing. It carries what was spent nevertheless.
        """
        try:
            return self._drawn(question.draw).ask(list(question.messages))
        except TruncatedReplyError as error:
            told = (
                f"{self.server.name}: the reply ends at the model's output limit: raise "
                "max_tokens, or ask for a shorter answer"
            )
            spent = {"tokens_used": error.tokens_used, "cost_usd": error.cost_usd}
            raise TruncatedReplyError(told, **spent) from None  # type: ignore[arg-type]
        except ProposerError as error:
            told = str(error)
            for theirs, ours in _IN_OTHER_WORDS:
                told = told.replace(theirs, ours)
            error.args = (told,)
            raise

    def close(self) -> None:
        """Close all connections; who asks in another thread hears that nobody answers."""
        with self._lock:
            connections = list(self._by_draw.values())
        for connection in connections:
            connection.close()

    def _drawn(self, draw: int) -> _Tuned:
        with self._lock:
            if draw not in self._by_draw:
                seed = self._choice.seed
                choice = replace(self._choice, seed=None if seed is None else seed + draw)
                self._by_draw[draw] = _Tuned(self.server, self._secrets, choice)
            return self._by_draw[draw]


class _Tuned(Connection):
    """A connection whose requests carry parameters; one that a model refuses is left out."""

    def __init__(self, server: Server, secrets: Sequence[str], choice: ModelChoice) -> None:
        super().__init__(server, secrets=secrets, timeout=_TIMEOUT, max_retries=_RETRIES)
        given = {
            "temperature": choice.temperature,
            "seed": choice.seed,
            "max_tokens": choice.max_tokens,
        }
        self._parameters = {name: value for name, value in given.items() if value is not None}

    def _body(self, client: OpenAI, messages: Sequence[Message]) -> bytes:
        import openai  # noqa: PLC0415 - takes a second, so only who asks pays

        while True:
            parameters = self._parameters
            try:
                return super()._body(_with(client, parameters), messages)
            except openai.BadRequestError as error:
                refused = _refused(error, parameters)
                if refused is None:
                    raise
            # Another thread may have learned the same meanwhile.
            left = {name: value for name, value in parameters.items() if name != refused}
            if refused in _RENAMED:
                left[_RENAMED[refused]] = parameters[refused]
            self._parameters = left


def _refused(error: BadRequestError, parameters: Mapping[str, float]) -> str | None:
    """Return the parameter that a model does not take; None where that is not what is wrong."""
    if error.param in parameters:
        return error.param
    said = error.message.lower()
    return next((name for name in parameters if name in said), None)


def _with(client: OpenAI, parameters: Mapping[str, float]) -> OpenAI:
    """Return what a connection uses of a client, sending parameters with each request."""
    create = client.chat.completions.with_streaming_response.create

    def tuned(**asked: object) -> object:
        return create(**asked, **parameters)  # type: ignore[call-overload]

    response = SimpleNamespace(create=tuned)
    completions = SimpleNamespace(with_streaming_response=response)
    return cast("OpenAI", SimpleNamespace(chat=SimpleNamespace(completions=completions)))


def is_service_fault(error: ProposerError) -> bool:
    """Tell whether a person has to see to it: neither the question nor a candidate is to blame."""
    return isinstance(error, SERVICE_FAULTS)
