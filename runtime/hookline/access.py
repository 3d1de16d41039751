"""Who is calling, and which agents they may call: what the permission backends say."""

from collections.abc import Sequence

import structlog

from hookline.agents import Agent
from hookline.directory import Directory
from hookline.errors import (
    AccessDenied,
    AgentNotFound,
    HooklineError,
    PartUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from hookline.parts import Part
from hookline.permissions import (
    NOTHING,
    Credentials,
    PermissionBackend,
    Principal,
    ResourceFilter,
)

log = structlog.get_logger("hookline.permissions")


class Access:
    """Asks the permission backends, and fails closed.

    Args:
        backends: in the order of their plugins.
        agents: those that could be called.
    """

    def __init__(self, backends: Sequence[Part[PermissionBackend]], agents: Directory):
        self._backends = backends
        self._agents = agents

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who shows these credentials: the first permission backend that knows them says.

        Raises:
            Unauthenticated: nobody knows them.
            PartUnavailable, StoreUnavailable: a backend failed.
        """
        for part in self._backends:
            try:
                async with part.call("authenticate") as backend:
                    principal = await backend.authenticate(credentials)
            except Exception as error:
                raise _closed(part.name, error) from error
            if principal is not None:
                return principal
        message = "Invalid API key"
        raise Unauthenticated(message)

    async def allowed(self, principal: Principal) -> ResourceFilter:
        """Which agents the principal may call: what any backend allows.

        Raises:
            PartUnavailable, StoreUnavailable: a backend failed.
        """
        answer = NOTHING
        for part in self._backends:
            try:
                async with part.call("allowed") as backend:
                    answer |= await backend.allowed(principal, "view", "agent")
            except Exception as error:
                raise _closed(part.name, error) from error
        return answer

    async def list_agents(self, principal: Principal) -> Sequence[Agent]:
        """The agents that the principal may call, by id."""
        allowed = await self.allowed(principal)
        return [agent for agent in await self._agents.list() if agent.id in allowed]

    async def find_agent(self, principal: Principal, agent: str) -> Agent:
        """The agent with this id, if the principal may call it.

        Raises:
            AgentNotFound: there is none.
            AccessDenied: there is one, for others.
        """
        found = await self._agents.get(agent)
        if found is None:
            raise AgentNotFound(agent)
        if agent not in await self.allowed(principal):
            raise AccessDenied(agent)
        return found


def _closed(part: str, error: Exception) -> HooklineError:
    if isinstance(error, StoreUnavailable):
        return error
    log.error("permission.failed", part=part, error=repr(error))
    return PartUnavailable("permissions cannot be checked now; try again later")
