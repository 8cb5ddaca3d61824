"""What tokens cost, by the price list that is brought along."""

from __future__ import annotations

import sys

import pytest

from pytest_autoloop.proposers.prices import cost_usd


@pytest.mark.parametrize(
    ("model", "provider", "expected"),
    [
        ("gpt-5", "openai", 1000 * 1.25e-6 + 100 * 10e-6),
        ("claude-sonnet-4-5", "anthropic", 1000 * 3e-6 + 100 * 15e-6),
        ("gemini-2.5-pro", "google", 1000 * 1.25e-6 + 100 * 10e-6),
    ],
)
def test_known_model_of_a_vendor_has_a_price(model, provider, expected):
    """The vendor's list counts, per token sent and received."""
    assert cost_usd(model, provider, 1000, 100) == pytest.approx(expected)


def test_tokens_that_were_read_before_cost_less():
    """Cached tokens are part of those sent, at their own price; never more than all of them."""
    cheap = 200 * 1.25e-6 + 800 * 0.125e-6 + 100 * 10e-6
    assert cost_usd("gpt-5", "openai", 1000, 100, 800) == pytest.approx(cheap)
    assert cost_usd("gpt-5", "openai", 1000, 100, 9999) == cost_usd(
        "gpt-5", "openai", 1000, 100, 1000
    )


@pytest.mark.parametrize(
    ("model", "provider", "prompt_tokens", "completion_tokens"),
    [
        ("no-such-model", "openai", 1000, 100),
        ("gpt-5", "no-such-vendor", 1000, 100),
        ("gpt-5", None, 1000, 100),
        ("gpt-5", "", 1000, 100),
        ("", "openai", 1000, 100),
        ("gpt-5", "openai", None, 100),
        ("gpt-5", "openai", 1000, None),
    ],
)
def test_what_is_not_known_for_sure_has_no_price(model, provider, prompt_tokens, completion_tokens):
    """Unknown models, vendors and counts cost an unknown amount, never 0; no name is guessed at."""
    assert cost_usd(model, provider, prompt_tokens, completion_tokens) is None


@pytest.mark.parametrize(
    ("address", "provider", "expected"),
    [
        ("https://api.openai.com/v1", None, 1000 * 1.25e-6 + 100 * 10e-6),
        ("http://localhost:4000/v1", "openai", 1000 * 1.25e-6 + 100 * 10e-6),
        ("http://localhost:4000/v1", None, None),
    ],
)
def test_address_tells_whose_prices_count(address, provider, expected):
    """A server that is known by its address has its own prices; others those that are named."""
    cost = cost_usd("gpt-5", provider, 1000, 100, address=address)
    assert cost == (expected if expected is None else pytest.approx(expected))


def test_without_the_extra_costs_are_unknown(monkeypatch):
    """Nothing fails when the price list is not installed."""
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert cost_usd("gpt-5", "openai", 1000, 100) is None
