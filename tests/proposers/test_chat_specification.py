"""What ``openai:MODEL`` and the environment make of a chat proposer."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing

import pytest

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Brief, Target
from pytest_autoloop.proposers.chat import ChatProposer, from_spec
from tests.chat_server import ChatServer

KEY = "sk-secret-0123456789"
BRIEF = Brief(number=1, target=Target("a.py", ""), source=b"x = 1\n", readings=())
WHOLE = "DESCRIPTION: double it\n```python\nx = 2\n```\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize("model", ["", "  "])
def test_missing_model_is_a_usage_error(model):
    """A specification without a model says how to write one."""
    with pytest.raises(UsageError, match="openai:MODEL"):
        from_spec(model, {"OPENAI_API_KEY": KEY})


@pytest.mark.parametrize("variables", [{}, {"OPENAI_API_KEY": " ", "OPENAI_BASE_URL": ""}])
def test_missing_key_is_a_usage_error(variables):
    """Without key and server nothing is sent: the user is told what to set."""
    with pytest.raises(UsageError, match="needs a key: set OPENAI_API_KEY"):
        from_spec("gpt-5", variables)


def test_local_server_needs_no_key():
    """With a server address a key is optional."""
    with (
        ChatServer([WHOLE]) as server,
        closing(from_spec("m", {"OPENAI_BASE_URL": server.base_url})) as proposer,
    ):
        assert not proposer.propose(BRIEF).invalid


def test_environment_given_is_the_only_one_read(monkeypatch):
    """Key and server come from the mapping that was given, not from elsewhere."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-process")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with ChatServer([WHOLE]) as server:
        proposer = from_spec("m", {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url})
        with closing(proposer):
            proposer.propose(BRIEF)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_an_address_only_openai_is_asked(monkeypatch):
    """A server that the process's environment names is not asked behind the user's back."""
    with ChatServer([WHOLE]) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, never listening: nothing leaves this machine
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        proposer = ChatProposer("m", name="openai:m", api_key=KEY, max_retries=0)
        with closing(proposer), pytest.raises(ProposerError, match=r"api\.openai\.com"):
            proposer.propose(BRIEF)
    assert server.requests == []


def test_newline_after_the_key_is_forgiven():
    """A key that was read from a file works with its newline."""
    with ChatServer([WHOLE]) as server:
        variables = {"OPENAI_API_KEY": KEY + "\n", "OPENAI_BASE_URL": server.base_url}
        with closing(from_spec("m", variables)) as proposer:
            proposer.propose(BRIEF)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("key", ["sk-“quoted”", "sk-a\nsk-b"])
def test_key_that_cannot_be_sent_is_a_usage_error(key):
    """A key that no header can carry is refused without being shown."""
    with pytest.raises(UsageError, match="OPENAI_API_KEY holds") as caught:
        from_spec("gpt-5", {"OPENAI_API_KEY": key})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["localhost:11434/v1", "http://", "http://h:x/v1", "http://[::"]
)
def test_address_that_is_none_is_a_usage_error(address):
    """A server address that cannot work is refused with an example."""
    with pytest.raises(UsageError, match="for example http://localhost:11434/v1"):
        from_spec("gpt-5", {"OPENAI_BASE_URL": address})


def test_import_of_the_module_does_not_import_the_client():
    """Nobody waits for the client's import before a campaign asks a model."""
    program = (
        "import sys, pytest_autoloop.proposers.chat as chat;"
        "chat.from_spec('gpt-5', {'OPENAI_API_KEY': 'x'});"
        "sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
