"""What the config file manages in the store: its agents, and who may call them."""

from collections.abc import Sequence

from hookline.administration.agents import check_team
from hookline.agents import Agent
from hookline.config import CONFIG, Config, agents_of
from hookline.errors import ConfigError, InvalidRequest
from hookline.grants import PUBLIC, Bits, Grant, Resource, grant_id
from hookline.store import Store


async def bring_in(store: Store, config: Config, source: str) -> Sequence[Agent]:
    """Keep the agents of the config, each with or without a grant for everybody.

    A grant for everybody that somebody else gave is left alone.

    Raises:
        ConfigError: an agent names one that does not exist, or a condition is none.
    """
    wanted = agents_of(config)
    for agent in wanted:
        try:
            await check_team(store, agent, config.agents)
        except InvalidRequest as error:
            message = f"{source}: agents.{agent.id}.{error}"
            raise ConfigError(message) from error
    agents = [await store.agents.put(agent) for agent in wanted]
    put, remove = list[Grant](), list[str]()
    for agent in agents:
        resource, public = Resource("remoteAgent", agent.id), config.agents[agent.id].public
        current = await store.grants.get(grant_id(PUBLIC, resource))
        if current is None and public:
            put.append(_public(resource))
        if current is not None and current.granted_by == CONFIG and not public:
            remove.append(current.id)
    if put or remove:
        await store.grants.apply(put, remove)
    return agents


def _public(resource: Resource) -> Grant:
    role = f"{resource.kind}_viewer"
    return Grant(grantee=PUBLIC, resource=resource, bits=Bits.VIEW, role=role, granted_by=CONFIG)
