"""Turns ``claude``, ``agent:gemini:MODEL`` or ``command:CMD`` into the agent that it names."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.agents.presets import AGENTS, command
from pytest_autoloop.proposers.agents.proposer import GRACE, AgentProposer
from pytest_autoloop.proposers.edits import clean_text
from pytest_autoloop.proposers.vendors import is_chat_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME_LIMIT = 80


def from_spec(
    spec: str, environ: Mapping[str, str], *, timeout: float, grace: float = GRACE
) -> AgentProposer:
    """Return the agent of a spec ``NAME[:MODEL]``, ``agent:NAME[:MODEL]`` or ``command:CMD``.

    CMD is split into words as a shell does, but no shell runs it. An agent may take `timeout`
    seconds for one proposal, and `grace` more to end when it is told to.

    Raises:
        UsageError: an unknown name, no model after a colon, or a command that cannot be one.
    """
    kind, colon, rest = spec.partition(":")
    if kind == "command":
        words = _words(rest)
        name = f"command:{clean_text(Path(words[0]).name, _NAME_LIMIT)}"
        return AgentProposer(name, command(words), environ, timeout=timeout, grace=grace)
    if kind == "agent":
        kind, colon, rest = rest.partition(":")
    if kind not in AGENTS:
        raise UsageError(
            f"the proposer {spec!r} names no coding agent: write one of {', '.join(AGENTS)}, "
            "agent:NAME:MODEL, or command:CMD for any other"
        )
    model = rest.strip()
    if colon and not model:
        raise UsageError(
            f"the proposer {spec!r} names no model: write agent:{kind}:MODEL, or {kind} alone for "
            "the model that it is set to"
        )
    name = f"{kind}:{model}" if model else kind
    # The same words may name a chat model: the journal has to say which of them it was.
    name = f"agent:{name}" if is_chat_spec(name) else name
    return AgentProposer(name, AGENTS[kind], environ, model=model, timeout=timeout, grace=grace)


def _words(line: str) -> list[str]:
    try:
        words = shlex.split(line)
    except ValueError as error:
        # The rest of the line may hold secrets.
        raise UsageError(
            f"the proposer 'command:…' is no command line ({str(error).lower()}): quote its words "
            "as in a shell"
        ) from error
    if not words or not words[0]:
        raise UsageError(
            "the proposer 'command:…' names no program: write command:CMD, for example "
            "command:my-agent --fast {prompt_file}"
        )
    return words
