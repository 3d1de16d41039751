"""The schema: its version, and the indexes that the models declare."""

from collections.abc import Mapping, Sequence
from typing import Any

from odmantic import Model
from odmantic.index import ODMBaseIndex

from hookline.errors import StoreUnavailable
from hookline_mongo.driver import Database, IndexModel, OperationFailure
from hookline_mongo.models import MODELS, Schema

VERSION = 3
"""Of the schema that this Hookline needs."""

_ID = "schema"
_OPTIONS = ("unique", "sparse")


async def version(database: Database) -> int:
    """The version of the schema; 0 if there is none yet."""
    with database.translated():
        found = await database.collection(Schema).find_one({"_id": _ID})
    return 0 if found is None else int(found["version"])


async def missing(database: Database) -> Sequence[str]:
    """The names of the indexes that ``migrate`` would create."""
    absent: list[str] = []
    for model in MODELS:
        absent += [_name(model, index) for index in await _absent(database, model)]
    return absent


async def migrate(database: Database) -> Sequence[str]:
    """Create the indexes that are missing, then say that the schema is there; what was done.

    It may be done at the same moment by several: what another one has just created is there.

    Raises:
        StoreUnavailable: the database is a newer Hookline's, or an index cannot be created.
    """
    done: list[str] = []
    with database.within(None):
        before = await version(database)
        refuse_newer(database, before)
        for model in MODELS:
            for index in await _absent(database, model):
                await _create(database, model, index)
                done.append(f"created the index {_name(model, index)}")
        if before < VERSION:
            with database.translated():
                await database.collection(Schema).update_one(
                    {"_id": _ID}, {"$max": {"version": VERSION}}, upsert=True
                )
            done.append(f"brought the schema from version {before} to {VERSION}")
    return done


async def prepare(database: Database) -> None:
    """Make an empty database ready, and make sure that any other one is.

    Raises:
        StoreUnavailable: it has to be migrated first, or is a newer Hookline's.
    """
    found = await version(database)
    if found == 0 and await _empty(database):
        # Another process may be at it too, and leave the same behind.
        await migrate(database)
        return
    # If it was not empty, another process may have been at it just now.
    found = found or await version(database)
    refuse_newer(database, found)
    absent = await missing(database)
    if found == VERSION and not absent:
        return
    what = f"lacks {', '.join(absent)}" if absent else f"has schema version {found}"
    message = f"the MongoDB store {database.name} {what}; run 'hookline store migrate'"
    raise StoreUnavailable(message)


def refuse_newer(database: Database, found: int) -> None:
    """Refuse a newer Hookline's database.

    Raises:
        StoreUnavailable: it is one.
    """
    if found > VERSION:
        message = (
            f"the MongoDB store {database.name} has schema version {found}, and this Hookline "
            f"knows none above {VERSION}; upgrade Hookline, or go back to a copy of the database"
        )
        raise StoreUnavailable(message)


async def _empty(database: Database) -> bool:
    """Whether nothing is kept there."""
    with database.translated():
        for model in MODELS:
            if await database.collection(model).find_one({}, {"_id": 1}) is not None:
                return False
    return True


async def _absent(database: Database, model: type[Model]) -> Sequence[IndexModel]:
    with database.translated():
        there = await database.collection(model).index_information()
    return [index for index in _declared(model) if not _same(index, there)]


def _declared(model: type[Model]) -> Sequence[IndexModel]:
    return [
        index.get_pymongo_index() if isinstance(index, ODMBaseIndex) else index
        for index in model.__indexes__()
    ]


def _same(index: IndexModel, there: Mapping[str, Any]) -> bool:
    wanted: Mapping[str, Any] = index.document
    found = there.get(wanted["name"])
    if found is None or list(wanted["key"].items()) != [tuple(pair) for pair in found["key"]]:
        return False
    return all(bool(wanted.get(option)) == bool(found.get(option)) for option in _OPTIONS)


def _name(model: type[Model], index: IndexModel) -> str:
    return f"{model.__collection__}.{index.document['name']}"


async def _create(database: Database, model: type[Model], index: IndexModel) -> None:
    try:
        with database.translated():
            await database.collection(model).create_indexes([index])
    except OperationFailure as error:
        message = (
            f"the index {_name(model, index)} of the MongoDB store {database.name} cannot be "
            f"created: {error}; remove what is in its way, and migrate again"
        )
        raise StoreUnavailable(message) from error
