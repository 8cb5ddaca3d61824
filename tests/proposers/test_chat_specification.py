"""What a spec and the environment make of a chat proposer."""

from __future__ import annotations

import socket
import subprocess
import sys
from contextlib import closing
from types import SimpleNamespace

import pytest

from pytest_autoloop.errors import ProposerError, UsageError
from pytest_autoloop.model import Brief, Target
from pytest_autoloop.proposers.chat import ChatProposer, from_spec
from pytest_autoloop.proposers.faults import pause_before_retry
from pytest_autoloop.proposers.vendors import server_from_spec
from tests.chat_server import ChatServer

KEY = "sk-secret-0123456789"
BRIEF = Brief(number=1, target=Target("a.py", ""), source=b"x = 1\n", readings=())
WHOLE = "DESCRIPTION: double it\n```python\nx = 2\n```\n"


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch):
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.mark.parametrize(
    ("spec", "key", "address", "prefix"),
    [
        ("openai:m", "OPENAI_API_KEY", "OPENAI_BASE_URL", "/v1"),
        ("anthropic:m", "ANTHROPIC_API_KEY", "ANTHROPIC_BASE_URL", "/v1"),
        ("gemini:m", "GEMINI_API_KEY", "GEMINI_BASE_URL", "/v1beta/openai"),
        ("gemini:m", "GOOGLE_API_KEY", "GEMINI_BASE_URL", "/v1beta/openai"),
    ],
)
def test_vendor_is_asked_at_its_path_with_its_key(spec, key, address, prefix):
    """Each vendor's own variables lead to its server; the key goes there as bearer token."""
    others = dict.fromkeys(("OPENAI_API_KEY", "ANTHROPIC_API_KEY", "AUTOLOOP_API_KEY"), "sk-others")
    with ChatServer([WHOLE], prefix=prefix) as server:
        proposer = from_spec(spec, others | {key: KEY, address: server.base_url})
        with closing(proposer):
            proposer.check(BRIEF.target, BRIEF.source)
            assert not proposer.propose(BRIEF).invalid
    (request,) = server.requests
    assert request.path == f"{prefix}/chat/completions"
    assert request.body["model"] == "m"
    (check,) = server.checks
    for sent in (request, check):
        assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert proposer.name == spec


def test_ollama_is_asked_without_a_key():
    """OLLAMA_HOST is a host and a port; no vendor's key goes there."""
    with ChatServer([WHOLE]) as server:
        variables = {"OLLAMA_HOST": server.address, "OPENAI_API_KEY": KEY}
        with closing(from_spec("ollama:m", variables)) as proposer:
            assert not proposer.propose(BRIEF).invalid
    assert KEY not in str(server.requests[0].headers)


@pytest.mark.parametrize("key", ["", "sk-of-this-server"])
def test_server_named_by_its_address_gets_its_own_key_only(key, monkeypatch):
    """What the environment holds for OpenAI, headers too, is not sent to another server."""
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"Authorization: Bearer {KEY}\nX-Token: {KEY}")
    monkeypatch.setenv("OPENAI_ORG_ID", "org")
    with ChatServer([WHOLE]) as server:
        spec = f"http://user:password@{server.address}/v1?version=2#m"
        variables = {"OPENAI_API_KEY": KEY, "AUTOLOOP_API_KEY": key}
        with closing(from_spec(spec.replace("user:password@", ""), variables)) as proposer:
            assert not proposer.propose(BRIEF).invalid
        assert from_spec(spec, variables).name == f"{server.address}#m"
    (request,) = server.requests
    assert request.path == "/v1/chat/completions?version=2"
    assert request.headers["authorization"] == f"Bearer {key or 'no-key-needed'}"
    assert KEY not in str(request.headers)
    assert "openai-organization" not in request.headers


def test_keys_of_all_vendors_are_hidden():
    """A server that knows another vendor's key, for whatever reason, cannot make us print it."""
    others = {"ANTHROPIC_API_KEY": "sk-ant-9876543210", "GOOGLE_API_KEY": "AIza-0123456789"}
    said = f"I was told {KEY}, {others['ANTHROPIC_API_KEY']} and {others['GOOGLE_API_KEY']}"
    with ChatServer([{"status": 400, "error": {"message": said}}]) as server:
        variables = {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url} | others
        proposer = from_spec("openai:m", variables)
        with closing(proposer), pytest.raises(ProposerError) as caught:
            proposer.propose(BRIEF)
    told = "I was told [redacted], [redacted] and [redacted]"
    assert told in str(caught.value)


@pytest.mark.parametrize("text", ["diff", "=whole", "ollama:*=", "ollama:*=diff", ""])
def test_edit_format_that_is_none_is_a_usage_error(text):
    """A format that does not exist is refused with the ones that do."""
    with pytest.raises(UsageError, match="auto, whole or blocks"):
        from_spec("openai:m", {"OPENAI_API_KEY": KEY}, edit_formats=[text])


def test_environment_given_is_the_only_one_read(monkeypatch):
    """Key and server come from the mapping that was given, not from elsewhere."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-process")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:1/v1")
    with ChatServer([WHOLE]) as server:
        proposer = from_spec(
            "openai:m", {"OPENAI_API_KEY": KEY, "OPENAI_BASE_URL": server.base_url}
        )
        with closing(proposer):
            proposer.propose(BRIEF)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_without_an_address_only_openai_is_asked(monkeypatch):
    """A server that the process's environment names is not asked behind the user's back."""
    with ChatServer([WHOLE]) as server, socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound, never listening: nothing leaves this machine
        monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        openai = server_from_spec("openai:m", {"OPENAI_API_KEY": KEY})
        proposer = ChatProposer(openai, max_retries=0)
        with closing(proposer), pytest.raises(ProposerError, match=r"api\.openai\.com"):
            proposer.propose(BRIEF)
    assert server.requests == []


def test_newline_after_the_key_is_forgiven():
    """A key that was read from a file works with its newline."""
    with ChatServer([WHOLE]) as server:
        variables = {"OPENAI_API_KEY": KEY + "\n", "OPENAI_BASE_URL": server.base_url}
        with closing(from_spec("openai:m", variables)) as proposer:
            proposer.propose(BRIEF)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"


def test_import_of_the_module_does_not_import_the_client():
    """Nobody waits for the client's import before a campaign asks a model."""
    program = (
        "import sys, pytest_autoloop.proposers.chat as chat;"
        "chat.from_spec('openai:gpt-5', {'OPENAI_API_KEY': 'x'});"
        "sys.exit('openai' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


class HTTPFault(Exception):
    """What the client raises, as far as it matters here."""

    status_code: int | None
    response: SimpleNamespace


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (429, {"retry-after": "7"}, 7),
        (429, {"retry-after-ms": "250", "retry-after": "7"}, 0.25),
        (429, {"retry-after": "3600"}, 0.5),
        (429, {"retry-after": "soon"}, 0.5),
        (429, {"retry-after": "Thu, 01 Jan 1970 00:00:00 GMT"}, 0.5),
        (503, {"retry-after": "nan"}, 0.5),
        (503, {"x-should-retry": "false"}, None),
        (400, {}, None),
        (400, {"x-should-retry": "true"}, 0.5),
        (None, {}, 0.5),
    ],
)
def test_pause_before_a_retry_is_what_the_server_asks_for(status, headers, expected):
    """A server's wish counts, within limits; a refusal that stays one is not repeated."""
    error = HTTPFault()
    error.status_code, error.response = status, SimpleNamespace(headers=headers)
    pause = pause_before_retry(error, 0)
    if expected == 0.5:  # one of our own, cut by up to a quarter at random
        assert pause is not None
        assert 0.375 <= pause <= 0.5
    else:
        assert pause == expected
