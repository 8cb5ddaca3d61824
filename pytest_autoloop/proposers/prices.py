"""What a model's tokens cost, by the list that genai-prices brings along; nothing is fetched."""

from __future__ import annotations

from contextlib import suppress

#: What genai-prices raises for a model or provider it does not know, or a price it cannot compute.
_UNKNOWN = (LookupError, ValueError, TypeError, ArithmeticError)


def cost_usd(
    model: str,
    provider: str | None,
    prompt_tokens: int | None,
    completion_tokens: int | None,
    cached_tokens: int = 0,
    *,
    address: str = "",
) -> float | None:
    """Return what a request cost in dollars; None when that is not known for sure.

    Args:
        model: its name, as the server knows it.
        provider: whose list of prices counts, as genai-prices calls it.
        prompt_tokens: all tokens that were sent, cached ones too.
        completion_tokens: all tokens that came back, thoughts too.
        cached_tokens: those of the sent ones that the server had read before.
        address: the server's; where it is known whose it is, that one's prices count.

    Without a provider no price is looked for by the model's name alone: others serve models of
    the same name at other prices, or at none. None too without the extra ``prices``.

    """
    if prompt_tokens is None or completion_tokens is None:
        return None
    try:
        import genai_prices  # noqa: PLC0415 - an extra, and only a paid model needs it
    except ImportError:
        return None
    usage = genai_prices.Usage(
        input_tokens=prompt_tokens,
        output_tokens=completion_tokens,
        cache_read_tokens=min(cached_tokens, prompt_tokens),
    )
    if address:
        with suppress(*_UNKNOWN):
            return float(
                genai_prices.calc_price(usage, model, provider_api_url=address).total_price
            )
    if provider:
        with suppress(*_UNKNOWN):
            return float(genai_prices.calc_price(usage, model, provider_id=provider).total_price)
    return None
