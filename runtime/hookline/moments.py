"""Moments: always aware, always in UTC, exact to the microsecond."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import attrs

ThingT = TypeVar("ThingT")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


def utc(moment: datetime) -> datetime:
    """The same moment in UTC, as stores keep it.

    Raises:
        ValueError: the moment has no zone.
    """
    if moment.tzinfo is None:
        message = f"{moment} has no time zone; use an aware datetime"
        raise ValueError(message)
    return moment.astimezone(UTC)


def in_utc(thing: ThingT) -> ThingT:
    """An ``attrs`` object with all its moments in UTC, as stores give it back.

    Raises:
        ValueError: a moment has no zone.
    """
    given: Any = thing
    moments = {
        field.name: utc(value)
        for field in attrs.fields(type(given))
        if isinstance(value := getattr(given, field.name), datetime)
    }
    evolved: ThingT = attrs.evolve(given, **moments)
    return evolved


def all_in_utc(thing: ThingT) -> ThingT:
    """An ``attrs`` object with all moments in UTC, those in what it is made of too.

    Raises:
        ValueError: a moment has no zone.
    """
    moved: ThingT = _in_utc(thing)
    return moved


def micros(moment: datetime) -> int:
    """Microseconds since 1970, exactly.

    Raises:
        ValueError: the moment has no zone.
    """
    return (utc(moment) - _EPOCH) // _MICROSECOND


def of_micros(value: int) -> datetime:
    """The moment in UTC that ``micros`` stands for."""
    return _EPOCH + timedelta(microseconds=value)


def _in_utc(value: Any) -> Any:
    """The value itself, if all its moments are in UTC already: most are."""
    match value:
        case None | str() | int():
            return value
        case datetime():
            return utc(value)
        case Mapping():
            moved = {key: _in_utc(one) for key, one in value.items()}
            return value if all(moved[key] is one for key, one in value.items()) else moved
        case list() | tuple():
            listed = [_in_utc(one) for one in value]
            same = all(new is one for new, one in zip(listed, value, strict=True))
            return value if same else listed
    if not attrs.has(type(value)):
        return value
    given = {field.name: getattr(value, field.name) for field in attrs.fields(type(value))}
    changed = {name: new for name, one in given.items() if (new := _in_utc(one)) is not one}
    return attrs.evolve(value, **changed) if changed else value
