"""Why an agent gave no answer: the matching error, in one sentence with the next step."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.errors import (
    AuthenticationError,
    ProposerError,
    QuotaError,
    RateLimitError,
    UnreachableError,
)
from pytest_autoloop.proposers.edits import clean_text

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pytest_autoloop.proposers.agents.secrecy import Censor

_QUOTE_LIMIT = 300
_QUOTED_LINES = 2
#: Where words that tell the kind of a failure are looked for: the end of what was printed.
_SEARCHED = 4_000


@dataclass(frozen=True, slots=True)
class _Kind:
    error: type[ProposerError]
    words: re.Pattern[str]
    advice: str


def _words(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.IGNORECASE | re.VERBOSE)


#: The first that matches counts: an exhausted quota is often told as a rate limit as well.
_KINDS = (
    _Kind(
        QuotaError,
        _words(
            r"""insufficient[ _]quota | quota[ ](?:is[ ])?(?:exceeded|exhausted|used[ ]up)
            | exceeded[ ](?:\w+[ ]){0,3}quota | TerminalQuotaError | QuotaExceeded
            | credit[ ]balance | out[ ]of[ ]credits? | insufficient[ ](?:funds|balance|credits?)
            | usage[ ]limit | spending[ ]limit | payment[ ]required | error_max_budget"""
        ),
        "Its quota or credit is used up: add some or choose another agent, then start the same "
        "command again",
    ),
    _Kind(
        RateLimitError,
        _words(
            r"""rate[ _-]?limit | too[ ]many[ ]requests | \b429\b | RESOURCE_EXHAUSTED
            | RateLimitError"""
        ),
        "The rate of its requests is limited: wait a while, then start the same command again",
    ),
    _Kind(
        AuthenticationError,
        _words(
            r"""not[ ]logged[ ]in | /login\b | log[ ]in[ ]again | please[ ](?:log|sign)[ ]?in
            | unauthori[sz]ed | authentication | \bauth[ ]method\b | \b401\b | forbidden
            | (?:invalid|incorrect|missing|expired)[ ](?:x-)?api[ _-]key | invalid[ ]bearer
            | api[ _-]key[ ](?:not|is[ ](?:not|missing|invalid)) | PERMISSION_DENIED"""
        ),
        "It has no valid login or key",
    ),
    _Kind(
        UnreachableError,
        _words(
            r"""ECONNREFUSED | ECONNRESET | ENOTFOUND | ETIMEDOUT | EAI_AGAIN | fetch[ ]failed
            | connection[ ](?:error|refused|reset) | network[ ]error | getaddrinfo
            | service[ ]unavailable | overloaded | \b50[234]\b"""
        ),
        "Its server cannot be reached or is overloaded: check the network, or try later",
    ),
)


def kind_of(texts: Iterable[str]) -> tuple[type[ProposerError], str] | None:
    """Return which error an agent's words speak of and what to do; None when of none.

    Only the end of each text is looked at: that is where programs say why they stop.
    """
    searched = "\n".join(text[-_SEARCHED:] for text in texts)
    for kind in _KINDS:
        if kind.words.search(searched):
            return kind.error, kind.advice
    return None


def quote(texts: Iterable[str], censor: Censor) -> str:
    """Return the last lines of the first text that has any, short and fit to be printed."""
    for text in texts:
        lines = [line for line in censor(text[-_SEARCHED:]).splitlines() if line.strip()]
        words = clean_text(" / ".join(lines[-_QUOTED_LINES:]), _QUOTE_LIMIT).rstrip(".")
        if words:
            return words
    return "it printed nothing"
