"""The catalogue: what vendors ask for their models, as data that comes with Hookline.

It is made of the package genai-prices by ``python3 noxfile.py prices``. That package is not loaded
by a server: importing it takes half a second and 95 MiB of memory, of which 35 MiB stay.

A model is found by its exact name. Vendors' names of dated snapshots count as the name without the
date; a name that only begins like another one, or holds it, is another model, and has no price
until somebody says so (the seed's section 14.A: ``opus-4-6`` is not ``opus-4``).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time
from importlib.resources import files
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from hookline.errors import ConfigError

Kind = Literal[
    "input", "output", "cache_read", "cache_write", "reasoning", "audio_input", "audio_output"
]
"""Kinds of tokens that can have a price of their own."""

Rates = Mapping[Kind, str]
"""US dollars per million tokens, as decimal text."""

_SUFFIX = re.compile(r"(-v\d+:\d+|-v1|-latest|[-@]\d{8}|-\d{4}-\d{2}-\d{2})$")
_REGION = re.compile(r"^(us|us-gov|ap|apac|au|ca|eu|in|jp|sa)\.")
_PREFIXES = ("models/", "publishers/google/models/", "publishers/anthropic/models/")


class Tier(Struct, frozen=True):
    """Rates of a call whose whole input is larger than so many tokens."""

    above: int
    rates: Rates


class Offer(Struct, frozen=True, omit_defaults=True):
    """Rates that hold from a day on, or between two times of day (UTC); later ones come first."""

    rates: Rates
    tiers: Sequence[Tier] = ()
    since: date | None = None
    hours: tuple[time, time] | None = None

    def holds(self, at: datetime) -> bool:
        """Whether it holds at this moment."""
        if self.since is not None and at.date() < self.since:
            return False
        if self.hours is None:
            return True
        begin, end = self.hours
        now = at.time()
        return begin <= now < end if begin <= end else now >= begin or now < end


class Model(Struct, frozen=True):
    """A model under all its names, and what is asked for it."""

    names: Sequence[str]
    offers: Sequence[Offer]

    def offer(self, at: datetime) -> Offer:
        """What holds at this moment; the first one if none does."""
        return next((one for one in reversed(self.offers) if one.holds(at)), self.offers[0])


class CatalogueFile(Struct, frozen=True):
    """What stands in the file. Models of vendors that nobody asks for are not decoded.

    ``resold`` has the vendors who sell models of others at the others' prices.
    """

    version: str
    resold: Mapping[str, Sequence[str]]
    vendors: Mapping[str, msgspec.Raw]


class Catalogue:
    """All models, by vendor.

    Attributes:
        version: where it is from.
    """

    def __init__(self, file: CatalogueFile):
        self.version = file.version
        self._resold = file.resold
        self._raw = file.vendors
        self._models: dict[str, Sequence[Model]] = {}

    def models(self, vendor: str) -> Sequence[Model]:
        """A vendor's models; none if nobody knows it."""
        if vendor not in self._models and vendor in self._raw:
            self._models[vendor] = msgspec.json.decode(self._raw[vendor], type=Sequence[Model])
        return self._models.get(vendor, ())

    def find(self, vendor: str, model: str) -> Model | None:
        """The model of this name, its own or a resold one; ``None`` if there is none."""
        sellers = (vendor, *self._resold.get(vendor, ()))
        return next((found for seller in sellers if (found := self._own(seller, model))), None)

    def _own(self, vendor: str, model: str) -> Model | None:
        for name in spellings(model):
            for found in self.models(vendor):
                if name in found.names:
                    return found
        return None


def spellings(model: str) -> Iterator[str]:
    """A model's name, then the same without path, date and version, each of them in its region."""
    name = model.lower()
    yield name
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    yield from _in_region(name)
    while (shorter := _SUFFIX.sub("", name)) != name:
        name = shorter
        yield from _in_region(name)


def _in_region(name: str) -> Iterator[str]:
    """The name, then the name of the same model in the regions of Bedrock, dearer ones first.

    Bedrock's models are called in one region, in those of a continent (``us.amazon.nova-pro-v1:0``)
    or anywhere (``global.``). The catalogue has ``regional.`` where that makes the price another.
    """
    yield name
    anywhere = _REGION.sub("", name)
    yield f"regional.{anywhere}"
    yield anywhere


def load(path: Path | None = None) -> Catalogue:
    """The catalogue in a file, or the one that comes with Hookline.

    Raises:
        ConfigError: the file cannot be read.
    """
    source = path or files("hookline_ledger").joinpath("catalogue.json")
    try:
        return Catalogue(msgspec.json.decode(source.read_bytes(), type=CatalogueFile))
    except (OSError, msgspec.MsgspecError) as error:
        message = (
            f"plugins.ledger.catalogue: {path} is no catalogue of prices: {error}; make one with "
            f"python -m hookline_ledger.extract FILE"
        )
        raise ConfigError(message) from error
