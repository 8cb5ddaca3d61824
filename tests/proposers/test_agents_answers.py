"""What is read from an agent's output, whatever it prints."""

from __future__ import annotations

import json

import pytest

from pytest_autoloop.proposers.agents import AGENTS
from pytest_autoloop.proposers.agents.answers import Answer
from pytest_autoloop.proposers.agents.faults import quote
from pytest_autoloop.proposers.agents.secrecy import Censor
from pytest_autoloop.usage import Usage

NONSENSE = [
    "",
    "{",
    "null\n[]\n",
    '{"a":' * 20_000,
    '{"result": 3, "usage": [], "total_cost_usd": "much"}',
    '{"result": "", "usage": {"input_tokens": -1, "output_tokens": true}, "total_cost_usd": NaN}',
    '{"type": "turn.completed", "usage": null}\n{"type": "item.completed", "item": "x"}',
    '{"response": null, "stats": {"models": {"a": {"tokens": {"prompt": 1.5}}, "b": 2}}}',
    '{"type": "step_finish", "part": {"tokens": {"input": 0, "cache": 3}, "cost": 0}}',
    '{"type": "error", "error": 5}',
    "Tokens: many sent. Cost: $free message, $. session.",
]


@pytest.mark.parametrize("name", AGENTS)
def test_nonsense_is_unknown(name: str) -> None:
    """No error, no number that nobody counted, never zero."""
    for output in NONSENSE:
        answer = AGENTS[name].read(output)
        assert answer.usage == Usage(), output[:80]
        assert answer.problem == ""


@pytest.mark.parametrize(
    ("name", "record", "problem"),
    [
        ("claude", {"result": "Invalid API key", "is_error": True}, "Invalid API key"),
        (
            "claude",
            {"subtype": "error_max_turns", "is_error": True, "result": ""},
            "error_max_turns",
        ),
        ("codex", {"type": "turn.failed", "error": {"message": "429"}}, "429"),
        ("codex", {"type": "error", "message": "stream lost"}, "stream lost"),
        ("gemini", {"error": {"type": "Error", "message": "no auth"}}, "no auth"),
        ("opencode", {"type": "error", "error": {"name": "AuthError"}}, "AuthError"),
        (
            "opencode",
            {"type": "error", "error": {"name": "APIError", "data": {"message": "no key"}}},
            "no key",
        ),
    ],
)
def test_an_agents_own_words_for_a_failure(name: str, record: object, problem: str) -> None:
    """Each has its place for them."""
    assert AGENTS[name].read(json.dumps(record)).problem == problem


@pytest.mark.parametrize(
    ("output", "usage"),
    [
        ("Tokens: 2.1k sent, 300 received.", Usage(2100, 300)),
        (
            """\
Tokens: 2.1k sent, 300 received. Cost: $0.01 message, $0.01 session.
Tokens: 1M sent, 1,000 cache write, 3k cache hit, 1k received. \
Cost: $1,000.50 message, $1,000.51 session.
""",
            Usage(2_100 + 1_000_000 + 1_000 + 3_000, 1_300, 1000.51),
        ),
    ],
)
def test_aiders_prose_is_counted(output: str, usage: Usage) -> None:
    """Each message's tokens, and the last sum of dollars."""
    assert AGENTS["aider"].read(output) == Answer(output, usage)


def test_claudes_side_calls_are_counted() -> None:
    """They are in the cost, and in the tokens per model, but not in the plain usage."""
    record = {
        "result": "Done.",
        "total_cost_usd": 0.5,
        "usage": {"input_tokens": 1, "output_tokens": 1},
        "modelUsage": {
            "large": {"inputTokens": 10, "cacheReadInputTokens": 5, "outputTokens": 3},
            "small": {"inputTokens": 7, "cacheCreationInputTokens": 2, "outputTokens": 4},
        },
    }
    assert AGENTS["claude"].read(json.dumps(record)).usage == Usage(24, 7, 0.5)


def test_quotes_are_short_and_without_keys() -> None:
    """The last lines of the first text that has any; a key goes before the line is cut."""
    censor = Censor({"A_TOKEN": "abcdefgh-ijk", "B_KEY": "abcdefgh", "HOME_KEY": "short"})
    words = quote(["", "one\n\ntwo\nwith abcdefgh-ijk and short.\n", "three"], censor)
    assert words == "two / with [redacted] and short"
    assert len(quote(["x" * 10_000], censor)) == 300
    assert quote([" \n"], censor) == "it printed nothing"


@pytest.mark.parametrize(
    ("secret", "environ"),
    [
        ("ghp-abcdef", {"MY_PAT": "ghp-abcdef"}),
        ("abcdefgh", {"DB_PASS": "abcdefgh"}),
        ("abcdefgh", {"REGISTRY_AUTH": "abcdefgh"}),
        ("abcdefgh", {"AUTH_HEADER": " abcdefgh\n"}),
        ("abcdefgh", {"CREDENTIAL_2": "abcdefgh"}),
        ("abcdefgh", {"openaiApiKey": "abcdefgh"}),
        ("hunter", {"DB_URL": "postgres://joe:hunter@db.example/x"}),
        ("h@nter", {"DB_URL": "postgres://joe:h%40nter@db.example/x"}),
    ],
)
def test_secrets_of_the_environment_are_hidden(secret: str, environ: dict[str, str]) -> None:
    """By the names of their variables, and in URLs whatever the name."""
    assert Censor(environ)(f"refused: {secret}.") == "refused: [redacted]."


@pytest.mark.parametrize(
    ("secret", "arguments"),
    [
        ("hunter", ["--api-key", "hunter"]),
        ("hunter", ["--api-key=hunter"]),
        ("-hunter", ["--token", "-hunter"]),
        ("hunter", ["--my-pat", "hunter"]),
        ("hunter", ["-password", "hunter"]),
        ("hunter", ["--db", "mysql://joe:hunter@db"]),
        ("abcdefghijklmno1", ["run", "abcdefghijklmno1"]),
        ("abcdefghijklmno1", ["--header=Authorization: Bearer abcdefghijklmno1"]),
        ("sk-0123456789abcdef", ["--key={scratch}", "sk-0123456789abcdef"]),
    ],
)
def test_secrets_of_a_command_line_are_hidden(secret: str, arguments: list[str]) -> None:
    """Those that follow a telling option, and those that look like a key."""
    assert Censor({}, arguments)(f"refused: {secret}.") == "refused: [redacted]."


def test_what_is_no_secret_stays_readable() -> None:
    """Paths, options, models and placeholders."""
    arguments = ["--path", "src/words.py", "--key", "{prompt_file}", "--max-turns", "12", "--fast"]
    arguments += ["/opt/agents/the-agent-of-2026.py", "--a-long-option-with-number-1"]
    environ = {
        "PATH": "/usr/local/bin",
        "KEYBOARD": "mechanical",
        "URL": "https://joe@example.org/",
    }
    text = " ".join([*arguments, *environ.values()])
    assert Censor(environ, arguments)(text) == text


def test_passwords_of_other_urls_are_hidden() -> None:
    """Such as one that the agent found itself."""
    assert Censor({})("cannot reach https://joe:x@y.example/a:b@c") == (
        "cannot reach https://joe:[redacted]@y.example/a:b@c"
    )
