"""Groups of writes: all that waits is written in one transaction, and synced once.

A transaction that need not reach the disk takes a tenth of a millisecond: less than a hop into a
thread, whose every statement would take the interpreter from the loop and give it back. So it is
done in the loop, and while one is synced the next one collects. What waits for the disk does so in
a thread, and so does what another process keeps locked.

Not all of it has to survive the machine's power. ``synchronous = NORMAL`` leaves the write-ahead
log to the operating system, and the log is synced here if something ``durable`` was written. What
was committed before is on the disk then, too: the log is kept from its front, so nothing is ever
lost but its end. Checkpoints, which sync as well, are done in a thread, by another connection.
"""

import asyncio
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import attrs
import structlog
from structlog.typing import FilteringBoundLogger

_flush = getattr(os, "fdatasync", os.fsync)
"""As SQLite does: of a log that begins anew, no size has to be written."""

log: FilteringBoundLogger = structlog.get_logger("hookline.plugins.sqlite")
ResultT = TypeVar("ResultT")
SyncWork = Callable[[sqlite3.Connection], ResultT]
LARGEST = 100
"""Works in one transaction, at most: the loop stands still as long."""

CHECKPOINT = 500
"""Transactions after which the log is written back into the file."""

STATEMENTS = 512
"""Prepared statements that are kept."""


@attrs.frozen(eq=False)
class _Waiting:
    work: SyncWork[Any]
    durable: bool
    done: asyncio.Future[Any]


class Group:
    """A connection of its own.

    Each work has a savepoint of its own, so one that fails takes nothing of the others with it.

    Args:
        path: of the file.
        lock: is held while a transaction is under way, so that one process never waits for itself.
        busy_seconds: how long a transaction waits for another process.

    Attributes:
        commits: how many transactions there were.
        works: how many works they did.
        syncs: how often the log was synced for them.
    """

    def __init__(self, path: Path, lock: asyncio.Lock, busy_seconds: float):
        self.commits = 0
        self.works = 0
        self.syncs = 0
        self._path = path
        self._lock = lock
        self._busy_seconds = busy_seconds
        self._waiting: deque[_Waiting] = deque()
        self._task: asyncio.Task[None] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._connection: sqlite3.Connection | None = None
        self._log: int | None = None
        self._checkpointing: asyncio.Task[None] | None = None

    async def open(self) -> None:
        """Connect."""
        self._thread = ThreadPoolExecutor(2, thread_name_prefix="hookline-sqlite")
        self._connection = await self._run(self._connect)

    async def close(self) -> None:
        """Do what waits, then disconnect."""
        try:
            while self._waiting or not (self._task is None or self._task.done()):
                await asyncio.wait([self._writing()])
        finally:
            if self._checkpointing is not None:
                await asyncio.wait([self._checkpointing])
            connection, self._connection = self._connection, None
            if self._log is not None:
                os.close(self._log)
                self._log = None
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
        durable = [one for one in batch if one.durable]
        try:
            outcomes = dict(zip(batch, await self._write(batch), strict=True))
            for one in batch:
                if not one.durable:
                    _end(one.done, outcomes[one])
            if durable:
                await self._run(self._sync)
        except BaseException as error:
            for one in batch:
                _end(one.done, error)
            if not isinstance(error, Exception):
                raise
            return
        for one in durable:
            _end(one.done, outcomes[one])
        if self.commits % CHECKPOINT == 0 and self._checkpointing is None:
            self._checkpointing = asyncio.get_running_loop().create_task(self._write_back())

    async def _write(self, batch: Sequence[_Waiting]) -> Sequence[Any]:
        """What each work returned, or the exception that it raised."""
        try:
            return self._transaction(batch)
        except sqlite3.OperationalError as error:
            if not (error.sqlite_errorname or "").startswith("SQLITE_BUSY"):
                raise
        return await self._run(self._patiently, batch)

    async def _write_back(self) -> None:
        try:
            # With the lock: the log begins anew only if nothing was added meanwhile.
            async with self._lock:
                await self._run(self._checkpoint)
        except sqlite3.Error as error:
            log.warning("store.not_checkpointed", path=str(self._path), error=str(error))
        finally:
            self._checkpointing = None

    async def _run(self, work: Callable[..., ResultT], *args: Any) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *args)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=0,
            isolation_level=None,
            cached_statements=STATEMENTS,
            check_same_thread=False,  # never by two at once: the lock is held
        )
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")
        connection.execute("PRAGMA foreign_keys = ON")
        return connection

    def _transaction(self, batch: Sequence[_Waiting]) -> Sequence[Any]:
        """What each work returned, or the exception that it raised. Does not wait for anybody."""
        connection = self._connection
        if connection is None:
            message = "the group of writes is closed"
            raise sqlite3.ProgrammingError(message)
        connection.execute("BEGIN IMMEDIATE")
        try:
            if len(batch) == 1:
                outcomes = [batch[0].work(connection)]
            else:
                outcomes = [_guarded(connection, one.work) for one in batch]
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

    def _patiently(self, batch: Sequence[_Waiting]) -> Sequence[Any]:
        """In a thread: the same, once another process lets go of the file."""
        connection = self._connection
        if connection is None:
            return self._transaction(batch)
        connection.execute(f"PRAGMA busy_timeout = {int(self._busy_seconds * 1000)}")
        try:
            return self._transaction(batch)
        finally:
            connection.execute("PRAGMA busy_timeout = 0")

    def _sync(self) -> None:
        """In a thread: have the log on the disk, as ``synchronous = FULL`` would."""
        if self._log is not None and not os.fstat(self._log).st_nlink:
            os.close(self._log)  # nobody had the file open meanwhile, and it was removed
            self._log = None
        if self._log is None:
            # Not the file itself: closing that would drop the locks of this process.
            self._log = os.open(f"{self._path}-wal", os.O_RDONLY)
        _flush(self._log)
        self.syncs += 1

    def _checkpoint(self) -> None:
        """In a thread: write the log back, as far as nobody reads it."""
        connection = sqlite3.connect(self._path, timeout=self._busy_seconds, isolation_level=None)
        try:
            connection.execute("PRAGMA wal_checkpoint(PASSIVE)")
        finally:
            connection.close()


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
