"""One chat server: what is asked, what is answered, and what went wrong, without its secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast
from urllib.parse import parse_qsl, unquote, urlsplit, urlunsplit

from pytest_autoloop.errors import (
    EmptyReplyError,
    ProposerError,
    RefusalError,
    TruncatedReplyError,
    UnreachableError,
)
from pytest_autoloop.model import Usage
from pytest_autoloop.proposers.edits import clean_text, visible_reply
from pytest_autoloop.proposers.faults import address_of, advice_of, fault_of, words_of
from pytest_autoloop.proposers.prices import cost_usd
from pytest_autoloop.proposers.vendors import without_secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from openai import OpenAI, OpenAIError
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

    from pytest_autoloop.proposers.messages import Message
    from pytest_autoloop.proposers.vendors import Server

#: Sent where no key is set: local servers need none, but the client insists on one.
_PLACEHOLDER_KEY = "no-key-needed"
#: Shorter values are words such as "ollama", not secrets; hiding them would garble messages.
_SHORTEST_SECRET = 8
_QUOTE_LIMIT = 300
_REDACTED = "[redacted]"
#: Seconds in which a server shows that it is there.
_REACH_TIMEOUT = 5.0
#: How servers say that the model, or who watches it, would not.
_REFUSED = frozenset({"content_filter", "refusal"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What a model said, never empty or cut off, and what that cost."""

    text: str
    usage: Usage


class Connection:
    """Asks one model at one server, through the client of OpenAI.

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
        self._client: OpenAI | None = None
        password = urlsplit(server.base_url).password or ""
        hidden = {*secrets, server.api_key, password, unquote(password)}
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

        client = self._connected().with_options(timeout=_REACH_TIMEOUT, max_retries=0)
        try:
            # The raw answer: nothing is expected of its content.
            client.models.with_raw_response.list()
        except openai.APIConnectionError as error:
            return self._no_connection(error, _REACH_TIMEOUT, attempts=1)
        except openai.OpenAIError:
            return ""
        return ""

    def ask(self, messages: Sequence[Message]) -> Answer:
        """Return the model's answer.

        Raises:
            ProposerError: there is none; it carries what was spent nevertheless.

        """
        import openai  # noqa: PLC0415 - loaded by now, except in programs that skip the check

        try:
            completion = self._connected().chat.completions.create(
                model=self._server.model,
                messages=cast("list[ChatCompletionMessageParam]", messages),
            )
        except openai.OpenAIError as error:
            # The cause is not chained: its text may quote the key.
            raise self._explained(error) from None
        except ValueError:  # the client does not wrap what its JSON parser raises
            raise UnreachableError(self._not_a_completion()) from None
        return self._answer(completion)

    def redact(self, text: str) -> str:
        """Return a text without the secrets."""
        for secret in self._secrets:
            text = text.replace(secret, _REDACTED)
        return text

    def close(self) -> None:
        """Close the connections; a later question opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _connected(self) -> OpenAI:
        import openai  # noqa: PLC0415 - as above

        if self._client is None:
            parts = urlsplit(self._server.base_url)
            key = self._server.api_key or _PLACEHOLDER_KEY
            self._client = openai.OpenAI(
                api_key=key,
                # Given always: the client would otherwise read the environment behind our back.
                base_url=urlunsplit((*parts[:3], "", "")),
                default_query=dict(parse_qsl(parts.query)),
                default_headers=self._own_headers(key),
                timeout=self._timeout,
                max_retries=self._max_retries,
            )
        return self._client

    def _own_headers(self, key: str) -> dict[str, str]:
        """Return what keeps headers that the environment holds for OpenAI from other servers."""
        import openai  # noqa: PLC0415 - as above

        # Clients without `Omit` do not read OPENAI_CUSTOM_HEADERS either.
        if self._server.address_variable == "OPENAI_BASE_URL" or not hasattr(openai, "Omit"):
            return {}
        lines = os.environ.get("OPENAI_CUSTOM_HEADERS", "").split("\n")
        names = {line.partition(":")[0].strip() for line in lines if ":" in line}
        names |= {"OpenAI-Organization", "OpenAI-Project"}
        left_out = {name: openai.Omit() for name in names if name.lower() != "authorization"}
        # The client's types do not know that a default may be left out too.
        return {"Authorization": f"Bearer {key}"} | cast("dict[str, str]", left_out)

    def _answer(self, completion: ChatCompletion) -> Answer:
        # Compatible servers are not always compatible: nothing about the shape is certain.
        usage = self._usage(completion)
        choices = getattr(completion, "choices", None)
        first = choices[0] if isinstance(choices, list) and choices else None
        message = getattr(first, "message", None)
        if first is None or message is None:
            raise _with_cost(UnreachableError(self._not_a_completion(completion)), usage)
        refusal = getattr(message, "refusal", None)
        finish_reason = str(getattr(first, "finish_reason", ""))
        if refusal or finish_reason in _REFUSED:
            words = self._quote(str(refusal)) if refusal else "its content filter stepped in"
            problem = (
                f"{self.name} refused to answer: {words}. Reword the target's docstring or "
                "program.md, or choose another model."
            )
            raise _with_cost(RefusalError(problem), usage)
        if finish_reason == "length":
            problem = (
                f"{self.name}: the reply was truncated at the model's output limit, and nothing of "
                "it is applied. Choose a model with a larger limit, or smaller edits: "
                "SEARCH/REPLACE blocks, with --autoloop-edit-format blocks."
            )
            raise _with_cost(TruncatedReplyError(problem), usage)
        content = getattr(message, "content", None)
        text = visible_reply(content) if isinstance(content, str) else ""
        if not text.strip():
            problem = (
                f"{self.name} gave an empty reply. Run the same command again, or choose another "
                "model."
            )
            raise _with_cost(EmptyReplyError(problem), usage)
        return Answer(text, usage)

    def _usage(self, completion: ChatCompletion) -> Usage:
        reported = getattr(completion, "usage", None)
        details = getattr(reported, "prompt_tokens_details", None)
        prompt = _count(getattr(reported, "prompt_tokens", None))
        answered = _count(getattr(reported, "completion_tokens", None))
        cost = cost_usd(
            self._server.model,
            self._server.price_provider,
            prompt,
            answered,
            _count(getattr(details, "cached_tokens", None)) or 0,
            address=without_secrets(self._server.base_url),
        )
        return Usage(prompt, answered, cost)

    def _explained(self, error: OpenAIError) -> ProposerError:
        import openai  # noqa: PLC0415 - loaded already

        if isinstance(error, openai.APIStatusError):
            fault = fault_of(error)
            words = self._quote(words_of(error))
            return fault.error(
                f"{self.name}: {self._address} {fault.what} ({error.status_code}: {words}). "
                f"{advice_of(fault, self._server)}"
            )
        if isinstance(error, openai.APIConnectionError):
            message = self._no_connection(error, self._timeout, attempts=self._max_retries + 1)
            return UnreachableError(message)
        return UnreachableError(
            f"{self.name}: {self._address} gave no answer ({self._quote(str(error))}). Try later, "
            "or choose another server."
        )

    def _no_connection(self, error: OpenAIError, seconds: float, *, attempts: int) -> str:
        import openai  # noqa: PLC0415 - loaded already

        if isinstance(error, openai.APITimeoutError):
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
        said = getattr(answer, "error", None)
        quoted = f" ({self._quote(str(said))})" if said else ""
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


def _count(reported: object) -> int | None:
    return reported if type(reported) is int and reported >= 0 else None


def _with_cost(error: ProposerError, spent: Usage) -> ProposerError:
    error.tokens_used, error.cost_usd = spent.tokens, spent.cost_usd
    return error
