"""The number nearest to zero that a JSON schema allows."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import attrs


@attrs.frozen
class _Range:
    """What is allowed: from ``low`` to ``high``, each of them left out if ``open``."""

    low: Fraction | None
    low_open: bool
    high: Fraction | None
    high_open: bool

    def __contains__(self, number: Fraction) -> bool:
        above = self.low is None or number > self.low or (number == self.low and not self.low_open)
        below = (
            self.high is None or number < self.high or (number == self.high and not self.high_open)
        )
        return above and below

    def mirrored(self) -> "_Range":
        """The same range on the other side of zero."""
        low = None if self.high is None else -self.high
        high = None if self.low is None else -self.low
        return _Range(low, self.high_open, high, self.low_open)


def nearest(schema: Mapping[str, Any], *, integer: bool) -> int | float | None:
    """The number nearest to zero within the schema's limits; ``None`` if there is none."""
    try:
        range_ = _range(schema)
        step = _step(schema, integer=integer)
    except (ValueError, ZeroDivisionError, OverflowError):
        return None
    found = _nearest(range_, step)
    if found is None:
        mirrored = _nearest(range_.mirrored(), step)
        found = None if mirrored is None else -mirrored
    if found is None or found.denominator == 1:
        return None if found is None else int(found)
    return float(found)


def _nearest(range_: _Range, step: Fraction | None) -> Fraction | None:
    """The allowed number nearest to zero, if it is not below zero."""
    zero = Fraction(0)
    if zero in range_:
        return zero
    if range_.low is None or range_.low < 0:
        return None
    of_step = step or Fraction(1)
    candidates = [(range_.low // of_step) * of_step, (range_.low // of_step + 1) * of_step]
    if step is None:
        high = range_.low + 1 if range_.high is None else range_.high
        candidates += [range_.low, (range_.low + high) / 2]
    return next((number for number in candidates if number in range_), None)


def _range(schema: Mapping[str, Any]) -> _Range:
    low, low_open = _limit(schema, "minimum", "exclusiveMinimum", 1)
    high, high_open = _limit(schema, "maximum", "exclusiveMaximum", -1)
    return _Range(low, low_open, high, high_open)


def _limit(
    schema: Mapping[str, Any], closed: str, open_: str, sign: int
) -> tuple[Fraction | None, bool]:
    limits = [
        (sign * Fraction(str(schema[key])), key == open_, Fraction(str(schema[key])))
        for key in (closed, open_)
        if key in schema
    ]
    if not limits:
        return None, False
    _, is_open, limit = max(limits)
    return limit, is_open


def _step(schema: Mapping[str, Any], *, integer: bool) -> Fraction | None:
    if "multipleOf" not in schema:
        return Fraction(1) if integer else None
    step = Fraction(str(schema["multipleOf"]))
    return Fraction(step.numerator) if integer else step  # p/q reaches a whole number at p
