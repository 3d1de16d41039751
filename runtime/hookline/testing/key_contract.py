"""The part of the store contract that concerns API keys."""

import asyncio
from pathlib import Path

import attrs

from hookline.errors import InvalidRequest
from hookline.keys import ApiKey, digest
from hookline.moments import now
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, StoreSuite, refused, run, sample_key


class KeyContract(StoreSuite):
    """The part of the contract that concerns API keys."""

    def test_a_key_is_found_by_its_digest(self, tmp_path: Path) -> None:
        """Every field survives; other digests, and the digest in capitals, find nothing."""

        async def check(store: Store) -> None:
            everything = attrs.evolve(
                sample_key("secret"), agents=frozenset({"a", "b"}), name="n", read_only=True
            )
            limited = attrs.evolve(
                sample_key("other"), agents=frozenset(), expires_at=EARLIER + DAY
            )
            await store.keys.add(everything)
            await store.keys.add(limited)

            assert await store.keys.find(digest("secret")) == everything
            assert await store.keys.find(digest("other")) == limited
            assert await store.keys.get(everything.id) == everything
            assert await store.keys.get("unknown") is None
            assert await store.keys.find(digest("unknown")) is None
            assert await store.keys.find(digest("secret").upper()) is None
            assert await store.keys.find("") is None

        run(check, self.open(tmp_path))

    def test_a_key_is_added_once(self, tmp_path: Path) -> None:
        """A second key with the same digest or the same id is refused, and the first one stays."""

        async def check(store: Store) -> None:
            first = sample_key("secret")
            await store.keys.add(first)

            assert await refused(store.keys.add(sample_key("secret"))) == "duplicate_key"
            same_id = attrs.evolve(sample_key("other"), id=first.id)
            assert await refused(store.keys.add(same_id)) == "duplicate_key"
            assert await store.keys.find(digest("other")) is None
            assert list(await store.keys.list()) == [first]

        run(check, self.open(tmp_path))

    def test_of_two_adders_at_once_one_wins(self, tmp_path: Path) -> None:
        """The digest is unique however close two additions are."""

        async def check(store: Store) -> None:
            adds = (store.keys.add(sample_key("secret")) for _ in range(8))
            answers = await asyncio.gather(*adds, return_exceptions=True)

            refused = [answer for answer in answers if isinstance(answer, InvalidRequest)]
            assert (answers.count(None), len(refused)) == (1, 7)

        run(check, self.open(tmp_path))

    def test_keys_are_listed_newest_first(self, tmp_path: Path) -> None:
        """All of them, or those of one user."""

        async def check(store: Store) -> None:
            made = [
                attrs.evolve(sample_key(f"k{i}", user=user), created_at=EARLIER + i * DAY)
                for i, user in enumerate(["alice", "bob", "alice"])
            ]
            for key in made:
                await store.keys.add(key)

            assert list(await store.keys.list()) == made[::-1]
            assert list(await store.keys.list(user="alice")) == [made[2], made[0]]
            assert list(await store.keys.list(user="nobody")) == []

        run(check, self.open(tmp_path))

    def test_keys_are_listed_in_pages(self, tmp_path: Path) -> None:
        """Each goes on after the last key of the one before; keys of one moment go by id."""

        async def check(store: Store) -> None:
            made = [
                attrs.evolve(
                    sample_key(f"k{i}"), id=f"key_{i}", created_at=EARLIER + (i // 3) * DAY
                )
                for i in range(8)
            ]
            for key in made:
                await store.keys.add(key)
            found: list[ApiKey] = []
            while page := await store.keys.list(
                user="alice", after=found[-1].id if found else "", limit=3
            ):
                found += page

            assert found == made[::-1]
            assert list(await store.keys.list(after="unknown")) == []

        run(check, self.open(tmp_path))

    def test_a_user_has_so_many_keys_at_most(self, tmp_path: Path) -> None:
        """Valid ones count, however many are added at once; others' do not."""

        async def check(store: Store) -> None:
            await store.keys.add(sample_key("bobs", user="bob"), limit=1)
            gone = attrs.evolve(sample_key("gone"), expires_at=EARLIER)
            revoked = attrs.evolve(sample_key("revoked"), revoked_at=EARLIER)
            for key in (gone, revoked):
                await store.keys.add(key, limit=1)
            adds = (store.keys.add(sample_key(f"k{i}"), limit=3) for i in range(20))
            answers = await asyncio.gather(*adds, return_exceptions=True)

            lost = [answer for answer in answers if isinstance(answer, InvalidRequest)]
            assert {error.reason for error in lost} == {"key_limit_reached"}
            valid = [key for key in await store.keys.list(user="alice") if key.valid(now())]
            assert len(valid) == answers.count(None) <= 3
            while answers.count(None) < 3:
                await store.keys.add(sample_key(f"more{len(answers)}"), limit=3)
                answers.append(None)
            last = sample_key("last")
            assert await refused(store.keys.add(last, limit=3)) == "key_limit_reached"
            await store.keys.revoke(valid[0].id, now())
            await store.keys.add(last, limit=3)

        run(check, self.open(tmp_path))

    def test_invalid_keys_are_told_apart(self, tmp_path: Path) -> None:
        """Revoked and expired ones; those that nobody knows are not among them."""

        async def check(store: Store) -> None:
            keys = {name: sample_key(name) for name in ("good", "revoked", "expired", "expires")}
            keys["expired"] = attrs.evolve(keys["expired"], expires_at=EARLIER)
            keys["expires"] = attrs.evolve(keys["expires"], expires_at=EARLIER + DAY)
            for key in keys.values():
                await store.keys.add(key)
            await store.keys.revoke(keys["revoked"].id, EARLIER)
            asked = [*(key.id for key in keys.values()), "unknown"]
            invalid = await store.keys.invalid(asked, EARLIER)

            assert invalid == {keys["revoked"].id, keys["expired"].id}
            assert await store.keys.invalid([keys["good"].id], EARLIER) == frozenset()
            assert await store.keys.invalid([], EARLIER) == frozenset()

        run(check, self.open(tmp_path))

    def test_a_revoked_key_stays_revoked(self, tmp_path: Path) -> None:
        """It is still found, invalid, with the moment of its first revocation."""

        async def check(store: Store) -> None:
            key = sample_key("secret")
            await store.keys.add(key)

            assert await store.keys.revoke("unknown", EARLIER) is False
            assert await store.keys.revoke(key.id, EARLIER) is True
            assert await store.keys.revoke(key.id, EARLIER + DAY) is True
            kept = await store.keys.find(key.digest)
            assert kept == attrs.evolve(key, revoked_at=EARLIER)
            assert not kept.valid(EARLIER)

        run(check, self.open(tmp_path))

    def test_last_use_only_moves_forward(self, tmp_path: Path) -> None:
        """A batch sets what is later than known; unknown ids and an empty batch change nothing."""

        async def check(store: Store) -> None:
            first, second = sample_key("first"), sample_key("second")
            await store.keys.add(first)
            await store.keys.add(second)
            await store.keys.touch({first.id: EARLIER + DAY, second.id: EARLIER})
            await store.keys.touch(
                {first.id: EARLIER, second.id: EARLIER + DAY, "unknown": EARLIER}
            )
            await store.keys.touch({})

            used = {key.last_used_at for key in await store.keys.list()}
            assert used == {EARLIER + DAY}
            assert await store.keys.find(digest("unknown")) is None

        run(check, self.open(tmp_path))

    def test_thousands_of_keys_can_be_asked_for_and_used(self, tmp_path: Path) -> None:
        """Whatever number of parameters a database's statement may have."""

        async def check(store: Store) -> None:
            key = sample_key("secret")
            await store.keys.add(key)
            await store.keys.revoke(key.id, EARLIER)
            many = [f"key_{i}" for i in range(5000)]
            await store.keys.touch(dict.fromkeys([*many, key.id], EARLIER))

            assert await store.keys.invalid([*many, key.id], EARLIER) == {key.id}
            used = attrs.evolve(key, revoked_at=EARLIER, last_used_at=EARLIER)
            assert list(await store.keys.list()) == [used]

        run(check, self.open(tmp_path))
