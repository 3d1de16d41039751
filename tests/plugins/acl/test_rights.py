"""What a caller may do, added up and remembered."""

import asyncio
from datetime import timedelta
from itertools import product
from typing import get_args

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hookline import Principal
from hookline.grants import PUBLIC, RESOURCE_KINDS, Bits, Grantee
from hookline.permissions import BITS, Permission
from hookline_acl.effects import masked
from hookline_memory import MemoryStore
from support.callers import NOON, Callers, bounded, grant

ALICE = Principal(user="alice")
USER = Grantee("user", "alice")
IDS = ("a", "b", "c")
GRANTEES = (
    PUBLIC,
    *(Grantee(kind, id_) for kind in ("user", "group", "role") for id_ in ("x", "y")),
)
PAIRS = list(product(GRANTEES, RESOURCE_KINDS, IDS))


@st.composite
def worlds(draw):
    """Grants of which some have expired, and some are inherited from others, or from nobody."""
    pairs = draw(st.lists(st.sampled_from(PAIRS), max_size=14, unique=True))
    bare = [grant(grantee, f"{kind} {id_}") for grantee, kind, id_ in pairs]
    parents = st.none() | st.just("grt_gone")
    if bare:
        parents |= st.sampled_from([each.id for each in bare])
    return [
        attrs.evolve(
            each,
            bits=Bits(draw(st.integers(0, 31))),
            inherited_from=draw(parents),
            expires_at=draw(st.sampled_from([None, None, None, NOON, NOON + timedelta(days=1)])),
        )
        for each in bare
    ]


principals = st.builds(
    Principal,
    user=st.sampled_from("xyz"),
    role=st.sampled_from("xyz"),
    groups=st.frozensets(st.sampled_from("xyz")),
)


def gives(grant_id, grants, steps=0):
    """What a grant gives, as the rule says it: recursively, one grant at a time."""
    found = grants.get(grant_id)
    if found is None or (found.expires_at is not None and found.expires_at <= NOON) or steps > 8:
        return 0
    if found.inherited_from is None:
        return found.bits & 15
    return found.bits & 15 & gives(found.inherited_from, grants, steps + 1)


def may(principal, bit, kind, id_, grants):
    """Whether a principal may do one thing with one resource, as the rule says it."""
    matching = [
        each
        for each in grants.values()
        if each.grantee == PUBLIC
        or each.grantee == Grantee("user", principal.user)
        or each.grantee == Grantee("role", principal.role)
        or (each.grantee.kind == "group" and each.grantee.id in principal.groups)
    ]

    def total(wanted):
        bits = 0
        for each in matching:
            if (each.resource.kind, each.resource.id) == (wanted, id_):
                bits |= gives(each.id, grants)
        return bits

    if kind == "remoteAgent" and total("agent") & 8:
        return True
    return bool(total(kind) & bit)


@given(worlds(), principals)
def test_lists_hold_exactly_what_single_questions_allow(world, principal):
    """Each filter is the set of resources for which the rule, applied to one, says yes."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.grant(*world)
        return {
            (permission, kind): await callers.may(principal, permission, kind)
            for permission, kind in product(get_args(Permission), RESOURCE_KINDS)
        }

    by_id = {each.id: each for each in world}
    expected = {
        (permission, kind): [id_ for id_ in IDS if may(principal, bit, kind, id_, by_id)]
        for permission, bit in BITS.items()
        for kind in RESOURCE_KINDS
    }
    assert expected == bounded(main)


@pytest.mark.parametrize(
    ("bits", "expected"), [(0, 0), (15, 15), (16, 0), (31, 15), (256 + 2, 2), (-1, 0), (-16, 0)]
)
def test_bits_without_a_meaning_do_not_count(bits, expected):
    """Only the four are looked at; a negative number has none of them."""
    assert Bits(expected) == masked(bits)


def test_a_grant_ends_while_it_is_remembered():
    """Its end, and that of one it comes from, take effect to the moment."""

    async def main():
        callers = Callers(MemoryStore())
        above = grant(PUBLIC, "file folder", 15, expires_at=NOON + timedelta(seconds=1))
        await callers.grant(
            above,
            grant(USER, "file a", inherited_from=above.id),
            grant(USER, "file b", expires_at=NOON + timedelta(seconds=2)),
            grant(USER, "file c"),
        )
        answers = []
        for _ in range(3):
            answers.append(await callers.may(ALICE, "view", "file"))
            callers.at += timedelta(seconds=1)
        return answers, callers.calls.count("grants.of_grantees")

    assert ([["a", "b", "c", "folder"], ["b", "c"], ["c"]], 3) == bounded(main)


def test_changes_show_at_once_after_forget():
    """A grant that was given or taken away counts in the next request."""

    async def main():
        callers = Callers(MemoryStore())
        shared = grant(USER, "remoteAgent a")
        answers = [await callers.may(ALICE)]
        await callers.grant(shared)
        answers.append(await callers.may(ALICE))
        callers.backend.forget()
        answers.append(await callers.may(ALICE))
        await callers.revoke(shared)
        callers.backend.forget()
        return [*answers, await callers.may(ALICE)]

    assert [[], [], ["a"], []] == bounded(main)


def test_changes_elsewhere_show_after_the_time_of_the_cache():
    """What another process takes away is gone after ``cache_seconds`` at most."""

    async def main():
        callers = Callers(MemoryStore(), cache_seconds=2)
        shared = grant(USER, "remoteAgent a")
        await callers.grant(shared)
        answers = [await callers.may(ALICE)]
        await callers.revoke(shared)
        for ticks in (1.9, 2.0):
            callers.ticks = ticks
            answers.append(await callers.may(ALICE))
        return answers

    assert [["a"], ["a"], []] == bounded(main)


def test_callers_are_told_apart_by_all_that_they_are():
    """One user with another role or in other groups is another caller."""

    async def main():
        callers = Callers(MemoryStore())
        await callers.grant(
            grant(Grantee("role", "maker"), "file a"), grant(Grantee("group", "team"), "file b")
        )
        asked = [
            ALICE,
            attrs.evolve(ALICE, role="maker"),
            attrs.evolve(ALICE, groups=frozenset({"team"})),
            attrs.evolve(ALICE, key="key_1", read_only=True),
        ]
        return [await callers.may(principal, "view", "file") for principal in asked]

    assert [[], ["a"], ["b"], []] == bounded(main)


def test_what_callers_may_do_is_bounded():
    """Of too many callers, the one asked for first is asked for again."""

    async def main():
        callers = Callers(MemoryStore(), cache_entries=3)
        for number in range(4):
            await callers.may(Principal(user=f"user {number}"))
        callers.calls.clear()
        await callers.may(Principal(user="user 3"))
        kept = len(callers.calls)
        await callers.may(Principal(user="user 0"))
        return kept, len(callers.calls)

    assert (0, 1) == bounded(main)


def test_callers_at_once_are_one_look_up_each():
    """Many questions of two callers at the same moment ask the store twice."""

    async def main():
        callers = Callers(MemoryStore())
        principals = [Principal(user="alice"), Principal(user="bob")] * 20
        await asyncio.gather(*(callers.may(principal) for principal in principals))
        return callers.calls

    assert ["grants.of_grantees"] * 2 == bounded(main)
