"""Proposals from a chat model, at any server that speaks OpenAI's protocol."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, cast, get_args

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Edit, Lessons, Proposal
from pytest_autoloop.proposers.base import ProposerBase
from pytest_autoloop.proposers.connection import Connection
from pytest_autoloop.proposers.edits import (
    EditFormat,
    InvalidEditError,
    apply_reply,
    decode,
    edit_format,
    parse_description,
)
from pytest_autoloop.proposers.messages import (
    build_messages,
    parse_lessons,
    repair_messages,
    review_messages,
)
from pytest_autoloop.proposers.scope import other_path
from pytest_autoloop.proposers.vendors import SECRETS, server_from_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pytest_autoloop.model import Brief, Target
    from pytest_autoloop.proposers.vendors import Server
    from pytest_autoloop.usage import Usage


def from_spec(
    spec: str, environ: Mapping[str, str], *, edit_formats: Sequence[str] = ()
) -> ChatProposer:
    """Return the proposer that ``VENDOR:MODEL`` or ``http://SERVER#MODEL`` names.

    Key and address are read from `environ`. Of the edit formats (``auto``, ``whole``, ``blocks``)
    the first whose pattern matches the spec counts (``ollama:*=whole``), else the last without a
    pattern.

    Raises:
        UsageError: no model, no key, or a key, address or edit format that cannot be one.

    """
    server = server_from_spec(spec, environ)
    secrets = [environ[name].strip() for name in SECRETS if name in environ]
    return ChatProposer(server, edit_format=_chosen_format(spec, edit_formats), secrets=secrets)


def _chosen_format(spec: str, edit_formats: Sequence[str]) -> EditFormat | None:
    """Return the format for a model; None when the target's size decides."""
    plain, matched = "auto", ""
    for text in edit_formats:
        pattern, equals, name = text.rpartition("=")
        if name not in {"auto", *get_args(EditFormat)} or (equals and not pattern):
            raise UsageError(
                f"{text!r} is no edit format: write auto, whole or blocks, or PATTERN=FORMAT such "
                "as ollama:*=whole"
            )
        if not equals:
            plain = name
        elif not matched and fnmatchcase(spec, pattern):
            matched = name
    chosen = matched or plain
    return None if chosen == "auto" else cast("EditFormat", chosen)


class ChatProposer(ProposerBase):
    """Asks a chat model for the next candidate.

    Args:
        server: the model and where it is served.
        edit_format: how it writes edits; None leaves it to the target's size.
        secrets: what no message may show, beside the server's key and password.
        timeout: seconds that one attempt of a request may take.
        max_retries: attempts after a failed one, with a pause before each.

    """

    uses_profile = True
    parallel = True

    def __init__(
        self,
        server: Server,
        *,
        edit_format: EditFormat | None = None,
        secrets: Sequence[str] = (),
        timeout: float = 180,
        max_retries: int = 4,
    ) -> None:
        self._model = Connection(server, secrets=secrets, timeout=timeout, max_retries=max_retries)
        self._edit_format = edit_format
        self.name = self._model.name

    def check(self, target: Target, source: bytes) -> None:
        """Refuse a target that is no text, and a server where nobody answers.

        Raises:
            UsageError: one of them.

        """
        try:
            decode(source)
        except UnicodeDecodeError as error:
            raise UsageError(self._no_text(target, error)) from None
        if problem := self._model.unreachable():
            raise UsageError(problem)

    def propose(self, brief: Brief) -> Proposal:
        """Return the model's next proposal; `invalid` when it cannot be applied even repaired.

        Raises:
            ProposerError: no usable answer (key, quota, network, refusal, a reply that is empty
                or cut off), or a target that is no text.

        """
        with self._readable(brief):
            wanted = self._edit_format or edit_format(brief.source)
            messages = build_messages(brief, wanted)
        answer = self._model.ask(messages)
        usage, description = answer.usage, parse_description(answer.text)
        result = _read(answer.text, brief, wanted)
        if isinstance(result, str):
            try:
                repaired = self._model.ask(repair_messages(messages, answer.text, result))
            except ProposerError as error:
                raise _charged(error, usage) from None
            usage = _both(usage, repaired.usage)
            description = parse_description(repaired.text) or description
            result = _read(repaired.text, brief, wanted)
        proposal = Proposal(
            description=self._model.redact(description) or "no description",
            proposer=self.name,
            usage=usage,
        )
        if isinstance(result, str):
            return replace(proposal, invalid=self._model.redact(result))
        return replace(proposal, edits=(result,))

    def review(self, brief: Brief) -> Lessons:
        """Return what the model learns from the experiments so far.

        Raises:
            ProposerError: as for `propose`.

        """
        with self._readable(brief):
            messages = review_messages(brief)
        answer = self._model.ask(messages)
        lines = tuple(map(self._model.redact, parse_lessons(answer.text)))
        return Lessons(lines, answer.usage)

    def close(self) -> None:
        """Close the connections; a later proposal opens them again."""
        self._model.close()

    @contextmanager
    def _readable(self, brief: Brief) -> Iterator[None]:
        try:
            yield
        except UnicodeDecodeError as error:
            raise ProposerError(self._no_text(brief.target, error)) from None

    def _no_text(self, target: Target, error: UnicodeDecodeError) -> str:
        return (
            f"{target.path} is no text (byte {error.start} is NUL), and {self.name} edits text "
            "only: choose another target or another proposer"
        )


def _read(reply: str, brief: Brief, wanted: EditFormat) -> Edit | str:
    """Return what the reply edits, or what is wrong with it."""
    if other := other_path(reply, brief.source, brief.target.path):
        # Refused whole; the content does not matter, the path says why.
        return Edit(other, b"")
    try:
        path = brief.target.path
        return Edit(path, apply_reply(reply, brief.source, wanted, path=path))
    except InvalidEditError as problem:
        return str(problem)


def _both(first: Usage, second: Usage) -> Usage:
    """Return what two replies cost together; a sum of which one part is unknown is unknown."""
    known = first.cost_usd is not None and second.cost_usd is not None
    total = first + second
    return total if known else replace(total, cost_usd=None)


def _charged(error: ProposerError, first: Usage) -> ProposerError:
    """Add what the first reply cost to the error that the second request ended with."""
    if error.tokens_used is None and error.cost_usd is None:  # refused before anything was spent
        error.tokens_used, error.cost_usd = first.tokens, first.cost_usd
        return error
    known = first.cost_usd is not None and error.cost_usd is not None
    error.tokens_used = (first.tokens or 0) + (error.tokens_used or 0)
    error.cost_usd = (first.cost_usd or 0) + (error.cost_usd or 0) if known else None
    return error
