"""Which error a server's refusal is, and what a person can do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_autoloop.errors import (
    AuthenticationError,
    ProposerError,
    QuotaError,
    RateLimitError,
    UnreachableError,
)
from pytest_autoloop.proposers.vendors import without_secrets

if TYPE_CHECKING:
    from collections.abc import Iterator

    from openai import APIStatusError

    from pytest_autoloop.proposers.vendors import Server

_SERVER_FAULT = 500


@dataclass(frozen=True, slots=True)
class Fault:
    """What a refusal of a server means."""

    error: type[ProposerError]
    what: str
    #: The next step; may name ``{key}`` and ``{address}``.
    advice: str


_KEY = Fault(AuthenticationError, "refused the key", "Set {key} to a key that is valid there.")
_QUOTA = Fault(
    QuotaError,
    "says that the account's quota is used up",
    "Add credit or raise the limit, then start another campaign: what was kept is on the branch.",
)
_FAILED = Fault(UnreachableError, "failed", "Try later, or choose another server.")
_UNEXPLAINED = Fault(
    ProposerError, "refused the request", "Check the model and the server's settings."
)
_BY_STATUS = {
    400: Fault(
        ProposerError,
        "did not accept the request",
        "Check that the model is a chat model that fits the file.",
    ),
    401: _KEY,
    402: _QUOTA,
    403: Fault(
        AuthenticationError,
        "forbids this key to use the model",
        "Choose another model, or set {key} to another key.",
    ),
    404: Fault(
        ProposerError,
        "does not know the model or the address",
        "Check the model's name, and that {address} ends as the server wants (often /v1).",
    ),
    408: _FAILED,
    413: Fault(
        ProposerError,
        "says that the request is too large",
        "Choose a smaller target or a larger model.",
    ),
    429: Fault(
        RateLimitError,
        "limits the rate of requests",
        "Wait a while, then start another campaign: what was kept is on the branch.",
    ),
}
#: Words by which a server says what its status alone does not: Google refuses a key with 400,
#: Anthropic an empty account, OpenAI says 429 to both kinds of too much.
_BY_WORDS = (
    (400, ("api_key_invalid", "api key not valid"), _KEY),
    (400, ("credit balance is too low",), _QUOTA),
    (429, ("insufficient_quota",), _QUOTA),
)


def fault_of(error: APIStatusError) -> Fault:
    """Return what an HTTP error means."""
    said = " ".join(_strings(error.body)).lower()
    for status, words, fault in _BY_WORDS:
        if error.status_code == status and any(word in said for word in words):
            return fault
    if error.status_code >= _SERVER_FAULT:
        return _FAILED
    return _BY_STATUS.get(error.status_code, _UNEXPLAINED)


def advice_of(fault: Fault, server: Server) -> str:
    """Return the next step, in the words of this server."""
    if fault.error is AuthenticationError and not server.key_variable:
        address = without_secrets(server.base_url)
        return f"Name it as {address}#{server.model} and set AUTOLOOP_API_KEY to its key."
    return fault.advice.format(key=server.key_variable, address=address_of(server))


def address_of(server: Server) -> str:
    """Return what a person changes to reach another address."""
    return server.address_variable or "the proposer's address"


def words_of(error: APIStatusError) -> str:
    """Return the server's own message; Google wraps it in a list."""
    body: Any = error.body
    if isinstance(body, list) and body:
        body = body[0]
    if isinstance(body, dict) and isinstance(body.get("error"), dict):
        body = body["error"]
    if isinstance(body, dict) and isinstance(body.get("message"), str):
        return str(body["message"])
    return error.message


def _strings(body: object) -> Iterator[str]:
    """Yield all texts of an error's body."""
    if isinstance(body, str):
        yield body
    for part in body.values() if isinstance(body, dict) else body if isinstance(body, list) else ():
        yield from _strings(part)
