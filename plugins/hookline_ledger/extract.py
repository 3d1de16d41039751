"""``python -m hookline_ledger.extract FILE``: makes a catalogue of the installed genai-prices.

Whoever wants newer prices than those that come with Hookline installs a newer genai-prices
anywhere, writes a catalogue, and names it in ``[plugins.ledger] catalogue``. Nothing is fetched.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec

from hookline_ledger.catalogue import Kind, Model, Offer, Rates, Tier

KINDS: Mapping[str, Kind] = {
    "input_mtok": "input",
    "output_mtok": "output",
    "cache_read_mtok": "cache_read",
    "cache_write_mtok": "cache_write",
    "output_reasoning_mtok": "reasoning",
    "input_audio_mtok": "audio_input",
    "output_audio_mtok": "audio_output",
}
"""The names of genai-prices, and ours."""

EXTRAS = frozenset(
    {
        "cache_audio_read_mtok",
        "cache_write_1h_mtok",
        "storage_searches_kcount",
        "web_searches_kcount",
    }
)
"""What only special requests cost: cached sound, an hour's cache, the vendor's own searches.

A model with any other price, as for each request or for images that it makes, is left out: entries
do not count these, and what is left would be a price that is too low.
"""


def extract() -> bytes:
    """The catalogue of the genai-prices that is installed: JSON, with a model on each line."""
    from genai_prices.data_snapshot import get_snapshot  # a server does without the package

    source = f"genai-prices {version('genai-prices')}"
    providers = get_snapshot().providers
    resold = {one.id: others for one in providers if (others := one.fallback_model_providers)}
    vendors = {provider.id: _models(provider) for provider in providers}
    lines = [f'{{"version":{_encode(source)},', f'"resold":{_encode(resold)},', '"vendors":{']
    found = [(vendor, vendors[vendor]) for vendor in sorted(vendors) if vendors[vendor]]
    for number, (vendor, models) in enumerate(found):
        lines.append(f"{_encode(vendor)}:[")
        lines.append(",\n".join(_encode(model) for model in models))
        lines.append("]," if number + 1 < len(found) else "]")
    return "\n".join([*lines, "}}", ""]).encode()


def _encode(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _models(provider: Any) -> Sequence[Model]:
    return [model for info in provider.models for model in _model(info)]


def _model(info: Any) -> Iterator[Model]:
    conditional = info.prices if isinstance(info.prices, list) else [None]
    lists = [info.prices if one is None else one.prices for one in conditional]
    offers = [_offer(*one) for one in zip(lists, conditional, strict=True)]
    if offers and all(map(_is_whole, lists)):
        names = dict.fromkeys(name.lower() for name in (info.id, *_literals(info.match)))
        yield Model(names=list(names), offers=offers)


def _is_whole(prices: Any) -> bool:
    """Whether these prices say all that a call costs."""
    named = {name for name, price in vars(prices).items() if price is not None}
    return bool(named & {"input_mtok", "output_mtok"}) and named <= KINDS.keys() | EXTRAS


def _literals(match: Any) -> Iterator[str]:
    """The names in a model's matching rules. They are taken as whole names, and not as parts."""
    for attribute in ("equals", "starts_with", "contains"):
        if isinstance(text := getattr(match, attribute, None), str):
            yield text
    for attribute in ("or_", "and_"):
        for clause in getattr(match, attribute, ()):
            yield from _literals(clause)


def _offer(prices: Any, conditional: Any) -> Offer:
    given = {KINDS[key]: price for key, price in vars(prices).items() if key in KINDS and price}
    given |= {KINDS[key]: price for key, price in vars(prices).items() if _is_zero(key, price)}
    thresholds = sorted({tier.start for price in given.values() for tier in _tiers(price)})
    constraint = getattr(conditional, "constraint", None)
    begin: Any = getattr(constraint, "start_time", None)
    end: Any = getattr(constraint, "end_time", None)
    return Offer(
        rates={kind: _text(getattr(price, "base", price)) for kind, price in given.items()},
        tiers=[Tier(above=above, rates=_above(given, above)) for above in thresholds],
        since=getattr(constraint, "start_date", None),
        hours=None if begin is None else (begin.replace(tzinfo=None), end.replace(tzinfo=None)),
    )


def _is_zero(key: str, price: Any) -> bool:
    return key in KINDS and price is not None and not price


def _above(given: Mapping[Kind, Any], above: int) -> Rates:
    rates = {}
    for kind, price in given.items():
        reached = [tier.price for tier in _tiers(price) if tier.start <= above]
        rates[kind] = _text(reached[-1] if reached else getattr(price, "base", price))
    return rates


def _tiers(price: Any) -> Sequence[Any]:
    tiers: Sequence[Any] = getattr(price, "tiers", ())
    return tiers


def _text(price: Any) -> str:
    """At most nine decimals, as many as count; 0.0833333333333333 is the package's own division."""
    text = f"{round(price, 9):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


if __name__ == "__main__":
    Path(sys.argv[1]).write_bytes(extract())
