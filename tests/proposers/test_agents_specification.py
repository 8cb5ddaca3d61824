"""Which agent a spec names, and what is refused before anything is spent."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.model import Target
from pytest_autoloop.proposers.agents import AGENTS, from_spec
from pytest_autoloop.proposers.vendors import is_chat_spec

PYTHON = Path(sys.executable)


@pytest.mark.parametrize(
    ("spec", "name"),
    [
        ("claude", "claude"),
        ("claude:sonnet", "claude:sonnet"),
        ("agent:codex", "codex"),
        ("agent:codex:gpt-5", "codex:gpt-5"),
        ("opencode:anthropic/claude:x", "opencode:anthropic/claude:x"),
        ("gemini", "gemini"),
        ("agent:gemini:gemini-2.5-pro", "agent:gemini:gemini-2.5-pro"),
        ("command:/opt/bin/my-agent --key=secret", "command:my-agent"),
        ("command:'two words' x", "command:two words"),
    ],
)
def test_an_agent_is_named_by_its_spec(spec: str, name: str) -> None:
    """The name leads back to the agent, never to a chat model, and holds no argument."""
    proposer = from_spec(spec, {}, timeout=1)
    assert proposer.name == name
    assert not is_chat_spec(name)
    if not spec.startswith("command"):
        assert from_spec(name, {}, timeout=1).name == name


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("cursor", "names no coding agent: write one of claude, codex, gemini, aider, opencode"),
        ("agent:", "names no coding agent"),
        ("agent:cursor:x", "names no coding agent"),
        ("claude:", "names no model: write agent:claude:MODEL, or claude alone"),
        ("agent:gemini: ", "names no model: write agent:gemini:MODEL"),
        ("command:", "names no program: write command:CMD, for example"),
        ("command:  ", "names no program"),
        ("command:'' x", "names no program"),
        ("command:x --key=secret '", "is no command line (no closing quotation): quote its words"),
    ],
)
def test_a_malformed_spec_is_refused(spec: str, words: str) -> None:
    """One sentence with the next step, without what may be secret."""
    with pytest.raises(UsageError) as raised:
        from_spec(spec, {}, timeout=1)
    assert words in str(raised.value)
    assert "secret" not in str(raised.value)


def refusal(spec: str, path: Path) -> str:
    """Return why an agent cannot work with this PATH; empty when it can."""
    try:
        from_spec(spec, {"PATH": str(path)}, timeout=1).check(Target("a.py", ""), b"")
    except UsageError as error:
        return str(error)
    return ""


@pytest.mark.parametrize("name", AGENTS)
def test_a_missing_agent_is_told_with_how_to_install_it(name: str, tmp_path: Path) -> None:
    """Before anything is spent."""
    assert refusal(name, tmp_path) == (
        f"the proposer {name!r} needs the program {name}, which is not on PATH: "
        f"{AGENTS[name].install}, or choose another proposer"
    )


def test_a_command_is_looked_for_on_path_or_where_its_path_leads(tmp_path: Path) -> None:
    """A file that cannot be run is no program."""
    assert refusal(f"command:{PYTHON.name} agent.py", PYTHON.parent) == ""
    assert refusal(f"command:'{PYTHON}' agent.py", tmp_path) == ""
    (tmp_path / "agent").write_bytes(b"")
    assert "needs the program agent, which is not on PATH: install it, or write its path" in (
        refusal("command:agent", tmp_path)
    )
    assert f"needs the program {tmp_path}/agent, which is no program that can be run" in (
        refusal(f"command:{tmp_path}/agent", tmp_path)
    )
