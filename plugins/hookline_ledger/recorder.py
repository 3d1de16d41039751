"""The ledger as a usage recorder: it reserves before a call, and charges after it."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Self

import attrs
import structlog

from hookline.background import end
from hookline.errors import AdmissionRefused
from hookline.ledger import Account, LedgerEntry, LedgerStore, Limits
from hookline.money import nanos
from hookline.quotas import Quota
from hookline.usage import Admission, Closing, UsageEntry, UsageRecorder
from hookline_ledger import funds, limits
from hookline_ledger.book import Book, Changed, Known, Unknown
from hookline_ledger.entries import entry_of
from hookline_ledger.settings import LimitSettings, Settings

log = structlog.get_logger("hookline.plugins.ledger")


@attrs.frozen
class Seat:
    """An account that a run has to do with.

    Args:
        account: its id.
        pays: whether calls are paid from it.
        limits: what it is limited to.
    """

    account: str
    pays: bool = False
    limits: Limits = limits.NONE


@attrs.frozen(kw_only=True)
class Caller:
    """Whose run it is, as far as money goes."""

    user: str
    groups: Sequence[str] = ()
    key: str | None = None

    @property
    def payers(self) -> Sequence[str]:
        """Who pays: the first of them that has an account with a balance."""
        groups = [f"group:{group}" for group in sorted(self.groups)]
        return (f"user:{self.user}", *groups, *self.keys)

    @property
    def keys(self) -> Sequence[str]:
        """The account of the key, if there is one."""
        return () if self.key is None else (f"key:{self.key}",)


@attrs.frozen
class Sitting:
    """The seats of a run that is under way, until ``deadline`` on the loop's clock at most."""

    seats: Sequence[Seat]
    deadline: float


class Ledger(UsageRecorder):
    """Records what runs cost; keeps balances and limits if it is told to.

    An async context manager: while it is entered, what live runs have reserved stays reserved.

    Args:
        store: where accounts and entries are kept.
        settings: who pays and what is limited.
        clock: this moment, in UTC.
    """

    def __init__(self, store: LedgerStore, settings: Settings, clock: Callable[[], datetime]):
        self.book = Book(store, clock, settings.cache_seconds)
        self._settings = settings
        self._clock = clock
        self._start = nanos(settings.start_balance)
        self._refill = nanos(settings.refill.amount) if settings.refill else 0
        self._all_missed = bool(settings.refill and settings.refill.catch_up == "all")
        self._user_limits = _limits(settings.user_limits)
        self._key_limits = _limits(settings.key_limits)
        self._runs: dict[str, Sitting] = {}
        self._task: asyncio.Task[None] | None = None
        if settings.enforce_balance and not settings.transactions:
            log.warning(
                "ledger.transactions_forced",
                because="enforce_balance needs them; remove transactions = false",
            )

    async def admit(self, admission: Admission) -> Quota | None:
        """Reserve what the first call may need, with everybody whom it concerns.

        Raises:
            AdmissionRefused: the balance, or a limit, does not allow it.
        """
        if admission.estimate is None and self._settings.unpriced == "refuse":
            agent = admission.agent
            message = (
                f"the model {agent.model} of the provider {agent.provider} has no price, and the "
                f"ledger refuses such models; give it one under [[plugins.ledger.prices]]"
            )
            raise AdmissionRefused(message)
        principal = admission.scope.principal
        caller = Caller(user=principal.user, groups=sorted(principal.groups), key=principal.key)
        seats = await self._seats(caller)
        if not seats:
            return None
        quota: Quota | None = None
        taken: list[Seat] = []
        try:
            for seat in seats:
                said = await self._reserve(seat, admission, requests=1)
                taken.append(seat)
                quota = said if quota is None else quota | (said or quota)
        except BaseException:
            await self._release(taken, admission.scope.run)
            raise
        self._runs[admission.scope.run] = Sitting(seats, admission.scope.deadline)
        return quota

    async def extend(self, admission: Admission) -> None:
        """Reserve what one more call may need, or the one under way besides.

        Raises:
            AdmissionRefused: the balance, or a limit, does not allow it.
        """
        sitting = self._runs.get(admission.scope.run)
        for seat in sitting.seats if sitting else ():
            await self._reserve(seat, admission, requests=0)

    async def record(self, entry: UsageEntry) -> None:
        """Charge what a call cost, once."""
        sitting = self._runs.get(entry.run)
        seats = sitting.seats if sitting else await self._seats(_caller_of(entry))
        payer = next((seat for seat in seats if seat.pays), None)
        if payer is None and self._settings.transactions:
            await self.book.add(entry_of(entry, None))
        for seat in seats:
            await self._charge(seat, entry)

    async def close(self, closing: Closing) -> None:
        """Release what the run had reserved and did not need."""
        sitting = self._runs.get(closing.run)
        if sitting is None:
            seats = await self._seats(
                Caller(user=closing.user, groups=closing.groups, key=closing.key)
            )
        else:
            seats = sitting.seats
        await self._release(seats, closing.run)
        self._runs.pop(closing.run, None)

    async def __aenter__(self) -> Self:
        """Begin to renew what is reserved."""
        self._task = asyncio.create_task(self._renew_on(), name="leases of reservations")
        return self

    async def __aexit__(self, *exc: object) -> None:
        """Stop."""
        await end(self._task)

    async def renew(self) -> None:
        """Keep what the runs under way have reserved.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        runs: dict[str, set[str]] = {}
        self._forget_dead()
        for run, sitting in self._runs.items():
            for seat in sitting.seats:
                runs.setdefault(seat.account, set()).add(run)
        await asyncio.gather(*(self._renew(id_, frozenset(of)) for id_, of in runs.items()))

    def _forget_dead(self) -> None:
        """Forget runs whose end was told to another server, which had taken them over."""
        latest = asyncio.get_running_loop().time() - self._settings.lease
        for run in [run for run, sitting in self._runs.items() if sitting.deadline < latest]:
            del self._runs[run]

    async def _renew(self, id_: str, runs: frozenset[str]) -> None:
        def change(account: Account | None, known: Known, at: datetime) -> Changed:
            if account is None:
                return Changed(None)
            until = funds.seconds_from(at, self._settings.lease)
            return Changed(funds.renewed(account, runs, until))

        await self.book.change(id_, change)

    async def _renew_on(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease / 3)
            try:
                await self.renew()
            except Exception as error:  # noqa: BLE001  a lease lasts for several attempts
                log.warning("ledger.not_renewed", error=repr(error))

    async def _seats(self, caller: Caller) -> Sequence[Seat]:
        """The accounts that a caller's runs have to do with; those that limit come first."""
        limited = {
            f"user:{caller.user}": await self._limits(f"user:{caller.user}", self._user_limits)
        }
        for key in caller.keys:
            limited[key] = await self._limits(key, self._key_limits)
        payer = await self._payer(caller)
        ids = [id_ for id_, own in limited.items() if own != limits.NONE and id_ != payer]
        seats = [Seat(id_, limits=limited[id_]) for id_ in ids]
        if payer is not None:
            seats.append(Seat(payer, pays=True, limits=limited.get(payer, limits.NONE)))
        return seats

    async def _limits(self, id_: str, default: Limits) -> Limits:
        account = await self.book.look(id_)
        return default if account is None or account.limits is None else account.limits

    async def _payer(self, caller: Caller) -> str | None:
        """Who pays; the user, with a new account, if nobody has one. Nobody if none is to pay."""
        if not self._settings.enforce_balance:
            return None
        for id_ in caller.payers:
            account = await self.book.look(id_)
            if account is not None and account.balance is not None:
                return id_
        return caller.payers[0]

    async def _reserve(self, seat: Seat, admission: Admission, *, requests: int) -> Quota | None:
        amount = admission.estimate or 0
        tokens = admission.estimated_input + admission.expected_output

        def change(account: Account | None, known: Known, at: datetime) -> Changed:
            account, entries = self._opened(account, seat, at)
            account = funds.without(account, funds.expired(account, at))
            kept = account.reservations.get(admission.id)
            account = limits.take(
                account,
                seat.limits,
                requests=requests,
                tokens=max(0, tokens - (kept.tokens if kept else 0)),
                at=at,
            )
            more = amount - (kept.amount if kept else 0)
            limits.check_money(account, seat.limits, more, at)
            if seat.pays:
                account, refill = self._refilled(account, admission.id, amount, at)
                entries = [*entries, *refill]
                funds.check_funds(account, admission.id, amount, at)
            until = funds.seconds_from(at, self._settings.lease)
            account = funds.reserve(account, admission.id, amount, tokens, until)
            return Changed(
                account, entries, limits.quota(account, seat.limits, at), durable=bool(entries)
            )

        quota: Quota | None = await self.book.change(seat.account, change)
        return quota

    def _opened(
        self, account: Account | None, seat: Seat, at: datetime
    ) -> tuple[Account, Sequence[LedgerEntry]]:
        """The account, which begins with the start balance if it is to pay and has none yet."""
        if account is None:
            account = funds.opened(seat.account, None, at)
        if not seat.pays or account.balance is not None:
            return account, ()
        account = attrs.evolve(account, balance=self._start, refilled_at=at)
        return account, (attrs.evolve(funds.start_entry(account), at=at),)

    def _refilled(
        self, account: Account, call: str, amount: int, at: datetime
    ) -> tuple[Account, Sequence[LedgerEntry]]:
        """The account, refilled if it has run out and it is time. Source: the seed's 11.9."""
        if funds.available(account, at, call) - amount > 0:
            return account, ()
        refill = funds.refill_of(account, self._settings.refill, self._refill)
        if refill is None:
            return account, ()
        account, entry = funds.refilled(account, refill, at, all_missed=self._all_missed)
        return account, () if entry is None else (entry,)

    async def _charge(self, seat: Seat, used: UsageEntry) -> None:
        """Take what a call cost from an account. What it had reserved tells whether that is done.

        The reservation goes in the same step. Once it is gone, the entry itself tells; of an
        account that only has limits, nothing does, and nothing is counted twice.
        """
        cost = 0 if used.price is None else used.price.amount
        tokens = used.tokens.input + used.tokens.output

        def change(account: Account | None, known: Known, at: datetime) -> Changed:
            if account is None and not seat.pays:
                return Changed(None)
            account, entries = self._opened(account, seat, at)
            kept = account.reservations.get(used.id)
            if kept is None and seat.pays and known is None:
                raise Unknown
            if kept is None and (not seat.pays or used.id in (known or ())):
                return Changed(None)
            account = funds.without(account, [used.id])
            account = limits.spend(account, cost, at)
            if kept is not None:
                account = limits.give_back(account, seat.limits, kept.tokens - tokens, at)
            if not seat.pays:
                return Changed(account)
            account = attrs.evolve(account, balance=(account.balance or 0) - cost)
            return Changed(account, [*entries, entry_of(used, seat.account)], durable=True)

        asks = [used.id] if seat.pays else ()
        await self.book.change(seat.account, change, asks, at_once=False)

    async def _release(self, seats: Iterable[Seat], run: str) -> None:
        for seat in seats:
            await self._release_one(seat, run)

    async def _release_one(self, seat: Seat, run: str) -> None:
        account = await self.book.look(seat.account)
        if account is not None and not funds.of_run(account, run):
            return

        def change(account: Account | None, known: Known, at: datetime) -> Changed:
            calls = () if account is None else funds.of_run(account, run)
            if account is None or not calls:
                return Changed(None)
            for call in calls:
                tokens = account.reservations[call].tokens
                account = limits.give_back(account, seat.limits, tokens, at)
            return Changed(funds.without(account, calls))

        await self.book.change(seat.account, change, at_once=False)


def _limits(settings: LimitSettings) -> Limits:
    return Limits(
        day=None if settings.day is None else nanos(settings.day),
        month=None if settings.month is None else nanos(settings.month),
        requests=settings.requests,
        tokens=settings.tokens,
    )


def _caller_of(entry: UsageEntry) -> Caller:
    return Caller(user=entry.user, groups=entry.groups, key=entry.key)
