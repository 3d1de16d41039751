"""The connection that all ports share: it comes and goes with the store."""

from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, asynccontextmanager
from typing import Any

from odmantic import Model

from hookline.errors import StoreUnavailable
from hookline_mongo.driver import (
    Collection,
    Database,
    Document,
    Operation,
    Session,
    connect,
    write_all,
)

BY_ID = (("_id", 1),)
COUNTING = 60.0
"""Seconds that counting all documents of a collection may take."""

TRANSACTION = 30.0
"""Seconds that a transaction may take, with all attempts: long enough for a new primary."""

WRITES = 100
"""Writes that are sent at once, so that each lot is done within the URL's ``timeoutMS``."""

BATCH = 2000
"""Values that are asked for at once."""


class Connection:
    """A database, connected to from ``open()`` to ``close()``.

    Args:
        url: of the database.

    Raises:
        ConfigError: it is no URL of a MongoDB database.
    """

    def __init__(self, url: str):
        self._url = url
        self._database: Database | None = None
        self._transactions = False
        self.name = connect(url).name

    @property
    def database(self) -> Database:
        """The database.

        Raises:
            StoreUnavailable: it is not open.
        """
        if self._database is None:
            message = f"the MongoDB store {self.name} is not open"
            raise StoreUnavailable(message)
        return self._database

    async def open(self, database: Database) -> None:
        """Use a database that is connected."""
        hello = await topology(database)
        self._transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
        self._database = database

    async def close(self) -> None:
        """Close all connections."""
        database, self._database = self._database, None
        if database is not None:
            await database.close()

    @asynccontextmanager
    async def borrowed(self) -> AsyncGenerator[Database, None]:
        """The database that is open, or one that is connected for this alone."""
        if self._database is not None:
            yield self._database
            return
        database = connect(self._url)
        try:
            yield database
        finally:
            await database.close()

    def connect(self) -> Database:
        """The database, connected anew."""
        return connect(self._url)

    def collection(self, model: type[Model]) -> Collection:
        """The collection of a model."""
        return self.database.collection(model)

    def quick(self, model: type[Model]) -> Collection:
        """The same, for writes that only have to outlive this process."""
        return self.database.quick(model)

    def translated(self, what: str = "the document") -> AbstractContextManager[None]:
        """As the driver's."""
        return self.database.translated(what)

    async def rows(
        self,
        model: type[Model],
        condition: Mapping[str, Any],
        *,
        sort: Sequence[tuple[str, int]] = (),
        limit: int | None = None,
        projection: Mapping[str, Any] | None = None,
    ) -> list[Document]:
        """The documents of which a condition is true: a page, by id if not said otherwise; or all.

        All of them come in no order. To sort them, MongoDB might go through all ids instead of
        the index that the condition has.
        """
        if limit is not None and limit < 1:
            return []  # to MongoDB, a limit of 0 is none
        with self.translated("what is asked for"):
            cursor = self.collection(model).find(condition, projection, limit=limit or 0)
            if limit is not None:
                cursor = cursor.sort(list(sort or BY_ID))
            return await cursor.to_list(None)

    async def count(self, model: type[Model]) -> int:
        """How many documents a collection has."""
        with self.database.within(COUNTING), self.translated():
            return await self.collection(model).count_documents({})

    async def write(self, model: type[Model], operations: Sequence[Operation], what: str) -> None:
        """Do single writes, in order."""
        for at in range(0, len(operations), WRITES):
            with self.translated(what):
                await self.collection(model).bulk_write(operations[at : at + WRITES])

    async def write_free(
        self, model: type[Model], operations: Sequence[Operation], what: str, *, durable: bool
    ) -> list[int]:
        """Do single writes, in no order; the places of those that a document was in the way of."""
        collection = self.collection(model) if durable else self.quick(model)
        refused: list[int] = []
        for at in range(0, len(operations), WRITES):
            with self.translated(what):
                found = await write_all(collection, operations[at : at + WRITES])
            refused += [at + place for place in found]
        return refused

    async def transaction(self, work: Callable[[Session | None], Any], what: str) -> Any:
        """Do work, all of it or nothing; without transactions, step by step.

        Args:
            work: may be begun several times, when others write at the same moment.
            what: it writes.
        """
        if not self._transactions:
            with self.translated(what):
                return await work(None)
        # Without a limit of its own, a transaction is begun again for two minutes.
        with self.database.within(TRANSACTION), self.translated(what):
            async with self.database.client.start_session() as session:
                return await session.with_transaction(work)


async def topology(database: Database) -> Document:
    """What the server says of itself and its set."""
    with database.translated():
        return await database.client.admin.command("hello")


def batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
    """The values, so many at a time as may be asked for at once."""
    return (values[at : at + BATCH] for at in range(0, len(values), BATCH))
