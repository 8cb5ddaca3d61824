"""Proposals from a chat model, at OpenAI or any server that speaks its protocol."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast
from urllib.parse import urlsplit, urlunsplit

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Edit, Proposal, Usage
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.edits import (
    InvalidEditError,
    apply_reply,
    clean_text,
    edit_format,
    parse_description,
    visible_reply,
)
from pytest_autoloop.proposers.messages import build_messages, repair_messages

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from openai import APIStatusError, OpenAI, OpenAIError
    from openai.types.chat import ChatCompletion, ChatCompletionMessageParam

    from pytest_autoloop.model import Brief
    from pytest_autoloop.proposers.messages import Message

DEFAULT_BASE_URL = "https://api.openai.com/v1"

#: Sent where no key is set: local servers need none, but the client insists on one.
_PLACEHOLDER_KEY = "no-key-needed"
#: Shorter values are words such as "ollama", not secrets; hiding them would garble messages.
_SHORTEST_SECRET = 8
_QUOTE_LIMIT = 300
_REDACTED = "[redacted]"

_SERVER_FAULT = 500
_TOO_MANY_REQUESTS = 429
_UNEXPLAINED = ("refused the request", "Check the model and the server's settings.")
_QUOTA_USED_UP = (
    "says that the account's quota is used up",
    "Add credit or raise the limit, then start another campaign: what was kept is on the branch.",
)
#: HTTP status to what happened and what to do.
_STATUS_MEANING = {
    400: ("did not accept the request", "Check that the model is a chat model that fits the file."),
    401: ("refused the key", "Set OPENAI_API_KEY to a key that is valid there."),
    402: _QUOTA_USED_UP,
    403: ("forbids this key to use the model", "Choose another model or another key."),
    404: (
        "does not know the model or the address",
        "Check the model's name, and that OPENAI_BASE_URL ends as the server wants (often /v1).",
    ),
    413: ("says that the request is too large", "Choose a smaller target or a larger model."),
    429: (
        "limits the rate of requests",
        "Wait a while, then start another campaign: what was kept is on the branch.",
    ),
}


def from_spec(model: str, environ: Mapping[str, str]) -> ChatProposer:
    """Return the proposer that ``openai:MODEL`` names, with key and server from the environment.

    Raises:
        UsageError: no model, no key, or a key or server address that cannot be one.

    """
    model = model.strip()
    if not model:
        raise UsageError(
            "the proposer 'openai:' names no model: write openai:MODEL, for example openai:gpt-5"
        )
    key = environ.get("OPENAI_API_KEY", "").strip()
    base_url = environ.get("OPENAI_BASE_URL", "").strip()
    if not key and not base_url:
        raise UsageError(
            f"the proposer openai:{model} needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL "
            "to the address of a server that needs none"
        )
    if not (key.isascii() and key.isprintable()):
        raise UsageError(
            "OPENAI_API_KEY holds characters that no key has (line breaks, accents or quotes "
            "that were pasted): set it again"
        )
    if base_url and not _is_http_address(base_url):
        raise UsageError(
            f"OPENAI_BASE_URL is {base_url!r}, which is no http:// or https:// address: "
            "set it to one, for example http://localhost:11434/v1"
        )
    return ChatProposer(
        model, name=f"openai:{model}", base_url=base_url or None, api_key=key or None
    )


def _is_http_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        port = parts.port  # read for its check: it raises where it is no port
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and port != 0


class ChatProposer(ProposerBase):
    """Asks a chat model for the next candidate.

    Args:
        model: the model's name, as the server knows it.
        name: the proposer's name in journal and commits.
        base_url: the server's address, OpenAI's own when None.
        api_key: the key; None for servers that need none.
        timeout: seconds that one attempt of a request may take.
        max_retries: attempts after a failed one (rate limit, server fault, network), with the
            pause that the server asks for or a growing one.

    """

    def __init__(
        self,
        model: str,
        *,
        name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout: float = 180,
        max_retries: int = 4,
    ) -> None:
        self.name = name
        self._model = model
        # Given always: the client would otherwise read the environment behind our back.
        self._base_url = base_url or DEFAULT_BASE_URL
        self._api_key = api_key or _PLACEHOLDER_KEY
        self._timeout = timeout
        self._max_retries = max_retries
        self._client: OpenAI | None = None

    def propose(self, brief: Brief) -> Proposal:
        """Return the model's next proposal; `invalid` when it cannot be applied even repaired.

        Raises:
            ProposerError: no usable answer (key, quota, network, refusal, nothing said), or a
                target that is no UTF-8 text.

        """
        messages = self._messages(brief)
        answers = [self._ask(messages)]
        result = _read(answers[0], brief.source)
        if isinstance(result, str) and not answers[0].truncated:
            answers.append(self._ask(repair_messages(messages, answers[0].text, result)))
            result = _read(answers[1], brief.source)
        described = [text for answer in answers if (text := parse_description(answer.text))]
        proposal = Proposal(
            description=self._redact(described[-1]) if described else "no description",
            proposer=self.name,
            usage=_total([answer.usage for answer in answers]),
        )
        if isinstance(result, str):
            return replace(proposal, invalid=self._redact(result))
        return replace(proposal, edits=(Edit(brief.target.path, result),))

    def close(self) -> None:
        """Close the connections; a later proposal opens them again."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _messages(self, brief: Brief) -> list[Message]:
        try:
            return build_messages(brief, edit_format(brief.source))
        except UnicodeDecodeError as error:
            raise ProposerError(
                f"{brief.target.path} is not UTF-8 text (byte {error.start}): {self.name} edits "
                "text only; convert the file to UTF-8 or choose another proposer"
            ) from error

    def _ask(self, messages: Sequence[Message]) -> _Answer:
        import openai  # noqa: PLC0415 - takes a second, so only a campaign that needs it pays

        if self._client is None:
            self._client = openai.OpenAI(
                api_key=self._api_key,
                base_url=self._base_url,
                timeout=self._timeout,
                max_retries=self._max_retries,
            )
        try:
            completion = self._client.chat.completions.create(
                model=self._model, messages=cast("list[ChatCompletionMessageParam]", messages)
            )
        except openai.OpenAIError as error:
            # The cause is not chained: its text may quote the key.
            raise ProposerError(self._explain(error)) from None
        except ValueError:  # the client does not wrap what its JSON parser raises
            raise ProposerError(self._not_a_completion()) from None
        return self._answer(completion)

    def _answer(self, completion: ChatCompletion) -> _Answer:
        # Compatible servers are not always compatible: nothing about the shape is certain.
        choices = getattr(completion, "choices", None)
        message = getattr(choices[0], "message", None) if choices else None
        if not choices or message is None:
            raise ProposerError(self._not_a_completion())
        finish_reason = choices[0].finish_reason
        refusal = getattr(message, "refusal", None)
        if refusal or finish_reason == "content_filter":
            words = self._quote(str(refusal)) if refusal else "its content filter stepped in"
            raise ProposerError(
                f"{self.name} refused to answer: {words}. Reword the target's docstring or "
                "program.md, or choose another model."
            )
        text = visible_reply(message.content) if isinstance(message.content, str) else ""
        truncated = finish_reason == "length"
        if not text.strip() and not truncated:
            raise ProposerError(
                f"{self.name} gave an empty reply. Run the same command again, or choose another "
                "model."
            )
        return _Answer(text, truncated, _usage(completion))

    def _explain(self, error: OpenAIError) -> str:
        import openai  # noqa: PLC0415 - loaded already

        if isinstance(error, openai.APIStatusError):
            what, advice = _status_meaning(error)
            words = self._quote(_server_words(error))
            return f"{self.name}: {self._server} {what} ({error.status_code}: {words}). {advice}"
        if isinstance(error, openai.APITimeoutError):
            return (
                f"{self.name}: {self._server} did not answer within {self._timeout:g} s, in "
                f"{self._max_retries + 1} attempts. Check that it is running and not overloaded, "
                "or choose a faster model."
            )
        if isinstance(error, openai.APIConnectionError):
            return (
                f"{self.name}: {self._server} cannot be reached "
                f"({self._quote(str(error.__cause__ or error))}). Check the network and "
                "OPENAI_BASE_URL."
            )
        return f"{self.name}: {self._server} gave no answer ({self._quote(str(error))})."

    def _not_a_completion(self) -> str:
        return (
            f"{self.name}: {self._server} answered with something that is not a chat completion. "
            "Check OPENAI_BASE_URL (it often ends with /v1) and the model's name."
        )

    @property
    def _server(self) -> str:
        """The server's address without user name, password and query."""
        parts = urlsplit(self._base_url)
        host = parts.netloc.rpartition("@")[2]
        return self._redact(urlunsplit((parts.scheme, host, parts.path, "", "")))

    def _quote(self, text: str) -> str:
        """Return text of others as one short line; the key goes before the line is cut."""
        return clean_text(self._redact(clean_text(text, len(text) + 1)), _QUOTE_LIMIT).rstrip(".")

    def _redact(self, text: str) -> str:
        if self._api_key == _PLACEHOLDER_KEY or len(self._api_key) < _SHORTEST_SECRET:
            return text
        return text.replace(self._api_key, _REDACTED)


@dataclass(frozen=True, slots=True)
class _Answer:
    text: str
    truncated: bool
    usage: Usage


def _read(answer: _Answer, source: bytes) -> bytes | str:
    """Return the target's new content, or what is wrong with the reply."""
    if answer.truncated:
        return (
            "the reply was truncated at the model's output limit: a model with a larger limit, "
            "or a smaller change, is needed"
        )
    try:
        return apply_reply(answer.text, source)
    except InvalidEditError as problem:
        return str(problem)


def _usage(completion: ChatCompletion) -> Usage:
    usage = getattr(completion, "usage", None)
    return Usage(
        prompt_tokens=getattr(usage, "prompt_tokens", None),
        completion_tokens=getattr(usage, "completion_tokens", None),
    )


def _total(usages: Sequence[Usage]) -> Usage:
    return Usage(
        prompt_tokens=_sum_of_known([usage.prompt_tokens for usage in usages]),
        completion_tokens=_sum_of_known([usage.completion_tokens for usage in usages]),
    )


def _sum_of_known(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None


def _status_meaning(error: APIStatusError) -> tuple[str, str]:
    """Return what an HTTP status means here, and what to do about it."""
    if error.status_code == _TOO_MANY_REQUESTS and "insufficient_quota" in {error.code, error.type}:
        return _QUOTA_USED_UP
    if error.status_code >= _SERVER_FAULT:
        return ("failed", "Try later, or choose another server.")
    return _STATUS_MEANING.get(error.status_code, _UNEXPLAINED)


def _server_words(error: APIStatusError) -> str:
    body = error.body
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return error.message
