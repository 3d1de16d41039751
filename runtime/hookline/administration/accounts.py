"""Changing accounts: what is in them, what limits them, and how they refill."""

import secrets
from collections.abc import Callable, Sequence

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.administration.tries import persist
from hookline.errors import InvalidRequest, NotFound, VersionConflict
from hookline.ledger import Account, LedgerEntry, Limits, Refill
from hookline.money import LARGEST, shown
from hookline.store import Store

KINDS = ("user", "group", "key")
"""What accounts can be of: the first word of their ids."""


class AccountAdministration:
    """Changes accounts; each change is tried again when a run has changed the account meanwhile.

    Args:
        store: where they are.
        recorder: where changes are written down.
    """

    def __init__(self, store: Store, recorder: Recorder):
        self._store = store
        self._recorder = recorder

    async def get(self, id_: str) -> Account:
        """The account with this id.

        Raises:
            InvalidRequest: it is no id of an account.
            NotFound: there is none.
        """
        kind, name = parts_of(id_)
        found = await self._store.ledger.account(id_)
        if found is None:
            message = (
                f"{kind} {name} has no account; one comes to be with its first run while balances "
                f"are enforced, or when something is added to it"
            )
            raise NotFound(message)
        return found

    async def credit(self, actor: Actor, id_: str, amount: int, note: str = "") -> Account:
        """Add nano-dollars to a balance, or take them away; there need not be an account yet.

        Raises:
            InvalidRequest: it is no id of an account, nothing is to be added, or the balance would
                be larger than any amount can be, so that not every store could keep it.
            NotFound: there is no such user, group or key.
        """
        if not amount:
            message = "amount: 0 changes nothing; name what to add, or below zero what to take"
            raise InvalidRequest(message, param="amount")
        entry = LedgerEntry(
            id=f"credit_{secrets.token_hex(12)}",
            kind="credit",
            account=id_,
            amount=amount,
            at=self._recorder.clock(),
            detail=note,
        )

        def add(account: Account) -> Account:
            before = account.balance or 0
            balance = before + amount
            if abs(balance) > max(LARGEST, abs(before)):
                message = (
                    f"amount: the balance would be {shown(balance)}, and up to "
                    f"{shown(LARGEST)} can be kept"
                )
                raise InvalidRequest(message, param="amount")
            return attrs.evolve(account, balance=balance)

        word = "added" if amount > 0 else "took"
        detail = f"{word} {shown(abs(amount))}" + (f": {note}" if note else "")
        return await self._change(actor, id_, add, detail, [entry])

    async def set_limits(
        self, actor: Actor, id_: str, limits: Limits | None, *, expected: int | None = None
    ) -> Account:
        """Give an account limits of its own; ``None`` for those of the settings.

        Raises:
            InvalidRequest: it is no id of a user's or key's account, or a limit is below zero.
            NotFound: there is no such user, group or key.
            VersionConflict: another version than ``expected`` is there.
        """
        if limits is not None and parts_of(id_)[0] == "group":
            message = f"{id_}: a group can pay, and is not limited; limit its users or their keys"
            raise InvalidRequest(message, param="account")
        for name, limit in attrs.asdict(limits).items() if limits else ():
            if limit is not None and limit < 0:
                message = f"{name}: a limit cannot be below zero; leave it out for no limit"
                raise InvalidRequest(message, param=name)
        return await self._change(
            actor,
            id_,
            lambda account: attrs.evolve(account, limits=limits),
            "limits of its own" if limits else "the limits of the settings",
            expected=expected,
        )

    async def set_refill(
        self, actor: Actor, id_: str, refill: Refill | None, *, expected: int | None = None
    ) -> Account:
        """Say how an account refills; ``None`` for the settings' way, an amount of 0 for never.

        Raises:
            InvalidRequest: it is no id of an account, or amount or interval cannot be.
            NotFound: there is no such user, group or key.
            VersionConflict: another version than ``expected`` is there.
        """
        if refill is not None and (refill.amount < 0 or refill.interval < 1):
            message = "refill: the amount must not be below zero, and the interval at least 1"
            raise InvalidRequest(message, param="refill")
        return await self._change(
            actor,
            id_,
            lambda account: attrs.evolve(account, refill=refill),
            "a refill of its own" if refill else "the refill of the settings",
            expected=expected,
        )

    async def _change(
        self,
        actor: Actor,
        id_: str,
        change: Callable[[Account], Account],
        detail: str,
        entries: Sequence[LedgerEntry] = (),
        expected: int | None = None,
    ) -> Account:
        await self._check(id_)

        async def attempt() -> Account:
            current = await self._store.ledger.account(id_)
            version = 0 if current is None else current.version
            if expected is not None and expected != version:
                raise VersionConflict(id_, version)
            at = self._recorder.clock()
            begun = current or Account(id=id_, refilled_at=at, created_at=at, updated_at=at)
            new = attrs.evolve(change(begun), version=version + 1, updated_at=at)
            await self._store.ledger.change(new, entries, expected=version)
            await self._recorder.record(actor, [Change("account", id_, current, new, detail)])
            return new

        return await (persist(attempt) if expected is None else attempt())

    async def _check(self, id_: str) -> None:
        """Refuse accounts of nobody: a slip of the pen would keep money where nobody finds it."""
        kind, name = parts_of(id_)
        found: object | None
        if kind == "user":
            found = await self._store.users.get(name)
        elif kind == "group":
            found = await self._store.groups.get(name)
        else:
            found = await self._store.keys.get(name)
        if found is None:
            message = f"there is no {kind} {name}"
            raise NotFound(message)


def parts_of(id_: str) -> tuple[str, str]:
    """Of an account's id, what it is of, and the name of that.

    Raises:
        InvalidRequest: it is no id of an account.
    """
    kind, _, name = id_.partition(":")
    if kind not in KINDS or not name:
        message = f"{id_} is no account; write user:ID, group:ID or key:ID"
        raise InvalidRequest(message, param="account")
    return kind, name
