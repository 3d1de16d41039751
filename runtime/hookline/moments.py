"""Moments: always aware, always in UTC, exact to the microsecond."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Literal, TypeVar, get_args, get_origin, get_type_hints

import attrs

ThingT = TypeVar("ThingT")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PLAIN = frozenset({type(None), str, int, bool, float, bytes})


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
    """The value itself, if all its moments are in UTC already: most are.

    Every write of usage comes through here, so the fields of a class are listed once.
    """
    kind: Any = type(value)
    if kind in _PLAIN:
        return value
    if kind is datetime:
        return utc(value)
    names = _fields(kind)
    if names:
        given = ((name, getattr(value, name)) for name in names)
        changed = {name: new for name, one in given if (new := _in_utc(one)) is not one}
        return attrs.evolve(value, **changed) if changed else value
    match value:
        case Mapping():
            moved = {key: _in_utc(one) for key, one in value.items()}
            return value if all(moved[key] is one for key, one in value.items()) else moved
        case list() | tuple():
            listed = [_in_utc(one) for one in value]
            same = all(new is one for new, one in zip(listed, value, strict=True))
            return value if same else listed
        case datetime():
            return utc(value)
    return value


@cache
def _fields(kind: Any) -> tuple[str, ...]:
    """The fields of an ``attrs`` class that may hold moments; none of any other class."""
    if not attrs.has(kind):
        return ()
    return tuple(name for name, hint in get_type_hints(kind).items() if _may_hold(hint))


def _may_hold(hint: Any) -> bool:
    """Whether a value of this type may be a moment, or have one in it."""
    if get_origin(hint) is Literal:
        return False
    if args := get_args(hint):
        return any(_may_hold(one) for one in args if one is not Ellipsis)
    if isinstance(hint, type) and attrs.has(hint):
        return bool(_fields(hint))
    return not (isinstance(hint, type) and issubclass(hint, tuple(_PLAIN)))
