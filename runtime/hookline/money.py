"""Money: integers of nano-US-dollars, so that sums are exact.

A nano-dollar is 1e-9 US dollar. A credit, the seed's unit (its section 11.1), is 1e-6 dollar.
"""

from decimal import Decimal, InvalidOperation

from hookline.errors import InvalidRequest

DOLLAR = 1_000_000_000
"""Nano-dollars in a dollar."""

CREDIT = 1_000
"""Nano-dollars in a credit."""

LARGEST = 1_000_000_000 * DOLLAR
"""The largest amount that can be named: a billion dollars; sums of many still fit 64 bits."""

_PLACES = Decimal(DOLLAR)


def nanos(dollars: str | Decimal, param: str = "amount") -> int:
    """Nano-dollars of a text such as ``5``, ``5.25`` or ``-0.000000001``.

    Raises:
        InvalidRequest: it is no such number, has more than nine decimals, or is too large.
    """
    try:
        value = Decimal(dollars) * _PLACES
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value != value.to_integral_value() or abs(value) > LARGEST:
        message = (
            f"{param}: {dollars} is no amount of dollars; write it like 5 or 0.25, with up to "
            f"nine decimals and up to a billion"
        )
        raise InvalidRequest(message, param=param)
    return int(value)


def dollars(amount: int) -> str:
    """The amount in dollars, exactly, with two decimals or as many as it takes: ``-0.000042``."""
    whole, rest = divmod(abs(amount), DOLLAR)
    decimals = f"{rest:09d}".rstrip("0").ljust(2, "0")
    return f"{'-' if amount < 0 else ''}{whole}.{decimals}"


def credits_of(amount: int) -> str:
    """The amount in credits, exactly: ``-42`` or ``0.5``."""
    whole, rest = divmod(abs(amount), CREDIT)
    decimals = f".{rest:03d}".rstrip("0") if rest else ""
    return f"{'-' if amount < 0 else ''}{whole}{decimals}"


def shown(amount: int) -> str:
    """The amount as people write it: ``$5.00``, ``-$0.000042``."""
    return f"{'-' if amount < 0 else ''}${dollars(abs(amount))}"
