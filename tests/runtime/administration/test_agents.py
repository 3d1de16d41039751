"""Agents: versions, edges that lead somewhere, authors, and what hangs on one that goes."""

import asyncio
from typing import Any

import attrs
import pytest

from hookline.agents import Agent, Edge
from hookline.audit import content_hash
from hookline.config import CONFIG
from hookline.errors import InvalidRequest, NotFound, VersionConflict
from hookline.grants import Bits, Grantee, Resource
from support.offices import NOON, ROOT, Office, agent, in_office


def to(*ids: str) -> Edge:
    return Edge(from_=["helper"], to=ids)


def test_the_author_gets_all_permissions_with_the_agent():
    """Whoever creates an agent owns it, and the calls to it; the audit has all three records."""

    async def work(office: Office):
        kept = await office.administration.agents.create(ROOT, agent(author="mallory"))
        grants = [
            grant
            for kind in ("agent", "remoteAgent")
            for grant in await office.store.grants.of_resource(Resource(kind, "helper"))
        ]
        return kept, grants, await office.audited("actor", "key", "action", "kind")

    kept, grants, records = in_office(work)

    assert ("root", 1) == (kept.author, kept.version)
    assert NOON < kept.created_at
    assert [("agent_owner", Bits.ALL), ("remoteAgent_owner", Bits.ALL)] == [
        (grant.role, grant.bits) for grant in grants
    ]
    assert {Grantee("user", "root")} == {grant.grantee for grant in grants}
    made = ("root", "key_root", "create")
    assert [(*made, "agent"), (*made, "grant"), (*made, "grant")] == records


def test_an_id_is_given_once():
    """Creating an agent with the id of another one changes nothing."""

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent(name="first"))
        with pytest.raises(VersionConflict):
            await office.administration.agents.create(ROOT, agent(name="second"))
        return await office.store.agents.get("helper"), office.changes

    kept, changes = in_office(work)

    assert kept is not None
    assert ("first", 1) == (kept.name, changes)


def test_a_change_is_recorded_with_what_was_and_what_is():
    """The audit's hashes are those of the version before and of the one after."""

    async def work(office: Office):
        first = await office.administration.agents.create(ROOT, agent())
        second = await office.administration.agents.replace(ROOT, agent(name="New"), expected=1)
        return first, second, (await office.audited("action", "before", "after", "detail"))[-1]

    first, second, record = in_office(work)

    assert ("update", content_hash(first), content_hash(second), "version 2") == record
    assert "root" == second.author


def test_what_changes_nothing_is_no_change():
    """The same agent again makes no version and no record."""

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent())
        before = await office.audited("id")
        kept = await office.administration.agents.replace(ROOT, agent(), expected=1)
        return kept.version, before == await office.audited("id")

    assert (1, True) == in_office(work)


def test_a_stale_change_is_refused_with_the_current_version():
    """Whoever has not seen the current version changes nothing."""

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent())
        await office.administration.agents.replace(ROOT, agent(name="New"), expected=1)
        with pytest.raises(VersionConflict) as caught:
            await office.administration.agents.replace(ROOT, agent(name="Newer"), expected=1)
        with pytest.raises(VersionConflict):
            await office.administration.agents.delete(ROOT, "helper", expected=1)
        return caught.value.current

    assert 2 == in_office(work)


def test_changes_of_whatever_is_there_all_succeed():
    """Without an expected version, everybody who writes at once gets a version."""

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent())
        changes = [
            office.administration.agents.replace(ROOT, agent(name=f"writer {number}"))
            for number in range(10)
        ]
        kept = await asyncio.gather(*changes)
        return sorted(found.version for found in kept)

    assert list(range(2, 12)) == in_office(work)


@pytest.mark.parametrize(
    ("edges", "param"),
    [
        ([to("nobody")], "edges[0].to"),
        ([to("helper"), Edge(from_=["nobody"], to=["helper"])], "edges[1].from"),
    ],
)
def test_an_edge_that_leads_nowhere_is_refused(edges: list[Edge], param: str):
    """Edges lead from and to agents that exist; the message names the one that does not."""

    async def work(office: Office):
        agents = office.administration.agents
        with pytest.raises(InvalidRequest) as created:
            await agents.create(ROOT, agent(edges=edges))
        await agents.create(ROOT, agent())
        with pytest.raises(InvalidRequest) as replaced:
            await agents.replace(ROOT, agent(edges=edges))
        return created.value, replaced.value

    for error in in_office(work):
        assert param == error.param
        assert "there is no agent nobody" in str(error)


@pytest.mark.parametrize(
    ("fields", "param", "message"),
    [
        ({"subagents": ["nobody"]}, "subagents", "subagents: there is no agent nobody"),
        ({"subagents": ["helper"]}, "subagents", "an agent cannot be among its own"),
        (
            {"edges": [Edge(from_=["helper"], to=["helper"], condition="turns <")]},
            "edges[0].condition",
            "edges[0].condition is no condition: it cannot be read",
        ),
        (
            {"edges": [to("helper"), Edge(from_=["helper"], to=["helper"], condition="x")]},
            "edges[1].condition",
            "there is no 'x'; there are output",
        ),
    ],
)
def test_a_team_that_cannot_work_together_is_refused(fields: Any, param: str, message: str):
    """Agents that are asked exist and are others, and conditions can be worked out."""

    async def work(office: Office):
        agents = office.administration.agents
        with pytest.raises(InvalidRequest) as created:
            await agents.create(ROOT, agent(**fields))
        await agents.create(ROOT, agent())
        with pytest.raises(InvalidRequest) as replaced:
            await agents.replace(ROOT, agent(**fields))
        return created.value, replaced.value

    for error in in_office(work):
        assert param == error.param
        assert message in str(error)


def test_agents_that_come_together_may_lead_to_each_other():
    """An edge may lead to an agent that is about to be created."""

    async def work(office: Office):
        agents = office.administration.agents
        both = {"helper", "coder"}
        await agents.create(ROOT, agent(edges=[to("coder")]), together_with=both)
        made = await agents.create(ROOT, agent("coder"), together_with=both)
        return made.version

    assert 1 == in_office(work)


def test_what_the_config_manages_is_changed_there():
    """An agent of the config is neither changed, nor reverted, nor deleted."""

    async def work(office: Office):
        agents = office.administration.agents
        await office.store.agents.put(agent(managed_by=CONFIG))
        for attempt in (
            agents.replace(ROOT, agent(name="New")),
            agents.revert(ROOT, "helper", 1),
            agents.delete(ROOT, "helper"),
        ):
            with pytest.raises(InvalidRequest, match="managed by the config") as caught:
                await attempt
            assert "managed_by_config" == caught.value.reason
        return await office.audited("id")

    assert [] == in_office(work)


def test_reverting_makes_a_new_version_like_an_old_one():
    """The versions in between stay; author and the hashes are right."""

    async def work(office: Office):
        agents = office.administration.agents
        await agents.create(ROOT, agent(name="One"))
        await agents.replace(ROOT, agent(name="Two"))
        reverted = await agents.revert(ROOT, "helper", 1, expected=2)
        versions = await office.store.agents.versions("helper")
        return reverted.name, [(found.version, found.name) for found in versions]

    assert ("One", [(3, "One"), (2, "Two"), (1, "One")]) == in_office(work)


def test_only_versions_that_were_can_come_back():
    """An unknown agent, and an unknown version of one, are not found."""

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent())
        with pytest.raises(NotFound, match="the agent helper has no version 7"):
            await office.administration.agents.revert(ROOT, "helper", 7)
        with pytest.raises(NotFound, match="there is no agent nobody"):
            await office.administration.agents.revert(ROOT, "nobody", 1)
        with pytest.raises(NotFound, match="there is no agent nobody"):
            await office.administration.agents.replace(ROOT, agent("nobody"))

    in_office(work)


def test_reverting_to_edges_that_lead_nowhere_now_is_refused():
    """An old version may name an agent that is gone."""

    async def work(office: Office):
        agents = office.administration.agents
        await agents.create(ROOT, agent("coder"))
        await agents.create(ROOT, agent(edges=[to("coder")]))
        await agents.delete(ROOT, "coder")
        with pytest.raises(InvalidRequest, match="there is no agent coder"):
            await agents.revert(ROOT, "helper", 1)

    in_office(work)


def test_deleting_cuts_the_edges_of_others():
    """No edge leads to what is gone; an edge that led nowhere else goes with it. Seed 6.5."""

    async def work(office: Office):
        agents = office.administration.agents
        for id_ in ("coder", "writer"):
            await agents.create(ROOT, agent(id_))
        await agents.create(ROOT, agent(edges=[to("coder", "writer"), to("coder")]))
        await agents.delete(ROOT, "coder", expected=1)
        left = await office.store.agents.get("helper")
        grants = await office.store.grants.list()
        return (
            left,
            {grant.resource.id for grant in grants},
            await office.audited("action", "kind", "subject", "detail"),
        )

    left, resources, records = in_office(work)

    assert left is not None
    assert ((to("writer"),), 2) == (left.edges, left.version)
    assert {"helper", "writer"} == resources
    assert ("delete", "agent", "coder", "") in records
    assert ("update", "agent", "helper", "edges to coder, which was deleted") in records


def test_deleting_takes_an_agent_out_of_those_that_ask_it():
    """So they can be changed afterwards."""

    async def work(office: Office):
        agents = office.administration.agents
        for id_ in ("coder", "writer"):
            await agents.create(ROOT, agent(id_))
        await agents.create(ROOT, agent(subagents=["coder", "writer"]))
        await agents.delete(ROOT, "coder")
        return await agents.replace(ROOT, await agents.find("helper"))

    assert ("writer",) == in_office(work).subagents


def test_what_is_gone_is_not_found():
    """Deleting again says so."""

    async def work(office: Office):
        with pytest.raises(NotFound, match="there is no agent helper"):
            await office.administration.agents.delete(ROOT, "helper")

    in_office(work)


def test_concurrent_writers_lose_nothing():
    """Of writers that saw the same version one wins; the others learn the current one."""

    async def add(office: Office, number: int) -> list[int]:
        agents, conflicts = office.administration.agents, list[VersionConflict]()
        current: Agent = await agents.find("helper")
        version = current.version
        while True:
            changed = attrs.evolve(current, tools=[*current.tools, f"tool{number}"])
            try:
                await agents.replace(ROOT, changed, expected=version)
            except VersionConflict as conflict:
                conflicts.append(conflict)
            else:
                return [conflict.current for conflict in conflicts]
            current = await agents.find("helper")
            version = current.version

    async def work(office: Office):
        await office.administration.agents.create(ROOT, agent())
        told = await asyncio.gather(*(add(office, number) for number in range(20)))
        return await office.administration.agents.find("helper"), told

    kept, told = in_office(work)

    assert ({f"tool{number}" for number in range(20)}, 21) == (set(kept.tools), kept.version)
    assert all(versions == sorted(set(versions)) and 1 not in versions for versions in told)


@pytest.mark.parametrize("author", [None, "ann"])
def test_who_is_no_user_is_no_author(author):
    """An agent of the command line has the author that it names, or none; so do its grants."""

    async def work(office: Office):
        actor = attrs.evolve(ROOT, user="cli:root", known=False)
        made = await office.administration.agents.create(actor, agent(author=author))
        return made, await office.store.grants.list()

    made, grants = in_office(work)

    assert (author, "cli:root") == (made.author, made.updated_by)
    assert {author} - {None} == {grant.grantee.id for grant in grants}
