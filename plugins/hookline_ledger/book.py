"""The book: all changes of accounts that wait are made at once, against the version that is there.

An account is changed by replacing it, if nobody else has done so since it was read. Changes of one
account that arrive while it is being written collect, and are written together; changes of several
accounts go on side by side. So a hundred runs of one user cost a few writes, and a conflict with
another server costs one more.
"""

import asyncio
import random
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any, TypeVar

import attrs

from hookline.errors import AdmissionRefused, StoreUnavailable, VersionConflict
from hookline.ledger import Account, LedgerEntry, LedgerStore

ResultT = TypeVar("ResultT")
BATCH = 200
"""Changes that are written together, at most."""
ATTEMPTS = 200
"""How often an account is read again because others have changed it."""
LINGER = 0.03
"""Seconds for which changes collect that nobody waits for."""

LONGEST_PAUSE = 0.1
"""Seconds between two of them; a random part of it."""
REMEMBERED = 10_000
"""Accounts that are remembered; the one unused for longest goes first."""


@attrs.frozen
class Changed:
    """What a change makes of an account.

    Args:
        account: as it shall be; ``None`` leaves it, or leaves it out, as it is.
        entries: new ones.
        result: what the caller gets.
        durable: whether it has to survive the machine's power.
    """

    account: Account | None
    entries: Sequence[LedgerEntry] = ()
    result: Any = None
    durable: bool = False


Known = frozenset[str] | None
"""Those of the ids asked for that entries have; ``None`` as long as the store was not asked."""

Change = Callable[[Account | None, Known, datetime], Changed]
"""What to do with an account: it gets the account, what is known of entries, and this moment."""


class Unknown(Exception):
    """What a change raises that cannot do without asking the store for entries."""


@attrs.define(eq=False)
class _Request:
    change: Change
    asks: Sequence[str]
    done: asyncio.Future[Any]


@attrs.define(eq=False)
class _Page:
    """One account: what is known of it, and what waits to be done with it."""

    waiting: deque[_Request] = attrs.field(factory=deque)
    account: Account | None = None
    read_at: float | None = None
    busy: bool = False
    hurry: asyncio.Event = attrs.field(factory=asyncio.Event)


class Book:
    """The accounts of a store.

    Args:
        ledger: where they are kept.
        clock: this moment, in UTC.
        cache_seconds: how long what was read is taken for true when it is only looked at.
    """

    def __init__(self, ledger: LedgerStore, clock: Callable[[], datetime], cache_seconds: float):
        self.writes = 0
        self._ledger = ledger
        self._clock = clock
        self._cache_seconds = cache_seconds
        self._pages: dict[str, _Page] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._entries: list[tuple[LedgerEntry, asyncio.Future[None]]] = []
        self._adding = False

    async def look(self, id_: str) -> Account | None:
        """The account, as it was a few seconds ago at most."""
        page = self._page(id_)
        now = asyncio.get_running_loop().time()
        if page.read_at is None or now - page.read_at >= self._cache_seconds:
            account = await self._ledger.account(id_)
            if not page.busy:
                page.account, page.read_at = account, now
            return account
        return page.account

    async def change(
        self, id_: str, change: Change, asks: Sequence[str] = (), *, at_once: bool = True
    ) -> Any:
        """Change an account; what the change says is its result.

        Args:
            id_: of the account, which need not be there.
            change: is called anew each time that somebody else was faster.
            asks: ids of entries of which it may have to know whether they are there.
            at_once: whether a caller waits for it, so that it does not wait for others.

        Raises:
            AdmissionRefused: the change raised it, against the account that is there now.
            StoreUnavailable: the store does not answer.
        """
        page = self._page(id_)
        done: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        page.waiting.append(_Request(change, asks, done))
        if at_once:
            page.hurry.set()
        if not page.busy:
            page.busy = True
            self._spawn(self._work(id_, page))
        return await done

    async def add(self, entry: LedgerEntry) -> None:
        """Add an entry that changes no account.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._entries.append((entry, done))
        if not self._adding:
            self._adding = True
            self._spawn(self._add_on())
        await done

    def _page(self, id_: str) -> _Page:
        page = self._pages.pop(id_, None) or _Page()
        self._pages[id_] = page
        if len(self._pages) > REMEMBERED:
            oldest = next(iter(self._pages))
            if not self._pages[oldest].busy:
                del self._pages[oldest]
        return page

    def _spawn(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _add_on(self) -> None:
        while self._entries:
            await asyncio.sleep(LINGER)
            batch, self._entries = self._entries[:BATCH], self._entries[BATCH:]
            try:
                self.writes += 1
                await self._ledger.add([entry for entry, _ in batch])
            except Exception as error:  # noqa: BLE001  each caller gets it
                for _, done in batch:
                    _fail(done, error)
            else:
                for _, done in batch:
                    _succeed(done, None)
        self._adding = False

    async def _work(self, id_: str, page: _Page) -> None:
        while page.waiting:
            await _until(page.hurry)
            page.hurry.clear()
            batch = [page.waiting.popleft() for _ in range(min(BATCH, len(page.waiting)))]
            try:
                await self._write(id_, page, batch)
            except Exception as error:  # noqa: BLE001  each caller gets it
                page.read_at = None
                for request in batch:
                    _fail(request.done, error)
        page.busy = False

    async def _write(self, id_: str, page: _Page, batch: Sequence[_Request]) -> None:
        fresh = False
        for attempt in range(ATTEMPTS):
            if page.read_at is None:
                page.account = await self._ledger.account(id_)
                page.read_at = asyncio.get_running_loop().time()
                fresh = True
            outcome = _apply(page.account, batch, None, self._clock())
            if outcome.unknown:
                asked = [entry for request in batch for entry in request.asks]
                known = await self._ledger.known(asked)
                outcome = _apply(page.account, batch, known, self._clock())
            if outcome.refused and not fresh:
                page.read_at = None  # what was remembered may be wrong: nobody is refused for that
                continue
            try:
                await self._keep(page, outcome)
            except VersionConflict:
                page.read_at = None
                await asyncio.sleep(random.uniform(0, min(0.001 * 2**attempt, LONGEST_PAUSE)))  # noqa: S311
                continue
            outcome.tell()
            return
        message = f"the account {id_} is changed by others all the time; try again in a moment"
        raise StoreUnavailable(message)

    async def _keep(self, page: _Page, outcome: "_Outcome") -> None:
        if outcome.account is None or not outcome.changed:
            return
        expected = 0 if page.account is None else page.account.version
        account = attrs.evolve(outcome.account, version=expected + 1, updated_at=self._clock())
        self.writes += 1
        await self._ledger.change(
            account, outcome.entries, expected=expected, durable=outcome.durable
        )
        page.account, page.read_at = account, asyncio.get_running_loop().time()


@attrs.define
class _Outcome:
    """What becomes of an account and of those who asked."""

    account: Account | None
    changed: bool = False
    refused: bool = False
    unknown: bool = False
    durable: bool = False
    entries: list[LedgerEntry] = attrs.field(factory=list)
    answers: list[tuple[asyncio.Future[Any], Any]] = attrs.field(factory=list)

    def tell(self) -> None:
        """Answer everybody."""
        for done, answer in self.answers:
            if isinstance(answer, Exception):
                _fail(done, answer)
            else:
                _succeed(done, answer)


def _apply(
    account: Account | None, batch: Sequence[_Request], known: Known, at: datetime
) -> _Outcome:
    """Make one change after another; one that refuses changes nothing."""
    outcome = _Outcome(account)
    for request in batch:
        try:
            new = request.change(outcome.account, known, at)
        except Unknown:
            outcome.unknown = True
            return outcome
        except AdmissionRefused as error:
            outcome.refused = True
            outcome.answers.append((request.done, error))
            continue
        except Exception as error:  # noqa: BLE001  a fault of one change must not hurt the others
            outcome.answers.append((request.done, error))
            continue
        if new.account is not None and (new.account is not outcome.account or new.entries):
            outcome.account, outcome.changed = new.account, True
            outcome.entries += new.entries
            outcome.durable = outcome.durable or new.durable
            if known is not None:
                known |= {entry.id for entry in new.entries}
        outcome.answers.append((request.done, new.result))
    return outcome


async def _until(hurry: asyncio.Event) -> None:
    """Wait until somebody is in a hurry, or for a moment in which others come along."""
    if not hurry.is_set():
        with suppress(TimeoutError):
            async with asyncio.timeout(LINGER):
                await hurry.wait()


def _succeed(done: asyncio.Future[Any], result: Any) -> None:
    if not done.done():
        done.set_result(result)


def _fail(done: asyncio.Future[Any], error: Exception) -> None:
    if not done.done():
        done.set_exception(error)
