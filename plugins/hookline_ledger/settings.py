"""``[plugins.ledger]``: who pays, how accounts begin and refill, and what is limited."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from hookline.ledger import IntervalUnit
from hookline_ledger.price_settings import BookSettings

Dollars = Annotated[str, Meta(pattern=r"^\d+(\.\d{1,9})?$")]
"""An amount of US dollars, as text, so that it is exact: ``"5.00"``."""

PerMinute = Annotated[int, Meta(ge=1)]


class RefillSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """``[plugins.ledger.refill]``: how accounts without a refill of their own are refilled.

    ``catch_up`` says what happens to intervals in which nobody asked: ``one`` of them counts, as in
    the seed (11.9), or ``all``.
    """

    amount: Dollars
    interval: Annotated[int, Meta(ge=1)] = 30
    unit: IntervalUnit = "days"
    catch_up: Literal["one", "all"] = "one"


class LimitSettings(Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of each user, or of each key, without limits of its own: dollars, and per minute."""

    day: Dollars | None = None
    month: Dollars | None = None
    requests: PerMinute | None = None
    tokens: PerMinute | None = None


class Settings(BookSettings, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``[plugins.ledger]``: accounts and limits, and the prices of ``BookSettings``.

    Times in seconds.
    """

    transactions: bool = True
    enforce_balance: bool = False
    start_balance: Dollars = "0.02"
    unpriced: Literal["allow", "refuse"] = "allow"
    refill: RefillSettings | None = None
    user_limits: LimitSettings = LimitSettings()
    key_limits: LimitSettings = LimitSettings()
    lease: Annotated[float, Meta(ge=10)] = 60.0
    cache_seconds: Annotated[float, Meta(ge=0)] = 5.0
