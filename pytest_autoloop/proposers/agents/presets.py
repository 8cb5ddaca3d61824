"""The command lines of coding agents, as data: they change with every other release.

All of them were seen to run unattended: nobody is asked, files are edited, nothing is committed.
Tools that only edit are enough where an agent lets one choose: the harness runs the tests.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pytest_autoloop.proposers.agents.answers import (
    Answer,
    read_aider,
    read_claude,
    read_codex,
    read_gemini,
    read_opencode,
    read_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

#: Where the option for a model stands in a preset's arguments.
_MODEL = "{model}"
_PLACEHOLDER = re.compile(r"\{(prompt|prompt_file|target|scratch)\}")


@dataclass(frozen=True, slots=True)
class Preset:
    """How one agent is run."""

    #: The command line, the program first. Filled in are ``{prompt}``, ``{prompt_file}``,
    #: ``{target}`` and ``{scratch}``, a directory outside the checkout for what nobody needs.
    arguments: tuple[str, ...]
    #: Turns what it printed to standard output into an answer.
    read: Callable[[str], Answer]
    #: How to get it, and what to type in a terminal to see whether it works there.
    install: str
    trial: str
    #: The option that is followed by a model's name.
    model_option: str = "--model"
    #: Whether its output is written for people: its first line then says nothing of the edit.
    chatty: bool = False


AGENTS: Mapping[str, Preset] = {
    # The safe mode leaves out hooks, plugins and servers of the user's own. The bare mode does so
    # too, but knows no login except an API key.
    "claude": Preset(
        (
            *("claude", "-p", "{prompt}", "--output-format", "json", "--safe-mode"),
            *("--permission-mode", "acceptEdits", "--tools", "Read,Edit,Write,Glob,Grep"),
            *("--no-session-persistence", _MODEL),
        ),
        read_claude,
        install="npm install -g @anthropic-ai/claude-code",
        trial="claude -p hello",
    ),
    "codex": Preset(
        (
            *("codex", "exec", "--json", "--ephemeral", "--ignore-user-config"),
            *("-s", "workspace-write", _MODEL, "{prompt}"),
        ),
        read_codex,
        install="npm install -g @openai/codex",
        trial="codex exec hello",
        model_option="-m",
    ),
    "gemini": Preset(
        (
            *("gemini", "-p", "{prompt}", "-o", "json", "--approval-mode", "auto_edit"),
            *("--skip-trust", _MODEL),
        ),
        read_gemini,
        install="npm install -g @google/gemini-cli",
        trial="gemini -p hello",
        model_option="-m",
    ),
    "aider": Preset(
        (
            *("aider", "--message-file", "{prompt_file}", "--yes-always", "--no-auto-commits"),
            *("--no-dirty-commits", "--no-check-update", "--analytics-disable", "--no-pretty"),
            *("--no-stream", "--no-gitignore", "--map-tokens", "0", "--edit-format", "diff"),
            *("--input-history-file", "{scratch}/aider.input.history"),
            *("--chat-history-file", "{scratch}/aider.chat.history.md", _MODEL, "{target}"),
        ),
        read_aider,
        install="pipx install aider-chat",
        trial="aider --message hello",
        chatty=True,
    ),
    "opencode": Preset(
        ("opencode", "run", "--format", "json", "--auto", "--pure", _MODEL, "{prompt}"),
        read_opencode,
        install="npm install -g opencode-ai",
        trial="opencode run hello",
        model_option="-m",
    ),
}


def command(words: Sequence[str]) -> Preset:
    """Return how a command line of the user's own is run."""
    return Preset(
        tuple(words),
        read_text,
        install="install it, or write its path",
        trial="",
    )


def with_model(arguments: Sequence[str], option: str, model: str) -> tuple[str, ...]:
    """Return a preset's arguments with the option for a model, without it when that is empty."""
    given = (option, model) if model else ()
    return tuple(one for word in arguments for one in (given if word == _MODEL else (word,)))


def takes_prompt(arguments: Sequence[str]) -> bool:
    """Tell whether the prompt, or its file, is among the arguments."""
    found = {name for argument in arguments for name in _PLACEHOLDER.findall(argument)}
    return not found.isdisjoint({"prompt", "prompt_file"})


def fill(arguments: Sequence[str], values: Mapping[str, str]) -> list[str]:
    """Replace every placeholder by its value; what a value holds is left as it is."""
    return [_PLACEHOLDER.sub(lambda found: values[found[1]], one) for one in arguments]
