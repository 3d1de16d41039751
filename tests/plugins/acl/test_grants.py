"""Who may do what: the seed's own cases (its section 6.6), on the stores that come with Hookline.

What concerns the giving of grants, such as unknown roles, is tested with the administration.
"""

from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from hookline import Principal
from hookline.grants import PUBLIC, Bits, Grantee, owner_grants
from hookline.permissions import BITS, NOTHING
from hookline_memory import MemoryStore
from hookline_sqlite import SqliteStores
from support.callers import NOON, Callers, bounded, grant

ALICE, BOB = Principal(user="alice"), Principal(user="bob")
MEMBER = Principal(user="carol", groups=frozenset({"team", "ops"}))
EDITOR = Principal(user="dave", role="editor")
USER = Grantee("user", "alice")
TEAM, OPS = Grantee("group", "team"), Grantee("group", "ops")
ROLE = Grantee("role", "editor")
STORES = {
    "memory": lambda folder: MemoryStore(),
    "sqlite": lambda folder: SqliteStores().open(f"sqlite:///{folder / 'hookline.db'}"),
}


@pytest.fixture(params=STORES)
def asked(request, tmp_path: Path):
    """Ask a function of a backend over an empty store."""

    def ask(work):
        async def main():
            async with AsyncExitStack() as stack:
                store = await stack.enter_async_context(STORES[request.param](tmp_path))
                return await work(Callers(store, cache_seconds=0))

        return bounded(main)

    return ask


async def bits(callers, principal, resource):
    """The bits that a principal has on a resource such as ``agent a``."""
    kind, _, id_ = resource.partition(" ")
    total = Bits.NONE
    for permission, bit in BITS.items():
        if id_ in await callers.backend.allowed(principal, permission, kind):
            total |= bit
    return total


@pytest.mark.parametrize(
    ("grantee", "has", "has_not"),
    [
        (USER, [ALICE], [BOB, MEMBER, EDITOR]),
        (TEAM, [MEMBER], [ALICE, BOB, EDITOR]),
        (ROLE, [EDITOR], [ALICE, BOB, MEMBER]),
        (PUBLIC, [ALICE, BOB, MEMBER, EDITOR], []),
    ],
)
@pytest.mark.parametrize("kind", ["agent", "remoteAgent", "mcpServer", "file"])
def test_a_grant_reaches_whom_it_names(asked, grantee, has, has_not, kind):
    """A user, a group, a role or everybody; nobody else, and no other resource."""

    async def work(callers):
        await callers.grant(grant(grantee, f"{kind} a", 3))
        may = {p.user: await bits(callers, p, f"{kind} a") for p in [*has, *has_not]}
        other = [await bits(callers, p, f"{kind} b") for p in has]
        return may, set(other)

    expected = {p.user: Bits(3) for p in has} | {p.user: Bits.NONE for p in has_not}
    assert (expected, {Bits.NONE}) == asked(work)


def test_an_id_of_one_kind_of_grantee_is_none_of_another(asked):
    """A group or a role that is called like a user gives the user nothing."""

    async def work(callers):
        await callers.grant(
            *(grant(Grantee(kind, "alice"), "agent a") for kind in ("group", "role"))
        )
        return await callers.may(ALICE, kind="agent")

    assert [] == asked(work)


def test_a_second_grant_takes_the_place_of_the_first(asked):
    """There is one for each pair of grantee and resource; fewer bits count, too."""

    async def work(callers):
        await callers.grant(grant(USER, "agent a", 15))
        before = await bits(callers, ALICE, "agent a")
        await callers.grant(grant(USER, "agent a", 1))
        return before, await bits(callers, ALICE, "agent a")

    assert (Bits.ALL, Bits.VIEW) == asked(work)


def test_a_grant_that_is_taken_away_gives_nothing(asked):
    """Those of the others stay."""

    async def work(callers):
        mine, everybodys = grant(USER, "agent a", 15), grant(PUBLIC, "agent a", 1)
        await callers.grant(mine, everybodys)
        await callers.revoke(mine)
        return await bits(callers, ALICE, "agent a")

    assert Bits.VIEW == asked(work)


def test_bits_of_several_sources_are_added_up(asked):
    """User, role, groups and everybody together; each alone would not do."""

    async def work(callers):
        everything = Principal(user="alice", role="editor", groups=frozenset({"team", "ops"}))
        await callers.grant(
            grant(USER, "agent a", 1), grant(TEAM, "agent a", 2), grant(OPS, "agent a", 4)
        )
        some = await bits(callers, everything, "agent a")
        await callers.grant(grant(ROLE, "agent a", 8))
        return some, await bits(callers, everything, "agent a")

    assert (Bits(7), Bits.ALL) == asked(work)


def test_lists_hold_what_groups_may(asked):
    """What is granted to a group is listed for its members, by permission."""

    async def work(callers):
        await callers.grant(
            grant(TEAM, "agent a", 1), grant(OPS, "agent b", 3), grant(TEAM, "agent c", 2)
        )
        return [await callers.may(MEMBER, permission, "agent") for permission in BITS]

    assert [["a", "b"], ["b", "c"], [], []] == asked(work)


def test_many_resources_are_answered_at_once(asked):
    """One question to the store answers for a hundred resources, those of everybody included."""

    async def work(callers):
        mine = [grant(USER, f"file f{n:03}", n % 16) for n in range(100)]
        everybodys = [grant(PUBLIC, f"file f{n:03}", 1) for n in range(0, 100, 7)]
        await callers.grant(*mine, *everybodys)
        callers.calls.clear()
        return await callers.may(ALICE, "view", "file"), callers.calls

    expected = [f"f{n:03}" for n in range(100) if n % 2 or n % 7 == 0]
    assert (expected, ["grants.of_grantees"]) == asked(work)


@pytest.mark.parametrize(("permission", "kind"), [("own", "agent"), ("view", "prompt"), ("", "")])
def test_what_nobody_knows_is_allowed_to_nobody(asked, permission, kind):
    """A permission or a kind that does not exist is answered with nothing."""

    async def work(callers):
        await callers.grant(grant(PUBLIC, "agent a", 15))
        return await callers.backend.allowed(ALICE, permission, kind)

    assert NOTHING == asked(work)


def test_who_is_nobody_has_what_everybody_has(asked):
    """Empty names match no grant but the public one."""

    async def work(callers):
        await callers.grant(grant(PUBLIC, "agent a"), grant(USER, "agent b"))
        return await callers.may(Principal(user="", role=""), kind="agent")

    assert ["a"] == asked(work)


def test_admins_have_no_way_around(asked):
    """Their role is a grantee like others; they may give themselves a grant."""

    async def work(callers):
        root = Principal(user="root", role="admin")
        await callers.grant(grant(USER, "remoteAgent a", 15))
        before = await callers.may(root)
        await callers.grant(grant(Grantee("role", "admin"), "remoteAgent a"))
        return before, await callers.may(root)

    assert ([], ["a"]) == asked(work)


@pytest.mark.parametrize(("given", "expected"), [(8, 15), (15, 15), (9, 15), (7, 0), (1, 0)])
def test_who_may_share_an_agent_may_do_everything_with_its_calls(asked, given, expected):
    """Bits on the agent without ``share`` give nothing for calling it."""

    async def work(callers):
        await callers.grant(grant(USER, "agent a", given))
        return await bits(callers, ALICE, "remoteAgent a"), await bits(callers, ALICE, "agent a")

    assert (Bits(expected), Bits(given)) == asked(work)


def test_sharing_the_calls_of_an_agent_gives_nothing_on_the_agent(asked):
    """The rule goes one way, and holds for the agent with the same id alone."""

    async def work(callers):
        await callers.grant(grant(USER, "remoteAgent a", 15), grant(USER, "file b", 15))
        return [
            await bits(callers, ALICE, name) for name in ("agent a", "agent b", "remoteAgent b")
        ]

    assert [Bits.NONE] * 3 == asked(work)


def test_the_author_of_an_agent_may_do_everything(asked):
    """What comes with a new agent is enough for all of it."""

    async def work(callers):
        await callers.grant(*owner_grants("alice", "a", at=NOON))
        return [await bits(callers, ALICE, f"{kind} a") for kind in ("agent", "remoteAgent")]

    assert [Bits.ALL, Bits.ALL] == asked(work)


def test_a_grant_ends_at_its_moment(asked):
    """Until then it counts, from then on not."""

    async def work(callers):
        await callers.grant(
            grant(USER, "agent a", 15, expires_at=NOON + timedelta(seconds=1)),
            grant(PUBLIC, "agent a", 1),
        )
        before = await bits(callers, ALICE, "agent a")
        callers.at += timedelta(seconds=1)
        return before, await bits(callers, ALICE, "agent a")

    assert (Bits.ALL, Bits.VIEW) == asked(work)


def test_an_inherited_grant_gives_what_both_give(asked):
    """Never more than the one that it comes from, whoever that one is for."""

    async def work(callers):
        above = grant(TEAM, "agent folder", 3)
        await callers.grant(above, grant(USER, "agent a", 13, inherited_from=above.id))
        before = await bits(callers, ALICE, "agent a")
        await callers.grant(grant(TEAM, "agent folder", 8))
        return before, await bits(callers, ALICE, "agent a")

    assert (Bits.VIEW, Bits.SHARE) == asked(work)


@pytest.mark.parametrize("way", ["gone", "expired", "empty", "never there"])
def test_a_stale_inherited_grant_gives_nothing(asked, way):
    """What it comes from is gone, has expired, or gives nothing."""

    async def work(callers):
        ends = NOON + timedelta(seconds=1)
        above = grant(TEAM, "agent folder", 15, expires_at=ends if way == "expired" else None)
        await callers.grant(above, grant(USER, "agent a", 15, inherited_from=above.id))
        before = await bits(callers, ALICE, "agent a")
        callers.at = ends
        if way == "gone":
            await callers.revoke(above)
        if way == "empty":
            await callers.grant(grant(TEAM, "agent folder", 0))
        if way == "never there":
            await callers.grant(grant(USER, "agent a", 15, inherited_from="grt_nobody"))
        return before, await bits(callers, ALICE, "agent a")

    assert (Bits.ALL, Bits.NONE) == asked(work)


@pytest.mark.parametrize(("length", "expected"), [(1, 15), (8, 15), (9, 0), (30, 0)])
def test_chains_of_grants_are_followed_to_a_depth(asked, length, expected):
    """Through eight grants, and no further."""

    async def work(callers):
        chain = [grant(TEAM, "file 0", 15)]
        for number in range(1, length + 1):
            above = chain[-1].id
            chain.append(grant(TEAM, f"file {number}", 15, inherited_from=above))
        await callers.grant(*chain)
        return await bits(callers, MEMBER, f"file {length}")

    assert Bits(expected) == asked(work)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_grants_in_a_circle_give_nothing(asked, length):
    """Neither to those in it, nor to one that hangs on it."""

    async def work(callers):
        bare = [grant(USER, f"file {number}", 15) for number in range(length)]
        circle = [
            grant(USER, f"file {number}", 15, inherited_from=bare[number - 1].id)
            for number in range(length)
        ]
        await callers.grant(*circle, grant(USER, "file tail", 15, inherited_from=bare[0].id))
        return await callers.may(ALICE, "view", "file")

    assert [] == asked(work)
