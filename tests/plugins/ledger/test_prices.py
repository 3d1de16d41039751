"""What calls cost, to the nano-dollar."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from hookline.errors import ConfigError
from hookline.money import CREDIT
from hookline.usage import Price, TokenCounts, UsageEntry
from hookline_ledger.price_settings import BookSettings
from hookline_ledger.prices import PriceBook

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)


def book(*prices: Mapping[str, Any], **settings: Any) -> PriceBook:
    """A book with these prices of one's own."""
    return PriceBook(msgspec.convert({"prices": prices, **settings}, BookSettings))


def used(model: str = "m", vendor: str | None = None, **fields: Any) -> UsageEntry:
    """A call; what is no field of an entry is a count of tokens."""
    names = {"agent", "tool", "call", "provider", "at", "incomplete"}
    counts = {name: value for name, value in fields.items() if name not in names}
    rest = {name: value for name, value in fields.items() if name in names}
    return UsageEntry(
        **{
            "run": "r",
            "step": 0,
            "agent": "helper",
            "provider": "local",
            "vendor": vendor,
            "model": model,
            "user": "alice",
            "tokens": TokenCounts(**counts),
            "at": AT,
            **rest,
        }
    )


def amount(price: Price | None) -> int:
    """What it costs, in nano-dollars."""
    assert price is not None
    return price.amount


def test_an_exact_name_comes_before_the_longest_pattern() -> None:
    """And of two equal ones, that which names the provider; the order does not matter."""
    found = book(
        {"model": "gpt-*", "input": "2"},
        {"model": "*", "input": "1"},
        {"model": "gpt-5*", "input": "3"},
        {"model": "gpt-5", "input": "4"},
        {"model": "gpt-5", "provider": "local", "input": "5"},
        {"model": "gpt-5*", "provider": "other", "input": "6"},
        {"model": "gpt-5*", "provider": "seller", "input": "7"},
    )

    def cost(model: str, **fields: Any) -> int:
        return amount(found.price(used(model, input=1000, **fields))) // 1_000_000

    assert [1, 2, 3, 4, 5] == [
        cost("llama"),
        cost("gpt-4"),
        cost("gpt-5.1"),
        cost("gpt-5", provider="third"),
        cost("gpt-5"),
    ]
    assert 6 == cost("gpt-5.1", provider="other")
    assert 7 == cost("gpt-5.1", vendor="seller")


@pytest.mark.parametrize(
    ("vendor", "model"),
    [
        ("anthropic", "claude-opus-4-6x"),
        ("anthropic", "my-claude-opus-4"),
        ("anthropic", "claude-sonnet-4-5-v2"),
        ("openai", "gpt-4o-something"),
        ("openai", "xo1"),
        ("moonshotai", "moonshot-v1-8k-9"),
        ("nobody", "gpt-4o"),
        (None, "gpt-4o"),
    ],
)
def test_a_part_of_a_name_is_no_name(vendor: str | None, model: str) -> None:
    """What is not known has no price: never that of something like it. Source: seed 14.A."""
    assert book().price(used(model, vendor, input=10)) is None


@pytest.mark.parametrize(
    "model", ["gpt-4o", "GPT-4o", "gpt-4o-2024-08-06", "models/gpt-4o", "gpt-4o-latest"]
)
def test_a_dated_name_is_the_model(model: str) -> None:
    """So are its spellings with a path or in capitals: 2.5 and 10 dollars a million."""
    price = book().price(used(model, "openai", input=1_000_000, output=1_000_000))

    assert 12_500_000_000 == amount(price)
    assert price.version == "genai-prices 0.2.3"
    assert ("2.5", "10") == (price.rates["input"], price.rates["output"])


def test_cached_tokens_are_part_of_the_input() -> None:
    """10,000 in, of which 6,000 read and 1,000 written, 500 out: 9.0 + 1.8 + 3.75 + 7.5 mills."""
    counts = {"input": 10_000, "cache_read": 6_000, "cache_write": 1_000, "output": 500}

    price = book().price(used("claude-sonnet-4-5", "anthropic", **counts))

    assert 9_000_000 + 1_800_000 + 3_750_000 + 7_500_000 == amount(price)


def test_cached_tokens_without_a_price_cost_what_input_does() -> None:
    """As in the seed's 11.6."""
    own = book({"model": "m", "input": "3", "output": "15"})
    counts = {"input": 100, "cache_read": 20, "cache_write": 10, "output": 1}

    assert 100 * 3000 + 15_000 == amount(own.price(used(**counts)))


def test_a_large_input_has_its_own_rates() -> None:
    """For the whole call, and only above the threshold. Source: Anthropic's long context prices."""
    found = book()

    def cost(size: int) -> int:
        return amount(found.price(used("claude-sonnet-4-5", "anthropic", input=size, output=10)))

    assert 200_000 * 3_000 + 10 * 15_000 == cost(200_000)
    assert 200_001 * 6_000 + 10 * 22_500 == cost(200_001)


def test_own_tiers_keep_what_they_do_not_name() -> None:
    """A tier says only what is different in it."""
    tiers = [{"above": 100, "input": "5"}, {"above": 10, "input": "3"}]
    own = book({"model": "m", "input": "1", "output": "2", "tiers": tiers})

    costs = [amount(own.price(used(input=size, output=1))) for size in (10, 11, 101)]

    assert [10_000 + 2_000, 33_000 + 2_000, 505_000 + 2_000] == costs


def test_prices_have_days_and_hours() -> None:
    """DeepSeek was cheaper at night; one's own prices may begin and end."""
    found = book(
        {"model": "m", "input": "1"},
        {"model": "m", "input": "2", "since": "2026-11-01"},
        {"model": "m", "input": "9", "since": "2026-11-10", "until": "2026-11-20"},
    )
    days = [datetime(2026, 10, 31, tzinfo=UTC), datetime(2026, 11, 10, tzinfo=UTC), AT]
    costs = [amount(found.price(used(input=1, at=day))) for day in days]
    hours = [datetime(2025, 3, 1, hour, 45, tzinfo=UTC) for hour in (0, 16, 0)]
    night = [used("deepseek-chat", "deepseek", input=1000, at=at) for at in hours]

    assert [1000, 9000, 2000] == costs
    assert [270_000, 135_000, 270_000] == [amount(found.price(one)) for one in night]


def test_audio_and_reasoning_may_have_their_own_rates() -> None:
    """They are parts of input and output."""
    rates = {"input": "1", "output": "2", "reasoning": "3", "audio_input": "4", "audio_output": "5"}
    own = book({"model": "m", **rates})
    counts = {"input": 10, "audio_input": 4, "output": 20, "audio_output": 5, "reasoning": 6}

    assert 1000 * (6 * 1 + 4 * 4 + 9 * 2 + 5 * 5 + 6 * 3) == amount(own.price(used(**counts)))


def test_what_has_no_rate_has_no_price() -> None:
    """A model with a price for input alone has none for what it says. Free is a price too."""
    own = book({"model": "m", "input": "1"}, {"model": "free", "input": "0", "output": "0"})

    assert 1000 == amount(own.price(used(input=1)))
    assert own.price(used(input=1, output=1)) is None
    assert 0 == amount(own.price(used("free", input=1, output=1)))


def test_there_is_one_rounding_half_to_even() -> None:
    """Nano-dollars are whole: 0.0005 dollars a million are half a nano-dollar a token."""
    own = book({"model": "m", "input": "0.0005", "output": "0.0005"})

    costs = [amount(own.price(used(input=n))) for n in range(6)]

    assert [0, 0, 1, 2, 2, 2] == costs
    assert 1 == amount(own.price(used(input=1, output=1)))


def test_an_agent_may_have_a_surcharge() -> None:
    """A factor of its own, or that of all; it stands among the rates."""
    own = book({"model": "m", "input": "1"}, surcharge="1.1", surcharges={"dear": "2.5"})

    price = own.price(used(input=3))
    dear = own.price(used(input=3, agent="dear"))

    assert (3300, "1.1") == (price.amount, price.rates["factor"])
    assert (7500, "2.5") == (dear.amount, dear.rates["factor"])


def test_every_digit_of_a_surcharge_counts() -> None:
    """All nine that it may have."""
    own = book({"model": "m", "input": "1"}, surcharge="1.000000001")

    price = own.price(used(input=1_000_000))

    assert (1_000_000_001, "1.000000001") == (price.amount, price.rates["factor"])


def test_calls_of_tools_have_prices_by_name() -> None:
    """And no other ones."""
    own = book({"model": "*", "input": "1"}, tools={"search": "0.01"})

    assert 10_000_000 == amount(own.price(used(tool="search", call=0)))
    assert own.price(used(tool="calculator", call=0)) is None


def test_other_prices_are_another_version() -> None:
    """The same prices are the same version."""
    versions = [
        book({"model": "m", "input": usd}).price(used(input=1)).version for usd in ("1", "2", "1")
    ]

    assert versions[0] == versions[2] != versions[1]
    assert versions[0].startswith("config:")


def test_the_seeds_figures() -> None:
    """Its 11.6, in credits: claude-3-5-sonnet {11, 140522, 0} and 5; gpt-3.5-turbo 100 and 50."""
    counts = {"input": 11 + 140_522, "cache_write": 140_522, "output": 5}
    claude = book().price(used("claude-3-5-sonnet", "anthropic", **counts))
    turbo = book({"model": "gpt-3.5-turbo", "input": "1.5", "output": "2"})

    assert (11 * 3 + 5 * 15) * CREDIT + 140_522 * 3_750 == amount(claude)
    plain = turbo.price(used("gpt-3.5-turbo", input=100, output=50))
    assert 100 * 1500 + 50 * 2000 == amount(plain)


def test_a_broken_off_call_costs_more_only_as_in_the_seed() -> None:
    """Its 11.6: 50 tokens at 15, times 1.15, without the part of a credit."""
    price = {"model": "m", "input": "3", "output": "15"}

    ours = book(price).price(used(output=50, incomplete=True))
    seeds = book(price, compatibility="librechat").price(used(output=50, incomplete=True))

    assert 50 * 15 * CREDIT == amount(ours)
    assert 862 * CREDIT == amount(seeds)
    assert {"input": "3", "output": "15", "incomplete": "1.15"} == seeds.rates


def test_a_supplement_may_be_below_zero() -> None:
    """It is the difference to what was counted too early."""
    own = book({"model": "m", "input": "1", "output": "2"})

    assert -7000 == amount(own.price(used(input=-9, output=1)))


def test_sums_are_exact_where_binary_fractions_are_not() -> None:
    """A million at 0.1 dollars and one at 0.2, times 1.1, are 0.33 dollars."""
    own = book({"model": "m", "input": "0.1", "output": "0.2"}, surcharge="1.1")

    assert 330_000_000 == amount(own.price(used(input=1_000_000, output=1_000_000)))


def test_a_catalogue_that_cannot_be_read_is_named(tmp_path: Any) -> None:
    """With the command that makes one."""
    with pytest.raises(ConfigError, match=r"plugins\.ledger\.catalogue.*hookline_ledger\.extract"):
        book(catalogue=str(tmp_path / "none.json"))
