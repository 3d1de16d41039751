"""Groups of writes: all that waits is written in one transaction, in one thread.

A commit costs more than the statements before it, and so does a hop into a thread; so both are
shared, and while one transaction is under way the next one collects.

Not all of it has to survive the machine's power. A transaction waits for the disk only if something
``durable`` is in it. What was committed before it is on the disk then, too: the write-ahead log
is kept from its front, so nothing is ever lost but its end. SQLite does not wait if a transaction
changes nothing, although what it found may be on the way to the disk still; so one that shall wait
always writes something.
"""

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs

ResultT = TypeVar("ResultT")
SyncWork = Callable[[sqlite3.Connection], ResultT]
LARGEST = 500
"""Works in one transaction, at most."""
STATEMENTS = 512
"""Prepared statements that are kept."""


@attrs.frozen(eq=False)
class _Waiting:
    work: SyncWork[Any]
    durable: bool
    done: asyncio.Future[Any]


class Group:
    """A connection of its own, and a thread for it.

    Each work has a savepoint of its own, so one that fails takes nothing of the others with it.

    Args:
        path: of the file.
        lock: is held while a transaction is under way, so that one process never waits for itself.
        busy_seconds: how long a transaction waits for another process.

    Attributes:
        commits: how many transactions there were.
        works: how many works they did.
    """

    def __init__(self, path: Path, lock: asyncio.Lock, busy_seconds: float):
        self.commits = 0
        self.works = 0
        self._path = path
        self._lock = lock
        self._busy_seconds = busy_seconds
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._full = True

    async def open(self) -> None:
        """Connect."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="hookline-sqlite")
        self._connection = await self._run(self._connect)
        self._full = True

    async def close(self) -> None:
        """Do what waits, then disconnect."""
        try:
            while self._waiting or not (self._task is None or self._task.done()):
                await asyncio.wait([self._writing()])
        finally:
            connection, self._connection = self._connection, None
            if connection is not None:
                with suppress(sqlite3.Error):
                    await self._run(connection.close)
            if self._thread is not None:
                self._thread.shutdown(wait=False)
                self._thread = None

    def add(self, work: SyncWork[ResultT], *, durable: bool) -> "asyncio.Future[ResultT]":
        """Have work done with the next transaction; what it returns or raises."""
        done: asyncio.Future[ResultT] = asyncio.get_running_loop().create_future()
        done.add_done_callback(_seen)  # whoever asked may have left
        self._waiting.append(_Waiting(work, durable, done))
        self._writing()
        return done

    def _writing(self) -> asyncio.Task[None]:
        # Not by a flag: the end of a loop may cancel the task before its first step.
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._work())
        return self._task

    async def _work(self) -> None:
        while self._waiting:
            async with self._lock:
                count = min(LARGEST, len(self._waiting))
                batch = [self._waiting.popleft() for _ in range(count)]
                await self._commit(batch)

    async def _commit(self, batch: Sequence[_Waiting]) -> None:
        try:
            outcomes = await self._run(self._transaction, batch)
        except BaseException as error:
            for one in batch:
                _end(one.done, error)
            if not isinstance(error, Exception):
                raise
            return
        for one, outcome in zip(batch, outcomes, strict=True):
            _end(one.done, outcome)

    async def _run(self, work: Callable[..., ResultT], *args: Any) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=self._busy_seconds,
            isolation_level=None,
            cached_statements=STATEMENTS,
        )
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _transaction(self, batch: Sequence[_Waiting]) -> Sequence[Any]:
        """In the thread: what each work returned, or the exception that it raised."""
        connection = self._connection
        if connection is None:
            message = "the group of writes is closed"
            raise sqlite3.ProgrammingError(message)
        full = any(one.durable for one in batch)
        self._set_synchronous(connection, full=full)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if len(batch) == 1:
                outcomes = [batch[0].work(connection)]
            else:
                outcomes = [_guarded(connection, one.work) for one in batch]
            if full:
                _write_something(connection)
            connection.execute("COMMIT")
        except BaseException:
            # Some errors end the transaction themselves; a failing disk ends it on close.
            if connection.in_transaction:
                with suppress(sqlite3.Error):
                    connection.execute("ROLLBACK")
            raise
        self.commits += 1
        self.works += len(batch)
        return outcomes

    def _set_synchronous(self, connection: sqlite3.Connection, *, full: bool) -> None:
        if full is not self._full:
            connection.execute(f"PRAGMA synchronous = {'FULL' if full else 'NORMAL'}")
            self._full = full


def _guarded(connection: sqlite3.Connection, work: SyncWork[Any]) -> Any:
    """Do work; if it raises, undo it and return the exception."""
    connection.execute("SAVEPOINT work")
    try:
        outcome = work(connection)
    except Exception as error:
        if not connection.in_transaction:
            raise  # SQLite has undone all of it, such as on a full disk
        connection.execute("ROLLBACK TO work")
        outcome = error
    connection.execute("RELEASE work")
    return outcome


def _write_something(connection: sqlite3.Connection) -> None:
    """Write the first page again. It is read first, for another process may have migrated it."""
    [version] = connection.execute("PRAGMA user_version").fetchone()
    connection.execute(f"PRAGMA user_version = {version}")


def _seen(done: "asyncio.Future[Any]") -> None:
    if not done.cancelled():
        done.exception()


def _end(done: "asyncio.Future[Any]", outcome: Any) -> None:
    if done.done():
        return
    if isinstance(outcome, Exception):
        done.set_exception(outcome)
    elif isinstance(outcome, BaseException):
        done.cancel()
    else:
        done.set_result(outcome)
