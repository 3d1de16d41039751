"""The driver: ODMantic's engine on PyMongo's asynchronous client. No other module knows it.

ODMantic 1.1 is written for Motor, which is past its end of life. The two clients differ in three
places: ``aggregate()`` and ``start_transaction()`` are coroutines in PyMongo, ``start_session()``
is none. ODMantic still imports Motor, so it has to be installed; nothing of it runs.
"""

import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs
import pymongo
from bson.codec_options import DatetimeConversion
from bson.errors import BSONError
from odmantic import AIOEngine, Model
from odmantic.engine import AIOCursor
from odmantic.session import AIOSession, AIOTransaction
from pymongo import AsyncMongoClient, DeleteOne, IndexModel, InsertOne, ReplaceOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.command_cursor import AsyncCommandCursor
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    BulkWriteError,
    ConnectionFailure,
    DocumentTooLarge,
    DuplicateKeyError,
    OperationFailure,
    PyMongoError,
    WriteConcernError,
)
from pymongo.write_concern import WriteConcern

from hookline.errors import ConfigError, HooklineError, InvalidRequest, StoreUnavailable

__all__ = [
    "Client",
    "Collection",
    "Database",
    "DeleteOne",
    "Document",
    "DuplicateKeyError",
    "Engine",
    "IndexModel",
    "InsertOne",
    "Operation",
    "OperationFailure",
    "ReplaceOne",
    "Session",
    "UpdateOne",
    "connect",
    "write_all",
]

Document = dict[str, Any]
Operation = InsertOne[Document] | UpdateOne | ReplaceOne[Document] | DeleteOne
Client = AsyncMongoClient[Document]
Collection = AsyncCollection[Document]
Session = AsyncClientSession

DATABASE = "hookline"
"""The database of a URL that names none."""

# What is acknowledged has to survive a kill and to be read from then on, and ODMantic takes
# datetimes without a zone only.
_ALWAYS: Mapping[str, Any] = {
    "w": "majority",
    "journal": True,
    "readPreference": "primary",
    "tz_aware": False,
    "datetime_conversion": DatetimeConversion.DATETIME,
    "uuidRepresentation": "standard",
    "document_class": dict,
}
# A URL may say otherwise. ``timeoutMS`` bounds an operation with all its retries, and takes the
# place of ``serverSelectionTimeoutMS``.
_UNLESS_SAID: Mapping[str, Any] = {
    "appname": "hookline",
    "connectTimeoutMS": 3_000,
    "timeoutMS": 5_000,
    "retryReads": True,
    "retryWrites": True,
}
_QUICK = WriteConcern(w=1, j=False)
_DUPLICATE = 11000
_TOO_LARGE = {10334, 17419, 17420}
_TOO_DEEP = {15}
_REFUSED = {13, 18, 8000}  # Unauthorized, AuthenticationFailed, the same of Atlas
_PASSING = {
    *(6, 7, 89, 9001),  # the network
    *(91, 11600, 11601),  # the server shuts down or was told to end the operation
    *(189, 10107, 11602, 13435, 13436),  # the primary changes
    *(24, 50, 112, 134, 202, 262),  # locks, time limits and conflicts
    *(14031,),  # the disk is full
}
_PASSING_LABELS = ("RetryableWriteError", "TransientTransactionError", "RetryableError")

M = TypeVar("M", bound=Model)


class Engine(AIOEngine):
    """An ODMantic engine whose client is PyMongo's own."""

    def __init__(self, client: Client, database: str):
        stand_in: Any = _Client(client)
        super().__init__(stand_in, database)

    def get_collection(self, model: type[Model]) -> Collection:  # type: ignore[override]
        """The collection of a model, as PyMongo has it."""
        database: Any = self.database
        collection: Collection = database[model.__collection__]
        return collection

    def find(self, model: type[M], *queries: Any, **options: Any) -> AIOCursor[M]:
        """As in ODMantic; it begins when the cursor is awaited or iterated over."""
        session: Any = self._get_session(options.pop("session", None))
        pipeline = self._prepare_find_pipeline(model, *queries, **options)
        collection = self.get_collection(model)
        cursor: Any = _Cursor(lambda: collection.aggregate(pipeline, session=session))
        return AIOCursor(model, cursor)

    def session(self) -> AIOSession:
        """As in ODMantic."""
        return _Session(self)

    def transaction(self) -> AIOTransaction:
        """As in ODMantic: left without ``commit()`` and without an error, it commits."""
        return _Transaction(self)


@attrs.frozen
class _Client:
    """What the engine does with a client."""

    client: Client

    def __getitem__(self, name: str) -> AsyncDatabase[Document]:
        return self.client[name]

    async def start_session(self) -> Session:
        return self.client.start_session()


@attrs.frozen
class _Cursor:
    """What the engine's cursor does with one."""

    begin: Callable[[], Awaitable[AsyncCommandCursor[Document]]]

    async def to_list(self, length: int | None) -> list[Document]:
        async with await self.begin() as cursor:
            return await cursor.to_list(length)

    async def __aiter__(self) -> AsyncIterator[Document]:
        async with await self.begin() as cursor:
            async for document in cursor:
                yield document


class _Session(AIOSession):
    def transaction(self) -> AIOTransaction:
        return _Transaction(self)


class _Transaction(AIOTransaction):
    async def start(self) -> None:
        session: Any = self.session
        if not session.is_started:
            await session.start()
        self._transaction_context = await session.session.start_transaction()
        self._transaction_started = True


@attrs.frozen
class Database:
    """One database: PyMongo's client, ODMantic's engine, and a name without the password."""

    client: Client
    engine: Engine
    name: str

    def collection(self, model: type[Model]) -> Collection:
        """The collection of a model, for single steps that are atomic."""
        return self.engine.get_collection(model)

    def quick(self, model: type[Model]) -> Collection:
        """The same, for writes that only have to outlive this process: one member has them."""
        return self.collection(model).with_options(write_concern=_QUICK)

    async def ping(self) -> None:
        """Return if the server answers; raise ``StoreUnavailable`` if it does not."""
        with self.translated():
            await self.client[self.engine.database_name].command("ping")

    async def close(self) -> None:
        """Close all connections."""
        await self.client.close()

    def within(self, seconds: float | None) -> AbstractContextManager[object]:
        """Give what is done inside so many seconds instead of the URL's; ``None`` is no limit."""
        return pymongo.timeout(seconds)

    @contextmanager
    def translated(self, what: str = "the document") -> Iterator[None]:
        """Raise Hookline's errors instead of the driver's. ``DuplicateKeyError`` stays itself.

        Args:
            what: is written or asked for, such as ``agent support``.

        Raises:
            StoreUnavailable: the server does not answer, not in time, or not for this user.
            InvalidRequest: it cannot be kept; ``reason`` is ``document_too_large`` if it is that.
        """
        try:
            yield
        except (
            PyMongoError,
            BSONError,
            OverflowError,
            UnicodeEncodeError,
            RecursionError,
        ) as error:
            found = _translation(error, self.name, what)
            if found is None:
                raise
            raise found from error


def connect(url: str) -> Database:
    """The database that a URL leads to; I/O begins with the first operation.

    Raises:
        ConfigError: it is no URL of a MongoDB database.
    """
    try:
        parts = urlsplit(url)
        said = {name.lower() for name, _ in parse_qsl(parts.query)}
        options = {name: to for name, to in _UNLESS_SAID.items() if name.lower() not in said}
        database = unquote(parts.path.strip("/")) or DATABASE
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)  # so the driver reports a wrong option
            client: Client = AsyncMongoClient(url, **options, **_ALWAYS)
        engine = Engine(client, database)
    except (PyMongoError, ValueError, UserWarning) as error:
        # The driver may quote what it takes for a port, and that may be half of a password.
        detail = "" if "@" in url else f" ({error})"
        message = f"store.url: expected mongodb://host:27017/database, percent-encoded{detail}"
        raise ConfigError(message) from None
    return Database(client, engine, f"{parts.netloc.rpartition('@')[2]}/{database}")


async def write_all(collection: Collection, operations: Sequence[Operation]) -> list[int]:
    """Do single writes, in no order; the places of those that another document was in the way of.

    Those are left out, and the rest is done.
    """
    try:
        await collection.bulk_write(operations, ordered=False)
    except BulkWriteError as error:
        failed = _failed(error)
        if any(one["code"] != _DUPLICATE for one in failed):
            raise
        return [one["index"] for one in failed]
    return []


def _translation(error: Exception, name: str, what: str) -> HooklineError | None:
    """The error of Hookline that says the same; ``None`` if there is none."""
    code = _code(error)
    if isinstance(error, DocumentTooLarge) or code in _TOO_LARGE:
        message = f"{what} is too large: MongoDB keeps up to 16 MB in a document"
        return InvalidRequest(message, reason="document_too_large")
    if isinstance(error, RecursionError) or code in _TOO_DEEP:
        message = f"{what} is nested too deep: MongoDB keeps up to 200 levels"
        return InvalidRequest(message)
    if not isinstance(error, PyMongoError):
        message = f"{what} holds a value that MongoDB cannot keep, such as an integer above 64 bits"
        return InvalidRequest(message)
    if code in _REFUSED:
        message = f"MongoDB at {name} refuses this user; check the password and roles in store.url"
        return StoreUnavailable(message)
    if _passes(error, code):
        message = (
            f"MongoDB at {name} does not answer as it should; check that it runs and try again"
        )
        return StoreUnavailable(message)
    return None


def _code(error: Exception) -> int | None:
    """The server's code; of many writes, that of the first that failed not for a duplicate."""
    if isinstance(error, BulkWriteError):
        codes = [one["code"] for one in _failed(error)]
        return next((code for code in codes if code != _DUPLICATE), codes[0] if codes else None)
    return error.code if isinstance(error, OperationFailure) else None


def _failed(error: BulkWriteError) -> Sequence[Mapping[str, Any]]:
    details: Mapping[str, Any] = error.details
    return [*details["writeErrors"], *details["writeConcernErrors"]]


def _passes(error: PyMongoError, code: int | None) -> bool:
    """Whether the same operation may succeed later."""
    return (
        isinstance(error, ConnectionFailure | WriteConcernError)
        or error.timeout
        or code in _PASSING
        or any(error.has_error_label(label) for label in _PASSING_LABELS)
    )
