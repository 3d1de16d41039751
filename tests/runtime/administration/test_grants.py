"""Sharing: grants to all kinds of grantees, and many changes at once. Source: seed 6.3, 6.6."""

from datetime import timedelta

import pytest

from hookline.administration import GrantChange
from hookline.errors import InvalidRequest, NotFound
from hookline.grants import PUBLIC, Applied, Bits, Grant, Grantee, Resource
from support.offices import NOON, ROOT, Actor, Office, agent, in_office

CALLS = Resource("remoteAgent", "helper")
ALICE, BOB, TEAM = Grantee("user", "alice"), Grantee("user", "bob"), Grantee("group", "team")
VIEWER, EDITOR, OWNER = "remoteAgent_viewer", "remoteAgent_editor", "remoteAgent_owner"


async def shared(office: Office) -> dict[Grantee, Grant]:
    """What everybody but the author has on calls to the agent."""
    grants = await office.store.grants.of_resource(CALLS)
    return {grant.grantee: grant for grant in grants if grant.grantee.id != "root"}


async def prepare(office: Office) -> None:
    await office.people("alice", "bob", team={"alice"})
    await office.administration.agents.create(ROOT, agent())


@pytest.mark.parametrize(
    "grantee", [ALICE, TEAM, Grantee("role", "caller"), PUBLIC], ids=lambda found: found.kind
)
def test_every_kind_of_grantee_can_have_a_role(grantee: Grantee):
    """A grant says who gave it, when, under which name, and which bits that means."""

    async def work(office: Office):
        await prepare(office)
        made = await office.administration.grants.grant(ROOT, CALLS, grantee, EDITOR)
        return made, await shared(office), (await office.audited("action", "kind", "subject"))[-1]

    made, kept, record = in_office(work)

    assert {grantee: made} == kept
    assert (Bits.VIEW | Bits.EDIT, EDITOR, "root") == (made.bits, made.role, made.granted_by)
    assert NOON < made.granted_at
    assert ("create", "grant", made.id) == record


def test_a_grant_takes_the_place_of_what_was_there():
    """Bits are overwritten, not added."""

    async def work(office: Office):
        await prepare(office)
        await office.administration.grants.grant(ROOT, CALLS, ALICE, OWNER)
        await office.administration.grants.grant(ROOT, CALLS, ALICE, Bits.VIEW)
        return await shared(office), (await office.audited("action", "detail"))[-1]

    kept, record = in_office(work)

    assert (Bits.VIEW, None) == (kept[ALICE].bits, kept[ALICE].role)
    assert ("update", "user alice on remoteAgent helper: 1") == record


@pytest.mark.parametrize(
    ("grantee", "role", "problem"),
    [
        (ALICE, "remoteAgent_emperor", "remoteAgent_emperor is no role on a resource of the kind"),
        (ALICE, "agent_viewer", "use remoteAgent_viewer, remoteAgent_editor, remoteAgent_owner"),
        (ALICE, Bits.NONE, "bits are 1 to 15, and not 0"),
        (Grantee("user", "nobody"), VIEWER, "there is no user nobody"),
        (Grantee("group", "nothing"), VIEWER, "there is no group nothing"),
        (Grantee("user"), VIEWER, "a user needs an id"),
        (Grantee("group"), VIEWER, "a group needs an id"),
        (Grantee("role"), VIEWER, "a role needs an id"),
        (Grantee("public", "alice"), VIEWER, "public has no id"),
    ],
)
def test_a_wrong_grant_is_refused(grantee: Grantee, role: str | Bits, problem: str):
    """An unknown grantee, an unknown role, and a role of another kind of resource. Seed 6.6."""

    async def work(office: Office):
        await prepare(office)
        with pytest.raises((InvalidRequest, NotFound), match=problem):
            await office.administration.grants.grant(ROOT, CALLS, grantee, role)
        change = GrantChange(updated={grantee: role})
        outcome = await office.administration.grants.change(ROOT, CALLS, change)
        return outcome, await shared(office)

    outcome, kept = in_office(work)

    assert (Applied(), {}) == (outcome.applied, kept)
    assert [problem in error for error in outcome.errors] == [True]


def test_an_agent_that_is_not_there_cannot_be_shared():
    """Neither one by one nor in bulk, neither the document nor its calls."""

    async def work(office: Office):
        await office.people("alice")
        grants = office.administration.grants
        for kind in ("agent", "remoteAgent"):
            resource = Resource(kind, "nobody")
            with pytest.raises(NotFound, match="there is no agent nobody"):
                await grants.grant(ROOT, resource, ALICE, f"{kind}_viewer")
            with pytest.raises(NotFound, match="there is no agent nobody"):
                await grants.change(ROOT, resource, GrantChange(public=True))

    in_office(work)


def test_a_bulk_change_does_all_of_it():
    """Grants are made, replaced and revoked at once, and what is wrong is told. Seed 6.3."""

    async def work(office: Office):
        await prepare(office)
        grants = office.administration.grants
        await grants.grant(ROOT, CALLS, ALICE, VIEWER)
        await grants.grant(ROOT, CALLS, TEAM, VIEWER)
        change = GrantChange(
            updated={ALICE: OWNER, BOB: Bits.VIEW, Grantee("user", "nobody"): VIEWER},
            removed=[TEAM, Grantee("role", "caller")],
            expires_at=NOON + timedelta(days=1),
        )
        before = len(await office.audited("id"))
        outcome = await grants.change(Actor(user="carol"), CALLS, change)
        records = await office.audited("actor", "action", "detail")
        return outcome, await shared(office), records[before:]

    outcome, kept, records = in_office(work)

    assert Applied(granted=1, updated=1, revoked=1) == outcome.applied
    assert ["user nobody: there is no user nobody"] == list(outcome.errors)
    assert {ALICE: OWNER, BOB: None} == {grantee: grant.role for grantee, grant in kept.items()}
    assert {NOON + timedelta(days=1)} == {grant.expires_at for grant in kept.values()}
    assert set(kept.values()) <= set(outcome.grants)
    assert {
        ("carol", "update", "user alice on remoteAgent helper: remoteAgent_owner"),
        ("carol", "create", "user bob on remoteAgent helper: 1"),
        ("carol", "delete", "group team on remoteAgent helper: remoteAgent_viewer"),
    } == set(records)


def test_who_is_in_both_lists_keeps_the_new_grant():
    """Granting wins over revoking the same grantee."""

    async def work(office: Office):
        await prepare(office)
        await office.administration.grants.grant(ROOT, CALLS, ALICE, VIEWER)
        change = GrantChange(updated={ALICE: OWNER}, removed=[ALICE])
        await office.administration.grants.change(ROOT, CALLS, change)
        return await shared(office)

    assert OWNER == in_office(work)[ALICE].role


def test_public_is_given_taken_and_left_alone():
    """Not saying anything about the public changes nothing about it; false takes it away."""

    async def work(office: Office):
        await prepare(office)
        grants, seen = office.administration.grants, []
        for change in (
            GrantChange(public=True),
            GrantChange(updated={ALICE: VIEWER}),
            GrantChange(public=True, public_role=EDITOR),
            GrantChange(public=False, updated={PUBLIC: VIEWER}),
            GrantChange(public=False),
        ):
            await grants.change(ROOT, CALLS, change)
            found = (await shared(office)).get(PUBLIC)
            seen.append(found and found.role)
        return seen

    assert [VIEWER, VIEWER, EDITOR, None, None] == in_office(work)


def test_a_grant_is_revoked_once():
    """Revoking what is not there is not found."""

    async def work(office: Office):
        await prepare(office)
        await office.administration.grants.grant(ROOT, CALLS, ALICE, VIEWER)
        await office.administration.grants.revoke(ROOT, CALLS, ALICE)
        with pytest.raises(NotFound, match="user alice has no grant on remoteAgent helper"):
            await office.administration.grants.revoke(ROOT, CALLS, ALICE)
        return await shared(office)

    assert {} == in_office(work)
