"""Who is calling, and which agents they may call: what the permission backends say."""

from collections.abc import Sequence

import structlog

from hookline.agents import Agent
from hookline.directory import Directory
from hookline.errors import (
    AccessDenied,
    AgentNotFound,
    HooklineError,
    NotPermitted,
    PartUnavailable,
    StoreUnavailable,
    Unauthenticated,
)
from hookline.grants import OF_AGENTS, ResourceKind
from hookline.parts import Part
from hookline.permissions import (
    NOTHING,
    Credentials,
    Forgetful,
    Permission,
    PermissionBackend,
    Principal,
    ResourceFilter,
)
from hookline.roles import Feature

log = structlog.get_logger("hookline.permissions")
FEW = 100
"""Agents up to this many are looked up one by one, more by going through all."""


class Access:
    """Asks the permission backends, and fails closed.

    Args:
        backends: in the order of their plugins.
        agents: those that could be called.
        hide_forbidden: whether an agent that the caller may not call is said not to exist.
    """

    def __init__(
        self,
        backends: Sequence[Part[PermissionBackend]],
        agents: Directory,
        *,
        hide_forbidden: bool = False,
    ):
        self._backends = backends
        self._agents = agents
        self._hide_forbidden = hide_forbidden

    async def authenticate(self, credentials: Credentials) -> Principal:
        """Who shows these credentials: the first permission backend that knows them says.

        Raises:
            Unauthenticated: nobody knows them, or whoever does refuses them.
            PartUnavailable, StoreUnavailable: a backend failed.
        """
        for part in self._backends:
            try:
                async with part.call("authenticate") as backend:
                    principal = await backend.authenticate(credentials)
            except Unauthenticated:
                raise
            except Exception as error:
                raise _closed(part.name, error) from error
            if principal is not None:
                return principal
        message = "Invalid API key"
        raise Unauthenticated(message)

    async def allowed(
        self,
        principal: Principal,
        permission: Permission = "view",
        kind: ResourceKind = "remoteAgent",
    ) -> ResourceFilter:
        """Which resources the principal may use in this way; unless named, agents it may call.

        It is what any backend allows, within what the credentials are limited to.

        Raises:
            PartUnavailable, StoreUnavailable: a backend failed.
        """
        answer = NOTHING
        for part in self._backends:
            try:
                async with part.call("allowed") as backend:
                    answer |= await backend.allowed(principal, permission, kind)
            except Exception as error:
                raise _closed(part.name, error) from error
        if principal.agents is None or kind not in OF_AGENTS:
            return answer
        return answer & ResourceFilter(principal.agents)

    async def list_agents(self, principal: Principal) -> Sequence[Agent]:
        """The agents that the principal may call, by id."""
        allowed = await self.allowed(principal)
        if allowed.ids is None or len(allowed.ids) > FEW:
            return [agent for agent in await self._agents.list() if agent.id in allowed]
        found = [await self._agents.get(id_) for id_ in sorted(allowed.ids)]
        return [agent for agent in found if agent is not None]

    async def find_agent(self, principal: Principal, model: str) -> Agent:
        """The agent that a request names, if the principal may call it.

        Args:
            principal: who calls.
            model: the id of an agent, or ``id@version`` for one version of it.

        Raises:
            AgentNotFound: there is none.
            AccessDenied: there is one, for others.
        """
        id_, version = pinned(model)
        found = await self._agents.get(id_)
        if found is None:
            raise AgentNotFound(model)
        if id_ not in await self.allowed(principal):
            raise AgentNotFound(model) if self._hide_forbidden else AccessDenied(model)
        if version is None or version == found.version:
            return found
        found = await self._agents.get_version(id_, version)
        if found is None:
            raise AgentNotFound(model)
        return found

    def forget(self) -> None:
        """Permissions changed in this process: nothing that was remembered of them holds."""
        for part in self._backends:
            if isinstance(part.part, Forgetful):
                part.part.forget()


def check_feature(principal: Principal, feature: Feature) -> None:
    """Let those pass whose role has a feature. Source: seed 5.4.

    Raises:
        NotPermitted: it has not.
    """
    if feature not in principal.features:
        message = (
            f"the role {principal.role} does not have the permission {feature}; "
            f"an administrator gives it with: hookline roles allow {principal.role} {feature}"
        )
        raise NotPermitted(message)


def check_writable(principal: Principal) -> None:
    """Let those pass whose credentials may do more than list and read.

    Raises:
        NotPermitted: they may not.
    """
    if principal.read_only:
        message = "this API key is read-only: it lists and reads; use another key for this"
        raise NotPermitted(message)


def pinned(model: str) -> tuple[str, int | None]:
    """The id of the agent, and the version that is asked for; ``None`` for the current one.

    ``helper@3`` asks for version 3 of ``helper``. What is no version leaves an id that nobody has.
    """
    id_, at, version = model.rpartition("@")
    if not at:
        return model, None
    digits = version.isascii() and version.isdecimal() and len(version) <= 9
    plain = digits and not version.startswith("0")
    return (id_, int(version)) if plain else (model, None)


def _closed(part: str, error: Exception) -> HooklineError:
    if isinstance(error, StoreUnavailable):
        return error
    log.error("permission.failed", part=part, error=repr(error))
    return PartUnavailable("permissions cannot be checked now; try again later")
