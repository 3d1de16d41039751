"""The catalogue that comes with Hookline is what genai-prices says."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from importlib.resources import files
from pathlib import Path

import pytest
from genai_prices import Usage, calc_price

from hookline.usage import TokenCounts, UsageEntry
from hookline_ledger.catalogue import load
from hookline_ledger.price_settings import BookSettings
from hookline_ledger.prices import PriceBook

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
NAMED = [
    ("openai", "gpt-4o-mini"),
    ("openai", "gpt-5"),
    ("anthropic", "claude-sonnet-4-5"),
    ("anthropic", "claude-opus-4-5"),
    ("google", "gemini-2.5-pro"),
    ("google", "gemini-2.5-flash"),
    ("x-ai", "grok-4"),
    ("deepseek", "deepseek-reasoner"),
    ("aws", "global.anthropic.claude-sonnet-4-5-20250929-v1:0"),
    ("azure", "gpt-4o"),
    ("azure", "gpt-35-turbo"),
]


def test_it_is_made_of_the_package_that_is_locked(tmp_path: Path) -> None:
    """Byte for byte. ``python3 noxfile.py prices`` makes it anew."""
    made = tmp_path / "catalogue.json"
    command = [sys.executable, "-m", "hookline_ledger.extract", str(made)]
    subprocess.run(command, check=True, timeout=60)

    assert files("hookline_ledger").joinpath("catalogue.json").read_bytes() == made.read_bytes()


@pytest.mark.parametrize(("vendor", "model"), NAMED, ids=str)
@pytest.mark.parametrize("size", [1_000, 300_000], ids=["small", "large"])
def test_prices_are_those_of_the_package(vendor: str, model: str, size: int) -> None:
    """The package reckons with decimals, this with integers."""
    counts = {"cache_read": size // 2, "cache_write": size // 10, "output": 777}
    if "gpt" in model or "grok" in model or "deepseek" in model:
        counts["cache_write"] = 0
    usage = Usage(
        input_tokens=size,
        cache_read_tokens=counts["cache_read"],
        cache_write_tokens=counts["cache_write"],
        output_tokens=777,
    )
    entry = UsageEntry(
        run="r",
        step=0,
        agent="a",
        provider="p",
        vendor=vendor,
        model=model,
        user="u",
        tokens=TokenCounts(input=size, **counts),
        at=AT,
    )

    theirs = calc_price(usage, model, provider_id=vendor, genai_request_timestamp=AT)
    ours = PriceBook(BookSettings()).price(entry)

    assert ours is not None
    assert ours.amount == round(Decimal(theirs.total_price) * 1_000_000_000)


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("us.amazon.nova-premier-v1:0", "amazon.nova-premier-v1:0"),
        (
            "anthropic.claude-3-5-sonnet-20241022-v2:0",
            "regional.anthropic.claude-3-5-sonnet-20241022-v2:0",
        ),
        ("eu.anthropic.claude-opus-4-6-v1", "regional.anthropic.claude-opus-4-6-v1:0"),
        ("in.zai.glm-5.3", "regional.zai.glm-5.3"),
        ("global.anthropic.claude-opus-4-6-v1", "global.anthropic.claude-opus-4-6-v1:0"),
        ("global.amazon.nova-premier-v1:0", None),
        ("us.nothing", None),
    ],
)
def test_a_model_of_bedrock_is_found_in_its_region(model: str, expected: str | None) -> None:
    """By the inference profiles of AWS; where the region makes the price another, by that price."""
    found = load().find("aws", model)

    assert expected == (None if found is None else found.names[0])


@pytest.mark.parametrize(
    ("vendor", "model", "expected"),
    [
        ("azure", "gpt-4o-2024-08-06", "gpt-4o"),
        ("azure", "claude-sonnet-4-5", "claude-sonnet-4-5"),
        ("azure", "mistral-large-latest", None),
        ("openai", "claude-sonnet-4-5", None),
    ],
)
def test_vendors_resell_models_of_others(vendor: str, model: str, expected: str | None) -> None:
    """Azure has OpenAI's models at OpenAI's prices; who resells whose is said by the package."""
    found = load().find(vendor, model)

    assert expected == (None if found is None else found.names[0])


@pytest.mark.parametrize(
    ("vendor", "model"), [("perplexity", "sonar"), ("google", "gemini-2.5-flash-image")], ids=str
)
def test_a_model_that_asks_for_more_than_tokens_has_no_price(vendor: str, model: str) -> None:
    """Sonar asks 12 dollars for 1,000 requests: its tokens alone would be a price too low."""
    assert load().find(vendor, model) is None


def test_a_rate_has_no_digit_that_does_not_count() -> None:
    """Rates are reckoned with in whole nano-dollars; 0.13999999999999999 is 0.14."""
    found = load().find("huggingface_together", "deepseek-ai/DeepSeek-V4-Flash-0731")

    assert found is not None
    assert ["0.14"] == [offer.rates["input"] for offer in found.offers]


def test_a_model_is_found_by_all_its_names() -> None:
    """Those that the package lists, each as a whole."""
    catalogue = load()

    for model in catalogue.models("anthropic"):
        for name in model.names:
            assert catalogue.find("anthropic", name) is not None
    assert catalogue.find("nobody", "gpt-4o") is None
