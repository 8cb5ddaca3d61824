"""What a proposal costs, before anything is asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_autoloop.model import TIME, Target
from pytest_autoloop.onboarding import expenses
from pytest_autoloop.settings import Settings
from tests.chat_server import ChatServer

if TYPE_CHECKING:
    from collections.abc import Callable

SOURCE = b"def double(n):\n    return n + n\n" * 10


@pytest.fixture
def of(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., tuple[expenses.Expense, ...]]:
    """Return what gives the expenses of proposers that are named on the command line."""
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    def made(*specs: str, directives: str = "") -> tuple[expenses.Expense, ...]:
        named = [f"--autoloop-proposer={spec}" for spec in specs]
        settings = Settings.from_config(pytester.parseconfig("--autoloop=1", *named))
        target = Target("double.py", "Make it faster.")
        return expenses.of(settings, target, SOURCE, (TIME,), directives)

    return made


def test_rules_cost_nothing(of: Callable[..., tuple[expenses.Expense, ...]]) -> None:
    """They are who proposes when nobody is named."""
    (default,) = of()
    assert (default.asks, default.named, default.fault) == (False, False, "")
    (named,) = of("rules")
    assert named.named


def test_a_model_reads_the_brief_and_writes_the_file(
    of: Callable[..., tuple[expenses.Expense, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Standing orders are part of the brief; a server of one's own has no known price."""
    with ChatServer([]) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
        monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
        (short,) = of("openai:gpt-5")
        (long,) = of("openai:gpt-5", directives="Keep it simple.\n" * 100)
    assert short.prompt_tokens is not None
    assert long.prompt_tokens is not None
    assert short.completion_tokens is not None
    assert short.prompt_tokens > len(SOURCE) // 4
    assert 350 < long.prompt_tokens - short.prompt_tokens < 450
    assert short.completion_tokens >= len(SOURCE) // 4
    assert (short.cost_usd, short.fault) == (None, "")


def test_what_cannot_begin_says_why(of: Callable[..., tuple[expenses.Expense, ...]]) -> None:
    """A key that is missing, a folder that is not there."""
    model, folder = of("openai:gpt-5", "replay:no/such/folder")
    assert "needs a key" in model.fault
    assert "no/such/folder" in folder.fault
    assert not folder.asks
