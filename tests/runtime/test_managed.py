"""The config file manages its agents, and who may call them."""

from collections.abc import Mapping
from typing import Any

import attrs
import msgspec
import pytest

from hookline.config import Config
from hookline.errors import ConfigError
from hookline.grants import PUBLIC, Bits, Grant, Resource, grant_id
from hookline.managed import bring_in
from hookline.store import Store
from hookline_memory import MemoryStore
from support.runtimes import HELPER, run

CALLING = Resource("remoteAgent", "helper")


async def brought(store: Store, **agents: Mapping[str, Any]) -> list[str]:
    tables = {id_: {"provider": "p", "model": "m", **table} for id_, table in agents.items()}
    config = msgspec.convert({"agents": tables}, Config)
    return [agent.id for agent in await bring_in(store, config, "hookline.toml")]


def test_agents_of_the_config_are_kept_and_marked() -> None:
    """Bringing them in again changes nothing."""

    async def work() -> None:
        store = MemoryStore()
        assert await brought(store, helper={"name": "Helper"}) == ["helper"]
        first = await store.agents.get("helper")
        await brought(store, helper={"name": "Helper"})

        assert first is not None
        assert (first.name, first.version, first.managed_by) == ("Helper", 1, "config")
        assert first == await store.agents.get("helper")

    run(work)


def test_everybody_may_call_them_unless_the_config_says_otherwise() -> None:
    """``public = false`` takes back what the config gave."""

    async def work() -> None:
        store = MemoryStore()
        await brought(store, helper={})
        [grant] = await store.grants.of_resource(CALLING)
        assert (grant.grantee, grant.bits, grant.role) == (PUBLIC, Bits.VIEW, "remoteAgent_viewer")

        await brought(store, helper={"public": False})
        assert list(await store.grants.of_resource(CALLING)) == []

    run(work)


@pytest.mark.parametrize("public", [True, False])
def test_a_grant_of_somebody_else_is_left_alone(*, public: bool) -> None:
    """Whatever the config says."""

    async def work() -> None:
        store = MemoryStore()
        theirs = Grant(grantee=PUBLIC, resource=CALLING, bits=Bits.ALL, granted_by="ann")
        await store.grants.apply([theirs])
        await brought(store, helper={"public": public})

        kept = await store.grants.get(grant_id(PUBLIC, CALLING))
        assert kept is not None
        assert (kept.granted_by, kept.bits) == ("ann", Bits.ALL)

    run(work)


def test_edges_lead_to_agents_of_the_config_or_the_store() -> None:
    """In any order; one that leads nowhere names the file and the key."""

    async def work() -> None:
        store = MemoryStore()
        await store.agents.put(attrs.evolve(HELPER, id="kept"))
        edges = [{"from": "helper", "to": ["later", "kept"]}]
        await brought(store, helper={"edges": edges}, later={})
        helper = await store.agents.get("helper")
        assert helper is not None
        assert helper.edges[0].to == ("later", "kept")

        where = r"^hookline.toml: agents.helper.edges\[0\].to: there is no agent nobody"
        with pytest.raises(ConfigError, match=where):
            await brought(store, helper={"edges": [{"from": "helper", "to": "nobody"}]})
        where = r"^hookline.toml: agents.helper.edges\[0\].condition is no condition"
        edge = {"from": "helper", "to": "helper", "condition": "x"}
        with pytest.raises(ConfigError, match=where):
            await brought(store, helper={"edges": [edge]})
        where = "^hookline.toml: agents.helper.subagents: there is no agent nobody"
        with pytest.raises(ConfigError, match=where):
            await brought(store, helper={"subagents": ["nobody"]})

    run(work)
