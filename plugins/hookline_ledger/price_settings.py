"""``[plugins.ledger]``: prices of one's own, beside those of the catalogue."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Annotated, Literal

from msgspec import Meta, Struct

Usd = Annotated[str, Meta(pattern=r"^\d+(\.\d{1,9})?$")]
"""US dollars as text, so that they are exact: ``"0.25"``."""


class RateSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Dollars per million tokens. Cached input without a price of its own costs what input does."""

    input: Usd | None = None
    output: Usd | None = None
    cache_read: Usd | None = None
    cache_write: Usd | None = None
    reasoning: Usd | None = None
    audio_input: Usd | None = None
    audio_output: Usd | None = None


class TierSettings(RateSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Rates of calls whose whole input has more than ``above`` tokens."""

    above: Annotated[int, Meta(ge=0)]


class PriceSettings(RateSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[[plugins.ledger.prices]]``: what a model costs.

    ``model`` is a name, or a pattern in which ``*`` stands for any text. ``provider`` is the name
    of a ``[providers.<name>]`` or of a vendor; without it the price is everybody's.
    """

    model: Annotated[str, Meta(min_length=1)]
    provider: str | None = None
    tiers: Sequence[TierSettings] = ()
    since: date | None = None
    until: date | None = None


class BookSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The part of ``[plugins.ledger]`` that concerns prices."""

    prices: Sequence[PriceSettings] = ()
    tools: Mapping[str, Usd] = {}
    surcharge: Usd = "1"
    surcharges: Mapping[str, Usd] = {}
    catalogue: str | None = None
    compatibility: Literal["librechat"] | None = None
