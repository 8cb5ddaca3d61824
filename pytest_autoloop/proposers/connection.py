"""One chat server: what is asked, what is answered, and what went wrong, without its secrets."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pytest_autoloop.errors import (
    EmptyReplyError,
    ProposerError,
    UnreachableError,
)
from pytest_autoloop.proposers.clients import Clients
from pytest_autoloop.proposers.edits import clean_text, visible_reply
from pytest_autoloop.proposers.faults import (
    TooLargeError,
    TooSlowError,
    address_of,
    advice_of,
    ending_of,
    fault_of,
    pause_before_retry,
    within,
    words_of,
)
from pytest_autoloop.proposers.prices import cost_usd
from pytest_autoloop.proposers.vendors import secrets_of, without_secrets
from pytest_autoloop.usage import Usage

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from openai import OpenAI, OpenAIError
    from openai.types.chat import ChatCompletionMessageParam

    from pytest_autoloop.proposers.faults import Result
    from pytest_autoloop.proposers.messages import Message
    from pytest_autoloop.proposers.vendors import Server

#: Shorter values are words such as "ollama", not secrets; hiding them would garble messages.
_SHORTEST_SECRET = 8
_QUOTE_LIMIT = 300
_REDACTED = "[redacted]"
#: Seconds in which a server shows that it is there.
_REACH_TIMEOUT = 5.0
#: Bytes of a reply; the longest that a model can write is a small part of it.
_REPLY_LIMIT = 16_000_000
#: More tokens than any request has: a count beyond is none.
_TOKEN_LIMIT = 10**12


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, never empty or cut off, and what that cost."""

    text: str
    usage: Usage


class Connection:
    """Asks one model at one server, through the client of OpenAI; several threads may at once.

    Args:
        server: the model and where it is served.
        secrets: what no message may show, beside the server's key and password.
        timeout: seconds that one attempt of a request may take.
        max_retries: attempts after a failed one (rate limit, server fault, network), with the
            pause that the server asks for or a growing one.

    """

    def __init__(
        self, server: Server, *, secrets: Sequence[str], timeout: float, max_retries: int
    ) -> None:
        self._server = server
        self._timeout = timeout
        self._max_retries = max_retries
        self._clients = Clients(server, timeout)
        hidden = {*secrets, server.api_key, *secrets_of(server.base_url)}
        # Longest first: one secret may be part of another.
        self._secrets = sorted(
            (secret for secret in hidden if len(secret) >= _SHORTEST_SECRET), key=len, reverse=True
        )
        self.name = self.redact(server.name)

    def unreachable(self) -> str:
        """Return why nobody answers there, after one short attempt; empty when somebody does.

        Whatever is answered, somebody is there: not every server lists its models.
        """
        import openai  # noqa: PLC0415 - takes a second, so only a campaign that needs it pays

        def look(client: OpenAI) -> None:
            # Nothing is expected of the content: it is not even read.
            patient = client.with_options(timeout=_REACH_TIMEOUT, max_retries=0)
            with patient.models.with_streaming_response.list():
                pass

        try:
            self._within(_REACH_TIMEOUT, look)
        except (openai.APIConnectionError, TooSlowError) as error:
            return self._no_connection(error, _REACH_TIMEOUT, attempts=1)
        except (openai.OpenAIError, TooLargeError):
            return ""
        return ""

    def ask(self, messages: Sequence[Message]) -> Answer:
        """Return the model's answer.

        Raises:
            ProposerError: there is none; it carries what was spent nevertheless.

        """
        import openai  # noqa: PLC0415 - loaded by now, except in programs that skip the check

        try:
            body = self._patiently(messages)
        except (openai.OpenAIError, TooSlowError) as error:
            # The cause is not chained: its text may quote the key.
            raise self._explained(error) from None
        except TooLargeError:
            raise UnreachableError(
                f"{self.name}: {self._address} answered with more than "
                f"{_REPLY_LIMIT // 1_000_000} MB, which no chat completion has. Check "
                f"{address_of(self._server)}."
            ) from None
        except UnicodeEncodeError:
            raise ProposerError(
                f"{self.name}: the request holds half a character, which cannot be sent. Look for "
                "it in program.md and in what the tests print."
            ) from None
        try:
            completion = json.loads(body)
        except (ValueError, RecursionError):
            raise UnreachableError(self._not_a_completion()) from None
        return self._answer(completion)

    def _patiently(self, messages: Sequence[Message]) -> bytes:
        """Return the body of the answer, after as many attempts as it takes and there may be."""
        import openai  # noqa: PLC0415 - as above

        closings = self._clients.closings
        for attempt in range(self._max_retries + 1):
            try:
                return self._within(self._timeout, lambda client: self._body(client, messages))
            except (openai.APIError, TooSlowError) as error:
                pause = pause_before_retry(error, attempt)
                ended = closings != self._clients.closings
                if pause is None or attempt == self._max_retries or ended:
                    raise
            time.sleep(pause)
        raise AssertionError  # the last attempt returns or raises

    def _body(self, client: OpenAI, messages: Sequence[Message]) -> bytes:
        """Return the body of one answer, read piece by piece so that its size can be limited."""
        import openai  # noqa: PLC0415 - as above

        body = bytearray()
        with client.chat.completions.with_streaming_response.create(
            model=self._server.model,
            messages=cast("list[ChatCompletionMessageParam]", messages),
        ) as response:
            try:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > _REPLY_LIMIT:
                        break
            # The kinds are those of the library that this version of the client is built on.
            except Exception as error:
                raise openai.APIConnectionError(request=response.http_request) from error
        if len(body) > _REPLY_LIMIT:
            raise TooLargeError
        return bytes(body)

    def _within(self, seconds: float, work: Callable[[OpenAI], Result]) -> Result:
        """Return what the work with a client returns, or give the client up when that takes long.

        The client's own limit is none: it begins anew with every byte.
        """
        with self._clients.lend() as client:
            return within(
                seconds, lambda: work(client.library), lambda: client.received > _REPLY_LIMIT
            )

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text

    def close(self) -> None:
        """Close the connections; a later question opens them again.

        Who is being asked in another thread hears that nobody answers, and does not ask again.
        """
        self._clients.close()

    def _answer(self, completion: object) -> Answer:
        # Compatible servers are not always compatible: nothing about the shape is certain.
        usage = self._usage(completion)
        choices = _part(completion, "choices")
        first = choices[0] if isinstance(choices, list) and choices else None
        message = _part(first, "message")
        if message is None:
            raise _with_cost(UnreachableError(self._not_a_completion(completion)), usage)
        reason = _part(first, "finish_reason") or ""
        refusal = _part(message, "refusal")
        said = self._quote(refusal) if isinstance(refusal, str) else ""
        if ending := ending_of("refusal" if refusal else str(reason), said):
            problem = f"{self.name}{ending.what}. {ending.advice}"
            raise _with_cost(ending.error(self.redact(problem)), usage)
        content = _part(message, "content")
        text = visible_reply(content) if isinstance(content, str) else ""
        if not text.strip():
            words = (
                f"{self.name} gave an empty reply. Run the same command again, or choose another "
                "model."
            )
            raise _with_cost(EmptyReplyError(words), usage)
        return Answer(text, usage)

    def _usage(self, completion: object) -> Usage:
        reported = _part(completion, "usage")
        prompt = _count(_part(reported, "prompt_tokens"))
        answered = _count(_part(reported, "completion_tokens"))
        cost = cost_usd(
            self._server.model,
            self._server.price_provider,
            prompt,
            answered,
            _count(_part(_part(reported, "prompt_tokens_details"), "cached_tokens")) or 0,
            address=without_secrets(self._server.base_url),
        )
        return Usage(prompt, answered, cost)

    def _explained(self, error: OpenAIError | TooSlowError) -> ProposerError:
        import openai  # noqa: PLC0415 - loaded already

        if isinstance(error, openai.APIStatusError):
            fault = fault_of(error)
            words = self._quote(words_of(error))
            return fault.error(
                f"{self.name}: {self._address} {fault.what} ({error.status_code}: {words}). "
                f"{advice_of(fault, self._server)}"
            )
        if isinstance(error, (openai.APIConnectionError, TooSlowError)):
            message = self._no_connection(error, self._timeout, attempts=self._max_retries + 1)
            return UnreachableError(message)
        return UnreachableError(
            f"{self.name}: {self._address} gave no answer ({self._quote(str(error))}). Try later, "
            "or choose another server."
        )

    def _no_connection(self, error: Exception, seconds: float, *, attempts: int) -> str:
        import openai  # noqa: PLC0415 - loaded already

        if isinstance(error, (openai.APITimeoutError, TooSlowError)):
            tries = "1 attempt" if attempts == 1 else f"{attempts} attempts"
            return (
                f"{self.name}: {self._address} did not answer within {seconds:g} s, in {tries}. "
                "Check that it is running and not overloaded, or choose a faster model."
            )
        return (
            f"{self.name}: {self._address} cannot be reached "
            f"({self._quote(str(error.__cause__ or error))}). Check the network, and "
            f"{address_of(self._server)}."
        )

    def _not_a_completion(self, answer: object = None) -> str:
        error = _part(answer, "error")
        said = _part(error, "message") or error
        quoted = f" ({self._quote(said)})" if isinstance(said, str) and said else ""
        return (
            f"{self.name}: {self._address} answered with something that is not a chat completion"
            f"{quoted}. Check {address_of(self._server)} (it often ends with /v1) and the model's "
            "name."
        )

    @property
    def _address(self) -> str:
        return self.redact(without_secrets(self._server.base_url))

    def _quote(self, text: str) -> str:
        """Return text of others as one short line; secrets go before the line is cut."""
        return clean_text(self.redact(clean_text(text, len(text) + 1)), _QUOTE_LIMIT).rstrip(".")


def _part(value: object, name: str) -> Any:  # noqa: ANN401 - as the server likes
    """Return what stands under a name; None where there is no such thing."""
    return value.get(name) if isinstance(value, dict) else None


def _count(reported: object) -> int | None:
    return reported if type(reported) is int and 0 <= reported <= _TOKEN_LIMIT else None


def _with_cost(error: ProposerError, spent: Usage) -> ProposerError:
    error.tokens_used, error.cost_usd = spent.tokens, spent.cost_usd
    return error
