"""Users, groups and roles, and what hangs on users and groups that go."""

import asyncio

import pytest

from hookline.config import CONFIG
from hookline.errors import InvalidRequest, NotFound, VersionConflict
from hookline.grants import Grantee, Resource
from hookline.groups import Group
from hookline.keys import new_key
from hookline.roles import Role
from hookline.users import User
from support.offices import NOON, ROOT, Office, agent, in_office

CALLS = Resource("remoteAgent", "helper")


def test_deleting_a_user_ends_all_it_had():
    """Keys are revoked, grants and memberships end, and the audit says so."""

    async def work(office: Office):
        await office.people("alice", "bob", team={"alice", "bob"})
        administration = office.administration
        await administration.agents.create(ROOT, agent())
        grantee = Grantee("user", "alice")
        await administration.grants.grant(ROOT, CALLS, grantee, "remoteAgent_viewer")
        key, _ = new_key("alice")
        await administration.keys.create(ROOT, key)
        await administration.users.delete(ROOT, "alice")
        return (
            await office.store.users.get("alice"),
            (await administration.groups.find("team")).members,
            {grant.grantee.id for grant in await office.store.grants.list()},
            (await office.store.keys.list())[0].revoked_at,
            {record for record in await office.audited("action", "kind") if record[0] != "create"},
        )

    user, members, grantees, revoked_at, records = in_office(work)

    assert user is None
    assert frozenset({"bob"}) == members
    assert {"root"} == grantees
    assert revoked_at is not None
    assert {
        ("delete", "user"),
        ("delete", "grant"),
        ("update", "group"),
        ("revoke", "key"),
    } == records


def test_deleting_a_group_ends_its_grants():
    """Nobody who gets the same id later has what this group had."""

    async def work(office: Office):
        await office.people("alice", team={"alice"})
        await office.administration.agents.create(ROOT, agent())
        await office.administration.grants.grant(
            ROOT, CALLS, Grantee("group", "team"), "remoteAgent_viewer"
        )
        await office.administration.groups.delete(ROOT, "team", expected=1)
        grants = await office.store.grants.of_resource(CALLS)
        return [grant.grantee.kind for grant in grants]

    assert ["user"] == in_office(work)


def test_members_are_users_that_exist():
    """Creating, replacing and adding refuse whom nobody knows; nothing is changed."""

    async def work(office: Office):
        await office.people("alice", team={"alice"})
        groups = office.administration.groups
        for attempt in (
            groups.create(ROOT, Group(id="other", members={"nobody"})),
            groups.replace(ROOT, Group(id="team", members={"alice", "nobody"})),
            groups.add_members(ROOT, "team", ["nobody"]),
        ):
            with pytest.raises(InvalidRequest, match="there is no user nobody"):
                await attempt
        with pytest.raises(NotFound, match="there is no group nothing"):
            await groups.add_members(ROOT, "nothing", ["alice"])
        return await groups.find("team"), await office.store.groups.get("other")

    team, other = in_office(work)

    assert (frozenset({"alice"}), 1, None) == (team.members, team.version, other)


def test_a_member_that_is_gone_does_not_hinder_a_change():
    """Members that were there before are not asked for again."""

    async def work(office: Office):
        await office.store.groups.put(Group(id="team", members={"ghost"}))
        group = Group(id="team", name="Team", members={"ghost"})
        return await office.administration.groups.replace(ROOT, group)

    assert 2 == in_office(work).version


def test_nobody_is_added_and_removed_at_once():
    """What contradicts itself is refused."""

    async def work(office: Office):
        await office.people("alice", team=set())
        with pytest.raises(InvalidRequest, match="both name alice"):
            await office.administration.groups.change_members(
                ROOT, "team", add=["alice"], remove=["alice"]
            )

    in_office(work)


def test_members_that_are_changed_at_once_are_all_there():
    """Each of many who add one member at the same moment succeeds."""

    async def work(office: Office):
        users = [f"user{number}" for number in range(20)]
        await office.people(*users, team=set())
        groups = office.administration.groups
        await asyncio.gather(*(groups.add_members(ROOT, "team", [user]) for user in users))
        await groups.remove_members(ROOT, "team", ["user0", "stranger"])
        return await groups.find("team"), set(users) - {"user0"}

    team, users = in_office(work)

    assert (users, 22) == (team.members, team.version)


def test_a_user_is_there_once():
    """Creating it again is refused; making sure of it is not."""

    async def work(office: Office):
        users = office.administration.users
        await users.create(ROOT, User(id="alice", name="Alice"))
        with pytest.raises(VersionConflict):
            await users.create(ROOT, User(id="alice"))
        found = await users.ensure(ROOT, User(id="alice", name="Mallory"))
        made = await users.ensure(ROOT, User(id="bob"))
        return found.name, made.created_at

    name, created_at = in_office(work)

    assert "Alice" == name
    assert NOON < created_at


def test_a_role_of_the_config_is_changed_there():
    """It is neither replaced nor deleted; another role is."""

    async def work(office: Office):
        roles = office.administration.roles
        await office.store.roles.put(Role(id="user", managed_by=CONFIG))
        for attempt in (
            roles.replace(ROOT, Role(id="user", features={"remote_agents.use"})),
            roles.delete(ROOT, "user"),
        ):
            with pytest.raises(InvalidRequest, match="managed by the config") as caught:
                await attempt
            assert "managed_by_config" == caught.value.reason
        await roles.create(ROOT, Role(id="caller"))
        await roles.replace(ROOT, Role(id="caller", features={"remote_agents.use"}), expected=1)
        await roles.delete(ROOT, "caller", expected=2)
        return await office.audited("action", "kind", "subject", "detail")

    assert [
        ("create", "role", "caller", ""),
        ("update", "role", "caller", "version 2"),
        ("delete", "role", "caller", ""),
    ] == in_office(work)


def test_what_is_not_there_is_not_found():
    """Replacing and deleting say so."""

    async def work(office: Office):
        with pytest.raises(NotFound, match="there is no user alice"):
            await office.administration.users.replace(ROOT, User(id="alice"))
        with pytest.raises(NotFound, match="there is no role caller"):
            await office.administration.roles.delete(ROOT, "caller")
        with pytest.raises(NotFound, match="there is no group team"):
            await office.administration.groups.delete(ROOT, "team")

    in_office(work)
