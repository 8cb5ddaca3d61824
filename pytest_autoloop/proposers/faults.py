"""Which error a server's refusal is, and what a person can do about it."""

from __future__ import annotations

import random
import threading
from contextlib import suppress
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from time import monotonic, time
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_autoloop.errors import (
    AuthenticationError,
    ProposerError,
    QuotaError,
    RateLimitError,
    RefusalError,
    TruncatedReplyError,
    UnreachableError,
)
from pytest_autoloop.proposers.edits import clean_text
from pytest_autoloop.proposers.vendors import without_secrets

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from openai import APIStatusError

    from pytest_autoloop.proposers.vendors import Server

_SERVER_FAULT = 500
#: Other refusals that pass: time limit, conflict, too many requests.
_PASSING = frozenset({408, 409, 429})
#: Seconds: the first pause before a retry, each further one is twice as long, up to the longest;
#: and the longest that a server may ask for.
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 8.0
_LONGEST_ASKED_PAUSE = 60.0
#: Seconds between two looks at how much has come.
_LOOK_INTERVAL = 0.05
#: How servers say in lower case that the model is done; that it, or who watches it, would not; and
#: that it had to stop. Whatever else one says, the reply is not known to be whole.
_DONE = frozenset(
    {"", "stop", "end_turn", "stop_sequence", "eos", "eos_token", "tool_calls", "function_call"}
)
_REFUSED = frozenset(
    {"content_filter", "refusal", "safety", "recitation", "prohibited_content", "blocklist", "spii"}
)
_CUT_OFF = frozenset({"length", "max_tokens", "model_length", "max_output_tokens"})
_LONGEST_REASON = 60

Result = TypeVar("Result")


class TooLargeError(Exception):
    """The server sends more than any reply that could be meant."""


class TooSlowError(Exception):
    """The time is up, whatever the server still sends."""


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


def ending_of(reason: str, said: str) -> Fault | None:
    """Return what a completion's ``finish_reason`` means; None when the reply is whole.

    `said` is the model's refusal, where it gave one.
    """
    kind = reason.lower()
    if kind in _DONE:
        return None
    if kind in _REFUSED:
        what = f" refused to answer: {said or 'its content filter stepped in'}"
        advice = "Reword the target's docstring or program.md, or choose another model."
        return Fault(RefusalError, what, advice)
    how = "was truncated at the model's output limit"
    if kind not in _CUT_OFF:
        shown = clean_text(reason, _LONGEST_REASON)
        how = f"ended with finish_reason {shown}, which does not say that it is whole"
    advice = (
        "Choose a model with a larger limit, or smaller edits: SEARCH/REPLACE blocks, with "
        "--autoloop-edit-format blocks."
    )
    return Fault(TruncatedReplyError, f": the reply {how}, and nothing of it is applied", advice)


def within(seconds: float, work: Callable[[], Result], is_too_large: Callable[[], bool]) -> Result:
    """Return what the work returns, or raise what it raises.

    Raises:
        TooSlowError: it takes longer; a thread is left to it, which ends with the process at last.
        TooLargeError: it is too large, which is looked at now and then.

    """
    results: list[Result] = []
    errors: list[BaseException] = []

    def run() -> None:
        try:
            results.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            errors.append(error)

    worker = threading.Thread(target=run, name="pytest-autoloop-request", daemon=True)
    worker.start()
    deadline = monotonic() + seconds
    while worker.is_alive() and (left := deadline - monotonic()) > 0:
        worker.join(min(left, _LOOK_INTERVAL))
        if is_too_large():
            raise TooLargeError
    if results:
        return results[0]
    raise errors[0] if errors else TooSlowError


def pause_before_retry(error: Exception, attempt: int) -> float | None:
    """Return the seconds to wait before the next attempt; None when it would fail as well.

    What is no HTTP error is a fault of the network, which may pass. `attempt` counts from 0.
    """
    own = min(_FIRST_PAUSE * 2.0 ** min(attempt, 10), _LONGEST_PAUSE)
    own *= 1 - random.random() / 4  # noqa: S311 - keeps clients from asking all at once
    status = getattr(error, "status_code", None)
    if not isinstance(status, int):
        return own
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", {})
    told = headers.get("x-should-retry")
    if told == "false" or (told != "true" and status < _SERVER_FAULT and status not in _PASSING):
        return None
    asked = _asked_pause(headers)
    return asked if 0 < asked <= _LONGEST_ASKED_PAUSE else own


def _asked_pause(headers: Mapping[str, str]) -> float:
    """Return the seconds that a server asks to be left alone; 0 where it does not say."""
    after = headers.get("retry-after", "")
    for text, unit in ((headers.get("retry-after-ms", ""), 1000), (after, 1)):
        with suppress(ValueError):
            return float(text) / unit
    with suppress(ValueError, TypeError, OverflowError):
        date = parsedate_to_datetime(after)
        return float(date.timestamp() - time())
    return 0


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
    """Yield all texts of an error's body, however deep it is nested."""
    waiting = [body]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            yield part
        elif isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list):
            waiting += part
