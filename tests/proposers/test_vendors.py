"""Where a spec and the environment say that a model is served."""

from __future__ import annotations

import pytest

from pytest_autoloop.errors import UsageError
from pytest_autoloop.proposers.vendors import (
    KINDS,
    SECRETS,
    is_chat_spec,
    server_from_spec,
    without_secrets,
)

KEY = "sk-secret-0123456789"


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("openai:gpt-5", True),
        ("anthropic:claude-sonnet-4-5", True),
        ("gemini:gemini-2.5-pro", True),
        ("ollama:qwen3:8b", True),
        ("http://localhost:8000/v1#m", True),
        ("https://llm.example/v1#m", True),
        ("gemini", False),
        ("claude", False),
        ("replay:folder", False),
        ("rules", False),
    ],
)
def test_chat_specs_are_told_from_agents_and_others(spec, expected):
    """``gemini`` alone is an agent, ``gemini:MODEL`` a chat model."""
    assert is_chat_spec(spec) is expected


@pytest.mark.parametrize(
    ("spec", "variable", "address", "provider"),
    [
        ("openai:m", "OPENAI_API_KEY", "https://api.openai.com/v1", "openai"),
        ("anthropic:m", "ANTHROPIC_API_KEY", "https://api.anthropic.com/v1", "anthropic"),
        (
            "gemini:m",
            "GEMINI_API_KEY",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "google",
        ),
        (
            "gemini:m",
            "GOOGLE_API_KEY",
            "https://generativelanguage.googleapis.com/v1beta/openai",
            "google",
        ),
    ],
)
def test_key_alone_leads_to_the_vendor(spec, variable, address, provider):
    """With nothing but its key, a vendor is asked at its own address, at its own prices."""
    server = server_from_spec(spec, {variable: f"{KEY}\n"})
    assert (server.base_url, server.api_key) == (address, KEY)
    assert (server.key_variable, server.price_provider) == (variable, provider)
    assert (server.name, server.model) == (spec, "m")
    assert KEY not in server.name


@pytest.mark.parametrize(
    ("spec", "variable", "value", "expected"),
    [
        ("anthropic:m", "ANTHROPIC_BASE_URL", "https://gateway.example", "/v1"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "https://gateway.example/", "/v1"),
        ("anthropic:m", "ANTHROPIC_BASE_URL", "https://gateway.example/claude/v1", "/claude/v1"),
        ("gemini:m", "GEMINI_BASE_URL", "https://gateway.example/gemini", "/gemini"),
        ("openai:m", "OPENAI_BASE_URL", "https://gateway.example/v1", "/v1"),
    ],
)
def test_address_in_the_environment_needs_no_key(spec, variable, value, expected):
    """A gateway or a local server may stand in for a vendor, with or without a key."""
    server = server_from_spec(spec, {variable: value})
    assert server.base_url == f"https://gateway.example{expected}"
    assert (server.api_key, server.address_variable) == ("", variable)
    assert server.price_provider == ""


def test_vendors_own_address_has_its_prices():
    """The address that is the vendor's own anyway may be set."""
    variables = {"OPENAI_BASE_URL": "https://api.openai.com/v2", "OPENAI_API_KEY": KEY}
    assert server_from_spec("openai:m", variables).price_provider == "openai"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("", "http://localhost:11434/v1"),
        ("box", "http://box:11434/v1"),
        ("box:8080", "http://box:8080/v1"),
        (":8080", "http://localhost:8080/v1"),
        ("[::1]", "http://[::1]:11434/v1"),
        ("[::1]:8080", "http://[::1]:8080/v1"),
        ("https://box.example", "https://box.example/v1"),
        ("http://box:8080/ollama/v1", "http://box:8080/ollama/v1"),
        ("box:8080/ollama/v1", "http://box:8080/ollama/v1"),
    ],
)
def test_ollama_is_found_where_its_own_variable_says(host, expected):
    """OLLAMA_HOST is read as Ollama reads it; no key is looked for."""
    server = server_from_spec("ollama:qwen3:8b", {"OLLAMA_HOST": host, "OPENAI_API_KEY": KEY})
    assert server.base_url == expected
    assert (server.name, server.model, server.api_key) == ("ollama:qwen3:8b", "qwen3:8b", "")
    assert not server.price_provider


def test_address_in_the_spec_is_named_without_its_secrets():
    """Journal and commits know host, port and model, not who asked."""
    address = "https://user:password@llm.example:8443/v1?token=secret"
    server = server_from_spec(f"{address}#org/model:7b", {"AUTOLOOP_API_KEY": KEY})
    assert server.name == "llm.example:8443#org/model:7b"
    assert (server.model, server.api_key) == ("org/model:7b", KEY)
    assert without_secrets(server.base_url) == "https://llm.example:8443/v1"


def test_vendors_key_is_not_for_a_server_named_by_its_address():
    """Whoever has an OpenAI key set does not mean to hand it to any other server."""
    server = server_from_spec("http://llm.example/v1#m", dict.fromkeys(SECRETS[:4], KEY))
    assert server.api_key == ""


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        *((f"{kind}:", f"write {kind}:MODEL, for example {kind}:") for kind in KINDS),
        ("openai:  ", "write openai:MODEL"),
        ("openai:a\nb", "write openai:MODEL"),
        ("http://localhost/v1", "for example http://localhost:8000/v1#my-model"),
        ("http://localhost/v1#", "for example http://"),
        ("http://#m", "for example http://"),
        ("http:m", "for example http://"),
        ("http://host:port/v1#m", "for example http://"),
        ("http://[::/v1#m", "for example http://"),
        ("http://a b/v1#m", "for example http://"),
        ("openai:m", "needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL"),
        ("anthropic:m", "needs a key: set ANTHROPIC_API_KEY"),
        ("gemini:m", "needs a key: set GEMINI_API_KEY"),
    ],
)
def test_spec_that_names_no_server_is_a_usage_error(spec, words):
    """One sentence says what to write or to set."""
    with pytest.raises(UsageError) as caught:
        server_from_spec(spec, {"OPENAI_API_KEY": " ", "OPENAI_BASE_URL": ""})
    assert words in str(caught.value)


def test_password_of_a_bad_address_is_not_shown():
    """A message about an address leaves out what it holds of secrets."""
    with pytest.raises(UsageError) as caught:
        server_from_spec("http://user:password@/v1?token=secret#m", {})
    assert "password" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "variable"),
    [
        ("openai:m", "OPENAI_API_KEY"),
        ("anthropic:m", "ANTHROPIC_API_KEY"),
        ("gemini:m", "GOOGLE_API_KEY"),
        ("http://localhost/v1#m", "AUTOLOOP_API_KEY"),
    ],
)
@pytest.mark.parametrize("key", ["sk-“quoted”", "sk-a\nsk-b"])
def test_key_that_cannot_be_sent_is_a_usage_error(spec, variable, key):
    """A key that no header can carry is refused without being shown."""
    with pytest.raises(UsageError, match=f"{variable} holds") as caught:
        server_from_spec(spec, {variable: key})
    assert "sk-" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "variable"),
    [
        ("openai:m", "OPENAI_BASE_URL"),
        ("anthropic:m", "ANTHROPIC_BASE_URL"),
        ("gemini:m", "GEMINI_BASE_URL"),
    ],
)
@pytest.mark.parametrize(
    "address", ["localhost:11434/v1", "http://", "http://h:x/v1", "http://[::", "ftp://host"]
)
def test_address_that_is_none_is_a_usage_error(spec, variable, address):
    """A server address that cannot work is refused with an example."""
    with pytest.raises(UsageError, match="for example http://localhost:11434/v1") as caught:
        server_from_spec(spec, {variable: address})
    assert str(caught.value).startswith(variable)


def test_every_key_that_is_read_is_a_secret():
    """Children and messages are kept from all of them."""
    read = {"OPENAI_API_KEY", "ANTHROPIC_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"}
    assert {*read, "AUTOLOOP_API_KEY"} <= set(SECRETS)
