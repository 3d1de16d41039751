"""The part of the store contract that concerns grants."""

import asyncio
from datetime import timedelta
from pathlib import Path

import attrs

from hookline.grants import (
    PUBLIC,
    RESOURCE_KINDS,
    Applied,
    Bits,
    Grant,
    Grantee,
    Resource,
    grant_id,
)
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, TOKYO, StoreSuite, raised, run

ANN = Grantee("user", "ann")
DEVS = Grantee("group", "devs")
AGENT = Resource("agent", "helper")
CALLING = Resource("remoteAgent", "helper")


def grant(grantee: Grantee = ANN, resource: Resource = AGENT, bits: Bits = Bits.VIEW) -> Grant:
    """A grant of a moment that is known."""
    return Grant(grantee=grantee, resource=resource, bits=bits, granted_at=EARLIER)


class GrantContract(StoreSuite):
    """The part of the contract that concerns grants."""

    def test_a_grant_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives; the bits are a flag."""

        async def check(store: Store) -> None:
            kept = Grant(
                grantee=ANN,
                resource=AGENT,
                bits=Bits.VIEW | Bits.SHARE,
                role="agent_owner",
                inherited_from=grant_id(DEVS, AGENT),
                granted_by="bob",
                granted_at=EARLIER,
                expires_at=EARLIER + DAY,
            )
            assert await store.grants.apply([kept]) == Applied(granted=1)
            found = await store.grants.get(kept.id)

            assert found == kept
            assert found.bits is Bits.VIEW | Bits.SHARE
            assert await store.grants.get("unknown") is None

        run(check, self.open(tmp_path))

    def test_there_is_one_grant_for_a_pair(self, tmp_path: Path) -> None:
        """A new one takes the place of the old one."""

        async def check(store: Store) -> None:
            await store.grants.apply([grant()])
            applied = await store.grants.apply([grant(bits=Bits.ALL), grant(DEVS)])

            assert applied == Applied(granted=1, updated=1)
            assert {kept.grantee: kept.bits for kept in await store.grants.of_resource(AGENT)} == {
                ANN: Bits.ALL,
                DEVS: Bits.VIEW,
            }

        run(check, self.open(tmp_path))

    def test_a_change_gives_and_takes(self, tmp_path: Path) -> None:
        """Who is in both lists keeps the new grant; unknown ids do not matter."""

        async def check(store: Store) -> None:
            old = [grant(ANN), grant(DEVS), grant(PUBLIC)]
            await store.grants.apply(old)
            gone = [kept.id for kept in old[:2]]
            applied = await store.grants.apply([grant(ANN, bits=Bits.ALL)], [*gone, "unknown"])

            assert applied == Applied(updated=1, revoked=1)
            assert {kept.grantee: kept.bits for kept in await store.grants.list()} == {
                ANN: Bits.ALL,
                PUBLIC: Bits.VIEW,
            }
            assert await store.grants.apply([], []) == Applied()

        run(check, self.open(tmp_path))

    def test_grants_are_found_by_grantee(self, tmp_path: Path) -> None:
        """Those of any of them, on resources of these kinds, expired or not."""

        async def check(store: Store) -> None:
            expired = attrs.evolve(grant(ANN), expires_at=EARLIER)
            kept = [
                expired,
                grant(DEVS, CALLING),
                grant(PUBLIC, Resource("file", "f")),
                grant(Grantee("role", "ann")),
                grant(Grantee("user", "Ann")),
            ]
            await store.grants.apply(kept)
            of_grantees = store.grants.of_grantees

            assert list(await of_grantees([ANN], RESOURCE_KINDS)) == [expired]
            assert list(await of_grantees([ANN], ["remoteAgent"])) == []
            found = await of_grantees([ANN, DEVS, PUBLIC, ANN], ["agent", "remoteAgent", "agent"])
            assert list(found) == sorted(kept[:2], key=lambda one: one.id)
            assert list(await of_grantees([], RESOURCE_KINDS)) == []
            assert list(await of_grantees([ANN], [])) == []
            many = [Grantee("group", f"g{i}") for i in range(3000)]
            assert len(await of_grantees([*many, ANN, DEVS, PUBLIC], RESOURCE_KINDS)) == 3

        run(check, self.open(tmp_path))

    def test_grants_are_found_by_resource(self, tmp_path: Path) -> None:
        """The kind counts as well as the id."""

        async def check(store: Store) -> None:
            await store.grants.apply([grant(), grant(DEVS), grant(resource=CALLING)])

            assert len(await store.grants.of_resource(AGENT)) == 2
            assert list(await store.grants.of_resource(CALLING)) == [grant(resource=CALLING)]
            assert list(await store.grants.of_resource(Resource("agent", "Helper"))) == []

        run(check, self.open(tmp_path))

    def test_grants_are_listed_in_pages(self, tmp_path: Path) -> None:
        """Ordered by id, each of them once."""

        async def check(store: Store) -> None:
            kept = [grant(Grantee("user", f"u{i}")) for i in range(7)]
            await store.grants.apply(kept)
            found: list[Grant] = []
            while page := await store.grants.list(after=found[-1].id if found else "", limit=3):
                found += page

            assert found == sorted(kept, key=lambda one: one.id)

        run(check, self.open(tmp_path))

    def test_changes_at_once_lose_nothing(self, tmp_path: Path) -> None:
        """Each gives its own; one grant that all of them give is there once."""

        async def check(store: Store) -> None:
            changes = (
                store.grants.apply([grant(Grantee("user", f"u{i}")), grant(DEVS)])
                for i in range(20)
            )
            applied = await asyncio.gather(*changes)

            assert sum(one.granted for one in applied) == 21
            assert sum(one.updated for one in applied) == 19
            assert len(await store.grants.of_resource(AGENT)) == 21

        run(check, self.open(tmp_path))

    def test_grants_have_moments_in_utc(self, tmp_path: Path) -> None:
        """A moment of any zone comes back as the same one in UTC; without a zone it is refused."""

        async def check(store: Store) -> None:
            await store.grants.apply([attrs.evolve(grant(), granted_at=EARLIER.astimezone(TOKYO))])
            found = await store.grants.get(grant().id)

            assert found is not None
            assert (found.granted_at, found.granted_at.utcoffset()) == (EARLIER, timedelta())
            naive = attrs.evolve(grant(DEVS), expires_at=EARLIER.replace(tzinfo=None))
            assert await raised(ValueError, store.grants.apply([naive]))

        run(check, self.open(tmp_path))

    def test_many_grants_can_be_given_and_taken_at_once(self, tmp_path: Path) -> None:
        """A thousand of them, of whom some are there already."""

        async def check(store: Store) -> None:
            many = [grant(Grantee("user", f"u{i}")) for i in range(1000)]
            await store.grants.apply(many[:10])
            assert await store.grants.apply(many) == Applied(granted=990, updated=10)
            gone = [one.id for one in many[1:]]
            assert await store.grants.apply([], gone) == Applied(revoked=999)
            assert list(await store.grants.list()) == many[:1]

        run(check, self.open(tmp_path))

    def test_odd_ids_of_grantees_and_resources_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and whatever characters they have."""

        async def check(store: Store) -> None:
            kept = [grant(Grantee("user", id_), Resource("agent", id_)) for id_ in ODD_IDS]
            await store.grants.apply(kept)

            for one in kept:
                assert list(await store.grants.of_resource(one.resource)) == [one]
                assert list(await store.grants.of_grantees([one.grantee], ["agent"])) == [one]

        run(check, self.open(tmp_path))
