"""The part of the store contract that concerns accounts."""

import asyncio
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import ArchiveRecord, content_of
from hookline.documents import LIMIT
from hookline.errors import VersionConflict
from hookline.ledger import Bucket, EntryQuery, Reservation, Spent
from hookline.store import Store
from hookline.testing.ledger_suite import ACCOUNT, account, entry
from hookline.testing.suite import (
    EARLIER,
    ODD_IDS,
    TOKYO,
    StoreSuite,
    conflict,
    raised,
    refused,
    run,
)


class AccountContract(StoreSuite):
    """The part of the contract that concerns accounts."""

    def test_an_account_comes_back_as_it_was_kept(self, tmp_path: Path) -> None:
        """Every field survives, durable or not, and what is gone from a later version is gone."""

        async def check(store: Store) -> None:
            assert await store.ledger.account(ACCOUNT.id) is None
            assert list(await store.ledger.accounts()) == []
            for version, durable in ((1, True), (3, False)):
                full = attrs.evolve(ACCOUNT, version=version)
                await store.ledger.change(full, expected=version - 1, durable=durable)
                assert await store.ledger.account(ACCOUNT.id) == full
                plain = account(version=version + 1, balance=None)
                await store.ledger.change(plain, expected=version, durable=durable)
                assert await store.ledger.account(ACCOUNT.id) == plain
                assert list(await store.ledger.accounts()) == [plain]
            assert await store.ledger.account("user:bob") is None

        run(check, self.open(tmp_path))

    def test_accounts_are_listed_in_pages(self, tmp_path: Path) -> None:
        """By the characters of their ids, which are told apart however odd they are."""

        async def check(store: Store) -> None:
            for id_ in ODD_IDS:
                await store.ledger.change(account(id_), [entry(id_)], expected=0)
            found: list[str] = []
            while page := await store.ledger.accounts(after=found[-1] if found else "", limit=5):
                assert len(page) <= 5
                found += [one.id for one in page]

            assert found == sorted(ODD_IDS)
            assert [one.id for one in await store.ledger.accounts()] == found
            for id_ in ODD_IDS:
                assert await store.ledger.account(id_) == account(id_)
            assert await store.ledger.known(ODD_IDS) == {*ODD_IDS}

        run(check, self.open(tmp_path))

    def test_an_account_and_its_entries_change_together(self, tmp_path: Path) -> None:
        """Both are there when the change is made; accounts change without entries too."""

        async def check(store: Store) -> None:
            for version in range(1, 4):
                entries = [entry(f"e{version}{i}") for i in range(version - 1)]
                durable = version != 2
                changed = account(version=version, balance=version)
                await store.ledger.change(changed, entries, expected=version - 1, durable=durable)
                assert await store.ledger.account(changed.id) == changed
                assert await store.ledger.known([one.id for one in entries]) == {
                    one.id for one in entries
                }
            found = await store.ledger.entries(EntryQuery())
            assert list(found) == [entry("e31"), entry("e30"), entry("e20")]

        run(check, self.open(tmp_path))

    def test_a_change_of_another_version_is_refused(self, tmp_path: Path) -> None:
        """Old, made up or made twice; neither the account nor entries are changed by it."""

        async def check(store: Store) -> None:
            change, new = store.ledger.change, [entry("new")]
            assert await conflict(change(account(version=2), new, expected=1)) == 0
            assert await store.ledger.account(ACCOUNT.id) is None
            await change(account(), expected=0)
            assert await conflict(change(account(balance=9), new, expected=0)) == 1
            await change(account(version=2), expected=1)
            for expected in (0, 1, 3):
                late = account(version=expected + 1, balance=9)
                assert await conflict(change(late, new, expected=expected)) == 2
                assert await conflict(change(late, expected=expected, durable=False)) == 2

            assert await store.ledger.account(ACCOUNT.id) == account(version=2)
            assert await store.ledger.known(["new"]) == frozenset()
            assert list(await store.ledger.entries(EntryQuery())) == []

        run(check, self.open(tmp_path))

    def test_of_openers_of_an_account_one_wins(self, tmp_path: Path) -> None:
        """The account and the entries are those of one of them; each other one has a conflict."""

        async def check(store: Store) -> None:
            answers = await asyncio.gather(
                *(
                    store.ledger.change(account(balance=i), [entry(f"e{i}")], expected=0)
                    for i in range(8)
                ),
                return_exceptions=True,
            )

            conflicts = [one for one in answers if isinstance(one, VersionConflict)]
            assert (answers.count(None), len(conflicts)) == (1, 7)
            winner = answers.index(None)
            assert await store.ledger.account(ACCOUNT.id) == account(balance=winner)
            assert await store.ledger.known([f"e{i}" for i in range(8)]) == {f"e{winner}"}

        run(check, self.open(tmp_path))

    def test_changers_at_once_lose_nothing(self, tmp_path: Path) -> None:
        """Each who tries again after a conflict is counted; who reads a version has its entries."""

        async def check(store: Store) -> None:
            await store.ledger.change(account(), expected=0)
            ids = [f"e{i}" for i in range(20)]
            await asyncio.gather(
                *(pay(store, id_, durable=i % 2 == 0) for i, id_ in enumerate(ids)),
                *(look(store, ids) for _ in range(3)),
            )

            assert await store.ledger.account(ACCOUNT.id) == account(version=21, balance=-20)
            assert await store.ledger.known(ids) == {*ids}
            found = await store.ledger.entries(EntryQuery())
            assert [one.id for one in found] == sorted(ids, reverse=True)

        run(check, self.open(tmp_path))

    def test_an_account_that_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """Sixteen million bytes are too many in every store, and nothing is changed."""

        async def check(store: Store) -> None:
            held = Reservation(amount=1, until=EARLIER)
            large = {"x" * 400 + str(i): held for i in range(LIMIT // 400)}
            for version in (1, 2):
                change = store.ledger.change(
                    account(version=version, reservations=large),
                    [entry("new")],
                    expected=version - 1,
                )
                assert await refused(change) == "document_too_large"
                assert await store.ledger.known(["new"]) == frozenset()
                if version == 1:
                    assert await store.ledger.account(ACCOUNT.id) is None
                    await store.ledger.change(account(), expected=0)
            assert await store.ledger.account(ACCOUNT.id) == account()

        run(check, self.open(tmp_path))

    def test_moments_of_accounts_are_utc(self, tmp_path: Path) -> None:
        """Those of reservations and buckets too; without a zone nothing is changed."""
        naive, in_tokyo = EARLIER.replace(tzinfo=None), EARLIER.astimezone(TOKYO)

        def moments(at: Any) -> dict[str, Any]:
            return {
                "reservations": {"run_1:0": Reservation(amount=1, until=at)},
                "refilled_at": at,
                "day": Spent(since=at, amount=1),
                "month": Spent(since=at, amount=1),
                "requests": Bucket(level=1, at=at),
                "tokens": Bucket(level=1, at=at),
                "created_at": at,
                "updated_at": at,
            }

        async def check(store: Store) -> None:
            for field, value in moments(naive).items():
                wrong = store.ledger.change(account(**{field: value}), [entry("e")], expected=0)
                assert await raised(ValueError, wrong), field
            wrong = store.ledger.change(account(), [entry("e", at=naive)], expected=0)
            assert await raised(ValueError, wrong)
            assert list(await store.ledger.accounts()) == []
            assert await store.ledger.known(["e"]) == frozenset()
            await store.ledger.change(
                account(**moments(in_tokyo)), [entry("e", at=in_tokyo)], expected=0
            )

            found = await store.ledger.account(ACCOUNT.id)
            assert content_of(found) == content_of(account(**moments(EARLIER)))
            [written] = await store.ledger.entries(EntryQuery())
            assert content_of(written) == content_of(entry("e"))

        run(check, self.open(tmp_path))

    def test_what_a_caller_changes_later_is_not_in_the_account(self, tmp_path: Path) -> None:
        """The store shares nothing with those who write and read."""

        async def check(store: Store) -> None:
            held = Reservation(amount=1, until=EARLIER)
            reservations = {"run_1:0": held}
            await store.ledger.change(account(reservations=reservations), expected=0)
            reservations.clear()
            for found in (await store.ledger.account(ACCOUNT.id), *await store.ledger.accounts()):
                change: Any = found
                change.reservations.clear()

            expected = account(reservations={"run_1:0": held})
            assert await store.ledger.account(ACCOUNT.id) == expected
            assert list(await store.ledger.accounts()) == [expected]

        run(check, self.open(tmp_path))

    def test_a_written_account_goes_on_counting(self, tmp_path: Path) -> None:
        """The version that an archive's record has is the one that is there."""

        async def check(store: Store) -> None:
            later = account(version=7, balance=3)
            await store.ledger.change(account(), expected=0)
            await store.archive.write("accounts", [ArchiveRecord(later.id, content_of(later))])

            assert await store.ledger.account(later.id) == later
            assert await conflict(store.ledger.change(account(version=2), expected=1)) == 7
            await store.ledger.change(account(version=8), [entry("e")], expected=7)
            assert await store.ledger.account(later.id) == account(version=8)

        run(check, self.open(tmp_path))


async def pay(store: Store, id_: str, *, durable: bool) -> None:
    """Take a nano-dollar from the account, however often it must be tried."""
    for _ in range(1000):
        kept = await store.ledger.account(ACCOUNT.id)
        assert kept is not None
        version, balance = kept.version + 1, (kept.balance or 0) - 1
        changed = attrs.evolve(kept, version=version, balance=balance)
        change = store.ledger.change(changed, [entry(id_)], expected=kept.version, durable=durable)
        if await conflict(change) is None:
            return
    message = "there is a conflict each time, although nobody else is left"
    raise AssertionError(message)


async def look(store: Store, ids: list[str]) -> None:
    """Read the account again and again; no entry of its version is ever missing."""
    for _ in range(50):
        kept = await store.ledger.account(ACCOUNT.id)
        known = await store.ledger.known(ids)
        assert kept is not None
        assert kept.version - 1 <= len(known)
        await asyncio.sleep(0)
