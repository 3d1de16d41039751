"""Usage as vendors report it, priced to the nano-dollar against figures computed by hand.

A price of p dollars a million tokens is p * 1000 nano-dollars a token.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from langchain_core.messages import AIMessageChunk

from hookline.providers import ModelUsage
from hookline.usage import TokenCounts, UsageEntry
from hookline.usage_blocks import of_anthropic, of_bedrock, of_gemini, of_langchain, of_openai
from hookline_langchain.chunks import Answer
from hookline_langchain.settings import ADDING_BEFORE, LangChainSettings, counting
from hookline_ledger.price_settings import BookSettings
from hookline_ledger.prices import PriceBook
from hookline_openai.settings import OpenAISettings
from hookline_openai.vendors import vendor_at

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
Reading = Callable[[Mapping[str, Any]], TokenCounts]

# OpenAI's API reference, "The chat completion object", and its guide "Prompt caching".
OPENAI = {
    "prompt_tokens": 2006,
    "completion_tokens": 300,
    "total_tokens": 2306,
    "prompt_tokens_details": {"cached_tokens": 1920, "audio_tokens": 0},
    "completion_tokens_details": {
        "reasoning_tokens": 128,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    },
}
# Anthropic's documentation, "Prompt caching": "Tracking cache performance".
ANTHROPIC = {
    "input_tokens": 50,
    "cache_read_input_tokens": 100_000,
    "cache_creation_input_tokens": 248,
    "cache_creation": {"ephemeral_5m_input_tokens": 248, "ephemeral_1h_input_tokens": 0},
    "output_tokens": 503,
    "service_tier": "standard",
}
# The same call as ``_create_usage_metadata`` of langchain-anthropic 1.7.10 makes it: it has added
# the cached tokens to the input, and counts those written by how long they are kept.
LANGCHAIN_ANTHROPIC = {
    "input_tokens": 100_298,
    "output_tokens": 503,
    "total_tokens": 100_801,
    "input_token_details": {
        "cache_read": 100_000,
        "cache_creation": 0,
        "ephemeral_5m_input_tokens": 248,
        "ephemeral_1h_input_tokens": 0,
    },
}
# The same of an answer that came in pieces, where Anthropic does not say how long they are kept.
LANGCHAIN_ANTHROPIC_STREAMED = {
    **LANGCHAIN_ANTHROPIC,
    "input_token_details": {"cache_read": 100_000, "cache_creation": 248},
}
# Gemini's API reference, "UsageMetadata"; the figures are those of a test of the seed (11.3).
GEMINI = {
    "promptTokenCount": 7441,
    "cachedContentTokenCount": 4096,
    "candidatesTokenCount": 1684,
    "thoughtsTokenCount": 2000,
    "totalTokenCount": 11_125,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 7441}],
}
# The same through Gemini's OpenAI-compatible endpoint, which leaves thoughts out (seed 11.3).
GEMINI_COMPATIBLE = {"prompt_tokens": 7441, "completion_tokens": 1684, "total_tokens": 11_125}
# The same through langchain-google-genai, which counts thoughts as output.
LANGCHAIN_GEMINI = {
    "input_tokens": 7441,
    "output_tokens": 3684,
    "total_tokens": 11_125,
    "input_token_details": {"cache_read": 4096},
    "output_token_details": {"reasoning": 2000},
}
# Amazon Bedrock's API reference, "TokenUsage" of Converse.
BEDROCK = {
    "inputTokens": 120,
    "outputTokens": 410,
    "totalTokens": 4_626,
    "cacheReadInputTokens": 3_000,
    "cacheWriteInputTokens": 1_096,
}
# The same as ``_extract_usage_metadata`` of langchain-aws 1.4.5 makes it, which passes on what
# Bedrock reports, and of 1.9.1, which adds the cached tokens to the input.
LANGCHAIN_BEDROCK_BEFORE = {
    "input_tokens": 120,
    "output_tokens": 410,
    "total_tokens": 4_626,
    "input_token_details": {"cache_read": 3_000, "cache_creation": 1_096},
}
LANGCHAIN_BEDROCK = {
    "input_tokens": 4_216,
    "output_tokens": 410,
    "total_tokens": 4_626,
    "input_token_details": {
        "cache_read": 3_000,
        "cache_creation": 0,
        "ephemeral_5m_input_tokens": 1_096,
    },
}
# A real answer of Converse with Claude Haiku 4.5, from tensorzero/tensorzero issue 5688.
BEDROCK_WRITING = {
    "cacheDetails": [{"inputTokens": 7502, "ttl": "5m"}],
    "cacheReadInputTokenCount": 0,
    "cacheReadInputTokens": 0,
    "cacheWriteInputTokenCount": 7502,
    "cacheWriteInputTokens": 7502,
    "inputTokens": 18,
    "outputTokens": 386,
    "serverToolUsage": {},
    "totalTokens": 7906,
}
# Gemini's API reference, "UsageMetadata": with audio, some of it cached.
GEMINI_HEARING = {
    "promptTokenCount": 1_000,
    "cachedContentTokenCount": 300,
    "candidatesTokenCount": 50,
    "totalTokenCount": 1_050,
    "promptTokensDetails": [
        {"modality": "TEXT", "tokenCount": 200},
        {"modality": "AUDIO", "tokenCount": 800},
    ],
    "cacheTokensDetails": [{"modality": "AUDIO", "tokenCount": 300}],
    "candidatesTokensDetails": [{"modality": "TEXT", "tokenCount": 50}],
}
# DeepSeek's API documentation, "Context caching".
DEEPSEEK = {
    "prompt_tokens": 1_500,
    "completion_tokens": 200,
    "total_tokens": 1_700,
    "prompt_cache_hit_tokens": 1_024,
    "prompt_cache_miss_tokens": 476,
}
# xAI's documentation, "Reasoning": reasoning is not part of completion_tokens, but of the total.
XAI = {
    "prompt_tokens": 32,
    "completion_tokens": 9,
    "total_tokens": 135,
    "prompt_tokens_details": {"text_tokens": 32, "cached_tokens": 6},
    "completion_tokens_details": {"reasoning_tokens": 94},
}
# OpenRouter's documentation, "Usage accounting".
OPENROUTER = {
    "prompt_tokens": 10_339,
    "completion_tokens": 60,
    "total_tokens": 10_399,
    "prompt_tokens_details": {"cached_tokens": 10_318, "cache_write_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 0},
    "cost": 0.0040584,
}

VERTEX = {"prompt_tokens": 80_657, "completion_tokens": 766}


def added(block: Mapping[str, Any]) -> TokenCounts:
    """As an OpenAI-compatible gateway to a vendor that adds cached tokens reports it."""
    return of_openai(block, "added")


CASES: list[tuple[str, Reading, Mapping[str, Any], str, str, int]] = [
    # gpt-5-mini: 0.25, cached 0.025, out 2
    ("openai", of_openai, OPENAI, "openai", "gpt-5-mini", 86 * 250 + 1920 * 25 + 300 * 2000),
    # claude-sonnet-4-5: 3, read 0.3, write 3.75, out 15
    (
        "anthropic",
        of_anthropic,
        ANTHROPIC,
        "anthropic",
        "claude-sonnet-4-5-20250929",
        50 * 3000 + 100_000 * 300 + 248 * 3750 + 503 * 15_000,
    ),
    (
        "anthropic-langchain",
        of_langchain,
        LANGCHAIN_ANTHROPIC,
        "anthropic",
        "claude-sonnet-4-5",
        50 * 3000 + 100_000 * 300 + 248 * 3750 + 503 * 15_000,
    ),
    (
        "anthropic-langchain-streamed",
        of_langchain,
        LANGCHAIN_ANTHROPIC_STREAMED,
        "anthropic",
        "claude-sonnet-4-5",
        50 * 3000 + 100_000 * 300 + 248 * 3750 + 503 * 15_000,
    ),
    # gemini-2.5-flash: 0.3, audio 1, cached 0.03, out 2.5
    (
        "gemini-audio",
        of_gemini,
        GEMINI_HEARING,
        "google",
        "gemini-2.5-flash",
        200 * 300 + 500 * 1000 + 300 * 30 + 50 * 2500,
    ),
    # gemini-2.5-pro: 1.25, cached 0.125, out 10
    (
        "gemini",
        of_gemini,
        GEMINI,
        "google",
        "models/gemini-2.5-pro",
        3345 * 1250 + 4096 * 125 + 3684 * 10_000,
    ),
    (
        "gemini-compatible",
        of_openai,
        GEMINI_COMPATIBLE,
        "google",
        "gemini-2.5-pro",
        7441 * 1250 + 3684 * 10_000,
    ),
    (
        "gemini-langchain",
        of_langchain,
        LANGCHAIN_GEMINI,
        "google",
        "gemini-2.5-pro",
        3345 * 1250 + 4096 * 125 + 3684 * 10_000,
    ),
    # claude-sonnet-4-5 in a region of AWS: 3.3, read 0.33, write 4.125, out 16.5
    (
        "bedrock",
        of_bedrock,
        BEDROCK,
        "aws",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        120 * 3300 + 3000 * 330 + 1096 * 4125 + 410 * 16_500,
    ),
    (
        "bedrock-langchain",
        of_langchain,
        LANGCHAIN_BEDROCK,
        "aws",
        "us.anthropic.claude-sonnet-4-5-20250929-v1:0",
        120 * 3300 + 3000 * 330 + 1096 * 4125 + 410 * 16_500,
    ),
    # claude-haiku-4-5 in all regions of AWS: 1, write 1.25, out 5
    (
        "bedrock-writing",
        of_bedrock,
        BEDROCK_WRITING,
        "aws",
        "global.anthropic.claude-haiku-4-5-20251001-v1:0",
        18 * 1000 + 7502 * 1250 + 386 * 5000,
    ),
    # deepseek-chat by day: 0.27, hit 0.07, out 1.1
    (
        "deepseek",
        of_openai,
        DEEPSEEK,
        "deepseek",
        "deepseek-chat",
        476 * 270 + 1024 * 70 + 200 * 1100,
    ),
    # grok-4: 3, cached 0.75, out 15
    ("xai", of_openai, XAI, "x-ai", "grok-4-0709", 26 * 3000 + 6 * 750 + 103 * 15_000),
    # claude-sonnet-4.5 at OpenRouter: 3, cached 0.3, out 15; OpenRouter's own figure is 0.0040584
    (
        "openrouter",
        of_openai,
        OPENROUTER,
        "openrouter",
        "anthropic/claude-sonnet-4.5",
        4_058_400,
    ),
]


@pytest.mark.parametrize(
    ("read", "block", "vendor", "model", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_a_block_costs_what_it_costs_by_hand(
    read: Reading, block: Mapping[str, Any], vendor: str, model: str, expected: int
) -> None:
    """To the nano-dollar."""
    entry = UsageEntry(
        run="r",
        step=0,
        agent="a",
        provider="p",
        vendor=vendor,
        model=model,
        user="u",
        tokens=read(block),
        at=NOON,
    )

    price = PriceBook(BookSettings()).price(entry)

    assert price is not None
    assert expected == price.amount


@pytest.mark.parametrize(
    ("read", "block", "expected"),
    [
        # The seed's own figures (11.3).
        (
            of_openai,
            {"prompt_tokens": 80_657, "completion_tokens": 766, "total_tokens": 83_265},
            2608,
        ),
        (of_openai, {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, 7),
        (of_openai, {"prompt_tokens": 5, "completion_tokens": 7}, 7),
        (of_openai, {"prompt_tokens": None, "completion_tokens": True, "total_tokens": "x"}, 0),
        (added, {"prompt_tokens": 5, "completion_tokens": 7, "total_tokens": 12}, 7),
    ],
)
def test_output_that_a_vendor_leaves_out_is_found(
    read: Reading, block: Mapping[str, Any], expected: int
) -> None:
    """What the total has beyond input and output is output."""
    assert expected == read(block).output


def test_cached_tokens_are_added_where_the_provider_says_so() -> None:
    """An OpenAI-compatible gateway to a vendor that adds them: OpenAI 100 with 20 and 10 (11.3)."""
    block = {
        "prompt_tokens": 100,
        "completion_tokens": 1,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 20,
    }

    assert (130, 10, 20) == _input(added(block))
    assert (100, 10, 20) == _input(of_openai(block))


def test_no_more_is_cached_than_there_is() -> None:
    """OpenAI has reported more cached tokens than input; community.openai.com, topic 1330187."""
    block = {
        "prompt_tokens": 5136,
        "completion_tokens": 201,
        "total_tokens": 5337,
        "prompt_tokens_details": {"cached_tokens": 10_192},
    }

    assert (5136, 5136, 0) == _input(of_openai(block))


@pytest.mark.parametrize(
    "block",
    [
        {"prompt_tokens_details": {"cached_tokens": 4, "cache_write_tokens": 3}},
        {"prompt_cache_hit_tokens": 4, "cache_creation_input_tokens": 3},
        {"cache_read_input_tokens": 4, "cache_creation_input_tokens": 3},
        {"cached_tokens": 4, "prompt_tokens_details": {"cache_write_tokens": 3}},
        {  # LiteLLM says it twice
            "prompt_tokens_details": {"cached_tokens": 4},
            "cache_read_input_tokens": 4,
            "cache_creation_input_tokens": 3,
        },
    ],
)
def test_cached_tokens_have_many_names(block: Mapping[str, Any]) -> None:
    """The first that is there counts; they are never added up. Source: the seed's 11.2."""
    assert (10, 4, 3) == _input(of_openai({"prompt_tokens": 10, **block}))


def test_a_service_tier_hides_no_tokens() -> None:
    """As ``_create_usage_metadata`` of langchain-openai 1.7.3 reports the tier ``flex``."""
    block = {
        "input_tokens": 100,
        "output_tokens": 30,
        "total_tokens": 130,
        "input_token_details": {"flex_cache_read": 40, "flex": 60},
        "output_token_details": {"flex_reasoning": 20, "flex": 10},
    }

    expected = TokenCounts(input=100, output=30, cache_read=40, reasoning=20)
    assert expected == of_langchain(block)


def test_the_plugin_knows_what_its_integrations_report() -> None:
    """All are with cached tokens; an operator may know better."""
    bedrock = LangChainSettings(model_provider="bedrock_converse")
    anthropic = LangChainSettings(model_provider="anthropic")
    corrected = LangChainSettings(model_provider="bedrock_converse", cached_tokens="added")

    assert [of_bedrock(BEDROCK)] == _usage(bedrock, LANGCHAIN_BEDROCK)
    assert [of_bedrock(BEDROCK)] == _usage(corrected, LANGCHAIN_BEDROCK_BEFORE)
    assert [of_anthropic(ANTHROPIC)] == _usage(anthropic, LANGCHAIN_ANTHROPIC)
    assert ("aws", "anthropic") == (bedrock.sold_by(), anthropic.sold_by())


@pytest.mark.parametrize(
    ("model_provider", "release", "expected"),
    [
        ("bedrock_converse", "1.4.5", "added"),
        ("bedrock_converse", "1.5.0", "included"),
        ("bedrock", "1.8.0", "added"),
        ("bedrock", "1.10.0rc1", "included"),
        ("bedrock", "2.0.0", "included"),
    ],
)
def test_older_integrations_of_bedrock_leave_cached_tokens_out(
    model_provider: str, release: str, expected: str
) -> None:
    """Read in the releases 1.4.5, 1.5.0, 1.8.0 and 1.9.0 of langchain-aws."""
    _, since = ADDING_BEFORE[model_provider]

    assert expected == counting(release, since)


def test_an_address_of_ones_own_is_nobodys() -> None:
    """Anybody may be behind it, so that no price is guessed."""
    options = {"base_url": "http://127.0.0.1:8000/v1"}
    unknown = LangChainSettings(model_provider="openai", options=options)
    named = LangChainSettings(model_provider="openai", options=options, vendor="groq")

    assert (None, "groq") == (unknown.sold_by(), named.sold_by())


@pytest.mark.parametrize(
    ("base_url", "vendor"),
    [
        ("https://api.openai.com/v1", "openai"),
        ("https://API.DeepSeek.com", "deepseek"),
        ("https://me.openai.azure.com/openai/v1", "azure"),
        ("https://generativelanguage.googleapis.com/v1beta/openai", "google"),
        ("https://api.openai.com.evil.example/v1", None),
        ("https://notopenai.azure.com/v1", None),
        ("http://127.0.0.1:11434/v1", None),
    ],
)
def test_a_vendor_is_known_by_its_whole_host(base_url: str, vendor: str | None) -> None:
    """Nothing that looks like it."""
    assert vendor == vendor_at(base_url)


def test_a_vendor_can_be_named() -> None:
    """For a gateway of one's own."""
    assert "openai" == OpenAISettings(base_url="http://127.0.0.1/v1", vendor="openai").vendor


def _input(tokens: TokenCounts) -> tuple[int, int, int]:
    return tokens.input, tokens.cache_read, tokens.cache_write


def _usage(settings: LangChainSettings, block: Mapping[str, Any]) -> list[TokenCounts]:
    chunk = AIMessageChunk(content="", usage_metadata=block)
    deltas = Answer(settings.cached).read(chunk)
    return [delta.tokens for delta in deltas if isinstance(delta, ModelUsage)]
