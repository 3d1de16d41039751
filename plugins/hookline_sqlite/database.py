"""One SQLite file: a connection that writes, one that reads, and errors that say what to do.

A write that was acknowledged is on the disk: WAL with ``synchronous=FULL`` survives the end of the
process and of the power. (``NORMAL`` would survive the first alone, and a key that was revoked
could come back after a power cut.) Writes are rare, and readers never wait for them.

What every run writes goes another way: ``together`` does all that waits in one transaction, so that
a hundred runs at once cost a few commits.
"""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
import structlog
from structlog.typing import FilteringBoundLogger

from hookline.errors import StoreUnavailable
from hookline_sqlite.groups_of_writes import Group, SyncWork
from hookline_sqlite.migrations import migrate, version

BUSY_SECONDS = 5.0
"""How long a statement waits for another process before it gives up."""

ResultT = TypeVar("ResultT")
Work = Callable[[aiosqlite.Connection], Awaitable[ResultT]]
Parameters = Sequence[Any] | Mapping[str, Any]

log: FilteringBoundLogger = structlog.get_logger("hookline.plugins.sqlite")
_REMEDIES: Mapping[str, str] = {
    "SQLITE_BUSY": "another process holds it locked; end it or try again",
    "SQLITE_LOCKED": "another process holds it locked; end it or try again",
    "SQLITE_FULL": "the disk is full; make room",
    "SQLITE_CANTOPEN": "it cannot be opened; check that it is a file this user may write",
    "SQLITE_READONLY": "it may not be written; check its permissions and its directory's",
    "SQLITE_PERM": "it may not be written; check its permissions and its directory's",
    "SQLITE_IOERR": "reading or writing it failed; check the disk",
    "SQLITE_CORRUPT": "it is damaged; go back to a copy of the file",
    "SQLITE_NOTADB": "it is not a SQLite database; give [store] url another file",
}


class Database:
    """A SQLite file, open from ``open()`` to ``close()``.

    Args:
        path: of the file; it is created if there is none, its directory is not.
        busy_seconds: how long a statement waits for another process.
    """

    def __init__(self, path: Path, busy_seconds: float = BUSY_SECONDS):
        self.path = path
        self._busy_seconds = busy_seconds
        self._lock = asyncio.Lock()
        self._writes: set[asyncio.Task[Any]] = set()
        self._writer: aiosqlite.Connection | None = None
        self._reader: aiosqlite.Connection | None = None
        self.group = Group(path, self._lock, busy_seconds)

    async def open(self) -> Sequence[str]:
        """Create the file if there is none, readable by its owner alone, and migrate it.

        Returns:
            What was done to the schema, in words.

        Raises:
            StoreUnavailable: it cannot be opened, or is not ours, or is a newer Hookline's.
        """
        try:
            with self._translated():
                _create(self.path)
                self._writer = await self._connect()
                await version(self._writer, self._name)
                await _use_wal(self._writer, self._busy_seconds)
                await self._writer.execute_fetchall("PRAGMA synchronous = FULL")
                await self._writer.execute_fetchall("PRAGMA foreign_keys = ON")
                done = await migrate(self._writer, self._name)
                self._reader = await self._connect()
                await self._reader.execute_fetchall("PRAGMA query_only = ON")
                await self.group.open()
        except BaseException:
            await self.close()
            raise
        return done

    async def close(self) -> None:
        """Let the writes under way finish, then close the file."""
        connections = (self._reader, self._writer)
        try:
            await self.group.close()
            if self._writes:
                await asyncio.wait(self._writes)
        finally:
            # A connection is a thread that would keep the process from ending.
            self._reader = self._writer = None
            for connection in connections:
                if connection is not None:
                    with suppress(sqlite3.Error):
                        await connection.close()

    async def schema(self) -> int:
        """The version of the schema in the file; 0 if there is no file. It changes nothing.

        Raises:
            StoreUnavailable: it cannot be opened, or is not ours, or is a newer Hookline's.
        """
        if not self.path.exists():
            return 0
        with self._translated():
            uri = f"{self.path.as_uri()}?mode=ro"
            async with aiosqlite.connect(uri, timeout=self._busy_seconds, uri=True) as connection:
                return await version(connection, self._name)

    async def read(self, sql: str, parameters: Parameters = ()) -> list[Any]:
        """The rows of one statement, as of the last write that was acknowledged."""
        with self._translated():
            return list(await self._open(self._reader).execute_fetchall(sql, parameters))

    async def write(self, work: Work[ResultT]) -> ResultT:
        """Do work in one transaction: all of it or, if it raises, nothing.

        A caller that is cancelled leaves, and the transaction is finished without it.
        """
        task = asyncio.ensure_future(self._transaction(work))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)
        return await asyncio.shield(task)

    async def change(self, sql: str, parameters: Parameters) -> int:
        """Do one statement in a transaction of its own; how many rows it concerned."""

        async def work(connection: aiosqlite.Connection) -> int:
            async with connection.execute(sql, parameters) as cursor:
                return cursor.rowcount

        return await self.write(work)

    async def together(self, work: SyncWork[ResultT], *, durable: bool) -> ResultT:
        """Do work in one transaction with all that waits; if it raises, nothing of it is kept.

        A caller that is cancelled leaves, and its work is done without it.

        Args:
            work: gets a connection, in the loop: it must be short.
            durable: whether it must survive the machine's power, not only this process.
        """
        if self._writer is None:
            self._open(None)
        with self._translated():
            return await asyncio.shield(self.group.add(work, durable=durable))

    async def _transaction(self, work: Work[ResultT]) -> ResultT:
        with self._translated():
            async with self._lock:
                connection = self._open(self._writer)
                await connection.execute_fetchall("BEGIN IMMEDIATE")
                try:
                    result = await work(connection)
                    await connection.execute_fetchall("COMMIT")
                except BaseException:
                    # Some errors end the transaction themselves; a failing disk ends it on close.
                    if connection.in_transaction:
                        with suppress(sqlite3.Error):
                            await connection.execute_fetchall("ROLLBACK")
                    raise
                return result

    async def _connect(self) -> aiosqlite.Connection:
        return await aiosqlite.connect(self.path, timeout=self._busy_seconds, isolation_level=None)

    def _open(self, connection: aiosqlite.Connection | None) -> aiosqlite.Connection:
        if connection is None:
            message = f"{self._name} is not open"
            raise StoreUnavailable(message)
        return connection

    @property
    def _name(self) -> str:
        return f"the SQLite store {self.path}"

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorname", None) or type(error).__name__
            primary = "_".join(code.split("_")[:2])
            remedy = _REMEDIES.get(primary, f"SQLite refused: {error}")
            message = f"{self._name} cannot be used: {remedy}"
            log.warning("store.failed", path=str(self.path), code=code, error=str(error))
            raise StoreUnavailable(message) from error


def _create(path: Path) -> None:
    """An empty file of mode 0600, unless there is one; SQLite gives its companions the same."""
    if not path.parent.is_dir():
        message = f"the directory {path.parent} of the SQLite store {path.name} does not exist"
        raise StoreUnavailable(message + "; create it, or change [store] url")
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        # Not by opening it: closing it again would drop the locks of this process's other stores.
        if path.is_dir() or not os.access(path, os.R_OK | os.W_OK):
            message = f"the SQLite store {path} cannot be opened: this user may not read and write"
            raise StoreUnavailable(message + " it, or it is no file") from None
    except OSError as error:
        message = f"the SQLite store {path} cannot be created: {error.strerror}"
        raise StoreUnavailable(message) from error


async def _use_wal(connection: aiosqlite.Connection, busy_seconds: float) -> None:
    """Switch to the write-ahead log, for good. SQLite does not wait for others here: we do."""
    give_up = time.monotonic() + busy_seconds
    while True:
        try:
            await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError:
            if time.monotonic() > give_up:
                raise
            await asyncio.sleep(0.02)
            continue
        return
