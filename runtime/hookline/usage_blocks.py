"""Usage blocks: how vendors say what a call consumed, and the counts that this means.

For authors of model providers. A block is what stands in the vendor's answer, as decoded JSON; what
is missing, ``null`` or no number counts as 0. Rules for cached tokens and for output that a vendor
leaves out of its count: ``TokenCounts.reported``.
"""

from collections.abc import Mapping
from typing import Any, Literal

from hookline.usage import TokenCounts

Cached = Literal["included", "added"]
"""Whether a vendor's input includes cached tokens, or they are to be added to it."""

_SERVICE_TIERS = ("", "flex_", "priority_")
"""LangChain puts OpenAI's service tier before the names of details."""


def of_openai(block: Mapping[str, Any], cached: Cached = "included") -> TokenCounts:
    """``usage`` of a chat completion: OpenAI's, and that of all who speak its format.

    DeepSeek calls what was read from its cache ``prompt_cache_hit_tokens``, older models of
    Moonshot's call it ``cached_tokens``. Gateways to Anthropic's
    models say ``cache_read_input_tokens`` and ``cache_creation_input_tokens``. xAI and Gemini leave
    reasoning out of ``completion_tokens``, and not out of ``total_tokens``.
    """
    prompt, said = block.get("prompt_tokens_details"), block.get("completion_tokens_details")
    return TokenCounts.reported(
        input=_count(block, "prompt_tokens"),
        output=_count(block, "completion_tokens"),
        cache_read=_count(prompt, "cached_tokens")
        or _count(block, "prompt_cache_hit_tokens")
        or _count(block, "cache_read_input_tokens")
        or _count(block, "cached_tokens"),
        cache_write=_count(prompt, "cache_write_tokens")
        or _count(block, "cache_creation_input_tokens"),
        reasoning=_count(said, "reasoning_tokens"),
        audio_input=_count(prompt, "audio_tokens"),
        audio_output=_count(said, "audio_tokens"),
        total=_count(block, "total_tokens"),
        cached=cached,
    )


def of_anthropic(block: Mapping[str, Any]) -> TokenCounts:
    """``usage`` of a message of Anthropic's own API: ``input_tokens`` is without cached ones."""
    return TokenCounts.reported(
        input=_count(block, "input_tokens"),
        output=_count(block, "output_tokens"),
        cache_read=_count(block, "cache_read_input_tokens"),
        cache_write=_count(block, "cache_creation_input_tokens"),
        reasoning=_count(block.get("output_tokens_details"), "thinking_tokens"),
        cached="added",
    )


def of_gemini(block: Mapping[str, Any]) -> TokenCounts:
    """``usageMetadata`` of Gemini's own API: thoughts are beside what it calls candidates.

    Audio that was read from the cache is counted as that, and not as audio.
    """
    thoughts = _count(block, "thoughtsTokenCount")
    heard = _audio(block, "promptTokensDetails") + _audio(block, "toolUsePromptTokensDetails")
    return TokenCounts.reported(
        input=_count(block, "promptTokenCount") + _count(block, "toolUsePromptTokenCount"),
        output=_count(block, "candidatesTokenCount") + thoughts,
        cache_read=_count(block, "cachedContentTokenCount"),
        reasoning=thoughts,
        audio_input=heard - _audio(block, "cacheTokensDetails"),
        audio_output=_audio(block, "candidatesTokensDetails"),
        total=_count(block, "totalTokenCount"),
    )


def of_bedrock(block: Mapping[str, Any]) -> TokenCounts:
    """``usage`` of Bedrock's Converse: ``inputTokens`` is without cached ones, the total with."""
    return TokenCounts.reported(
        input=_count(block, "inputTokens"),
        output=_count(block, "outputTokens"),
        cache_read=_count(block, "cacheReadInputTokens"),
        cache_write=_count(block, "cacheWriteInputTokens"),
        total=_count(block, "totalTokens"),
        cached="added",
    )


def of_langchain(block: Mapping[str, Any], cached: Cached = "included") -> TokenCounts:
    """``usage_metadata`` of a LangChain message.

    Where langchain-anthropic and langchain-aws know for how long a cache is kept, they count what
    was written to it by that, and not as ``cache_creation``.
    """
    given, said = block.get("input_token_details"), block.get("output_token_details")
    kept = _count(given, "ephemeral_5m_input_tokens") + _count(given, "ephemeral_1h_input_tokens")
    return TokenCounts.reported(
        input=_count(block, "input_tokens"),
        output=_count(block, "output_tokens"),
        cache_read=_tiered(given, "cache_read"),
        cache_write=_tiered(given, "cache_creation") or kept,
        reasoning=_tiered(said, "reasoning"),
        audio_input=_count(given, "audio"),
        audio_output=_count(said, "audio"),
        total=_count(block, "total_tokens"),
        cached=cached,
    )


def _tiered(block: Any, name: str) -> int:
    return sum(_count(block, tier + name) for tier in _SERVICE_TIERS)


def _audio(block: Mapping[str, Any], name: str) -> int:
    parts = block.get(name)
    if not isinstance(parts, list):
        return 0
    heard = (p for p in parts if isinstance(p, Mapping) and p.get("modality") == "AUDIO")
    return sum(_count(part, "tokenCount") for part in heard)


def _count(block: Any, name: str) -> int:
    value = block.get(name) if isinstance(block, Mapping) else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return 0
    return max(0, int(value)) if value == value and abs(value) < 2**53 else 0  # noqa: PLR0124  NaN
