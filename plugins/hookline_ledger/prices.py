"""Prices: what a call cost, exactly.

Rates are scaled to integers once, so that a price is a few products and one rounding, half to
even, to whole nano-dollars.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import attrs
import msgspec

from hookline.usage import Price, TokenCounts, UsageEntry
from hookline_ledger.catalogue import Catalogue, Kind, Offer, Rates, Tier, load
from hookline_ledger.price_settings import BookSettings, PriceSettings, RateSettings

KINDS: Sequence[Kind] = (
    "input",
    "output",
    "cache_read",
    "cache_write",
    "reasoning",
    "audio_input",
    "audio_output",
)
NANO = 1_000_000_000
"""What a rate in dollars per million tokens is multiplied with, to be a whole number."""

MILLION = 1_000_000
FACTOR = 1_000_000_000
"""What a surcharge is multiplied with, to be a whole number."""

REMEMBERED = 10_000
"""Prices of models that are remembered; with more, all of them are looked up again."""

CREDIT = 1000
INCOMPLETE = (115, 100)
"""What the seed charges for the output of a call that was broken off (11.6), in hundredths."""

_FALLBACK: Mapping[Kind, Kind] = {
    "cache_read": "input",
    "cache_write": "input",
    "audio_input": "input",
    "audio_output": "output",
    "reasoning": "output",
}


@attrs.frozen
class Scale:
    """The rates of one size of input, scaled; kinds without a rate of their own have none."""

    above: int
    scaled: Mapping[Kind, int]
    rates: Mapping[str, str]


@attrs.frozen
class Tariff:
    """What one model costs, at one time."""

    version: str
    scales: Sequence[Scale]

    def scale(self, size: int) -> Scale:
        """The rates for an input of so many tokens."""
        return next((one for one in reversed(self.scales) if size > one.above), self.scales[0])


class PriceBook:
    """A price list: the config's own prices first, then the catalogue's.

    Args:
        settings: prices of one's own.

    Raises:
        ConfigError: the catalogue that the settings name cannot be read.
    """

    def __init__(self, settings: BookSettings):
        self._settings = settings
        self._own = [_Own(price) for price in settings.prices]
        self._catalogue: Catalogue | None = None
        if settings.catalogue is not None:
            self._catalogue = load(Path(settings.catalogue))
        self._own_version = _version(settings)
        self._tools = {name: _scaled(usd, NANO) for name, usd in settings.tools.items()}
        self._surcharge = _scaled(settings.surcharge, FACTOR)
        self._surcharges = {id_: _scaled(f, FACTOR) for id_, f in settings.surcharges.items()}
        self._tariffs: dict[tuple[str | None, str, str], tuple[date, Tariff | None]] = {}
        self._by_the_hour: set[tuple[str | None, str, str]] = set()

    def price(self, entry: UsageEntry) -> Price | None:
        """What the entry costs; ``None`` if nobody has said what."""
        if entry.tool is not None:
            return self._tool(entry.tool)
        tariff = self._tariff(entry)
        if tariff is None:
            return None
        scale = tariff.scale(entry.tokens.input)
        parts = _parts(entry.tokens, scale.scaled)
        if parts is None:
            return None
        factor = self._surcharges.get(entry.agent, self._surcharge)
        spent, completion = parts
        rates = scale.rates
        if self._settings.compatibility and entry.incomplete:
            completion = _dearer(completion)
            rates = {**rates, "incomplete": _text(*INCOMPLETE)}
        if factor != FACTOR:
            rates = {**rates, "factor": _text(factor, FACTOR)}
        amount = _round((spent + completion) * factor, MILLION * FACTOR)
        return Price(amount=amount, version=tariff.version, rates=rates)

    def _tool(self, name: str) -> Price | None:
        amount = self._tools.get(name)
        if amount is None:
            return None
        return Price(
            amount=amount, version=self._own_version, rates={"tool": self._settings.tools[name]}
        )

    def _tariff(self, entry: UsageEntry) -> Tariff | None:
        key = (entry.vendor, entry.provider, entry.model)
        found = self._tariffs.get(key)
        day = entry.at.date()
        if found is not None and found[0] == day and key not in self._by_the_hour:
            return found[1]
        if len(self._tariffs) >= REMEMBERED:
            self._tariffs.clear()
            self._by_the_hour.clear()
        tariff = self._look_up(key, entry.at)
        self._tariffs[key] = (day, tariff)
        return tariff

    def _look_up(self, key: tuple[str | None, str, str], at: datetime) -> Tariff | None:
        vendor, provider, model = key
        own = max(
            (one for one in self._own if one.is_for(vendor, provider, model, at.date())),
            key=lambda one: one.rank,
            default=None,
        )
        if own is not None:
            return _tariff(self._own_version, own.rates, own.tiers)
        if vendor is None:
            return None
        if self._catalogue is None:
            self._catalogue = load()
        listed = self._catalogue.find(vendor, model)
        if listed is None:
            return None
        if any(offer.hours is not None for offer in listed.offers):
            self._by_the_hour.add(key)
        offer: Offer = listed.offer(at)
        return _tariff(self._catalogue.version, offer.rates, offer.tiers)


class _Own:
    """A price of the config."""

    def __init__(self, price: PriceSettings):
        self._price = price
        self.rates = _rates(price)
        self.tiers = [
            Tier(above=tier.above, rates={**self.rates, **_rates(tier)})
            for tier in sorted(price.tiers, key=lambda tier: tier.above)
        ]
        exact = "*" not in price.model
        pattern = ".*".join(re.escape(part) for part in price.model.split("*"))
        self._pattern = re.compile(pattern, re.DOTALL)
        self.rank = (exact, len(price.model), price.provider is not None, price.since or date.min)
        """An exact name comes first, then the longest pattern, then one with a provider."""

    def is_for(self, vendor: str | None, provider: str, model: str, day: date) -> bool:
        """Whether it says what this model costs on this day."""
        price = self._price
        if price.provider is not None and price.provider not in {vendor, provider}:
            return False
        if price.since is not None and day < price.since:
            return False
        if price.until is not None and day >= price.until:
            return False
        return self._pattern.fullmatch(model) is not None


def _parts(tokens: TokenCounts, scaled: Mapping[Kind, int]) -> tuple[int, int] | None:
    """What input and output cost, scaled; ``None`` if there is something without a price.

    Cached input and audio are parts of the input, audio and reasoning are parts of the output.
    """
    audio_input = tokens.audio_input if "audio_input" in scaled else 0
    audio_output = tokens.audio_output if "audio_output" in scaled else 0
    reasoning = tokens.reasoning if "reasoning" in scaled else 0
    plain = tokens.input - tokens.cache_read - tokens.cache_write - audio_input
    said = tokens.output - audio_output - reasoning
    spent = _sum(
        scaled,
        ("input", plain),
        ("cache_read", tokens.cache_read),
        ("cache_write", tokens.cache_write),
        ("audio_input", audio_input),
    )
    completion = _sum(
        scaled, ("output", said), ("audio_output", audio_output), ("reasoning", reasoning)
    )
    return None if spent is None or completion is None else (spent, completion)


def _sum(scaled: Mapping[Kind, int], *counts: tuple[Kind, int]) -> int | None:
    total = 0
    for kind, count in counts:
        if not count:
            continue
        rate = scaled.get(kind, scaled.get(_FALLBACK.get(kind, kind)))
        if rate is None:
            return None
        total += rate * count
    return total


def _dearer(completion: int) -> int:
    """The seed's factor for output of a call that was broken off: less than a credit is dropped.

    The seed rounds the negative value up (11.6), so the amount is rounded down.
    """
    times, parts = INCOMPLETE
    credit = CREDIT * MILLION
    return completion * times // parts // credit * credit


def _round(number: int, parts: int) -> int:
    """The number divided into parts, half to even."""
    whole, rest = divmod(number, parts)
    if rest * 2 > parts or (rest * 2 == parts and whole % 2):
        return whole + 1
    return whole


def _tariff(version: str, rates: Rates, tiers: Sequence[Tier]) -> Tariff:
    scales = [_scale(-1, rates)]
    scales += [_scale(tier.above, tier.rates) for tier in tiers]
    return Tariff(version, scales)


def _scale(above: int, rates: Rates) -> Scale:
    scaled = {kind: _scaled(usd, NANO) for kind, usd in rates.items()}
    return Scale(above, scaled, {str(kind): usd for kind, usd in rates.items()})


def _rates(settings: RateSettings) -> dict[Kind, str]:
    given: Iterator[tuple[Kind, str | None]] = ((kind, getattr(settings, kind)) for kind in KINDS)
    return {kind: usd for kind, usd in given if usd is not None}


def _scaled(usd: str, by: int) -> int:
    return int(Decimal(usd) * by)


def _text(value: int, by: int) -> str:
    return f"{Decimal(value) / by:f}"


def _version(settings: BookSettings) -> str:
    """A name for the prices of the config: other prices have another one."""
    content = msgspec.json.encode([settings.prices, settings.tools], order="deterministic")
    return f"config:{hashlib.sha256(content).hexdigest()[:8]}"
