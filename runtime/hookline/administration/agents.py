"""Changing agents: versions, teams that can work together, and their authors' grants."""

from collections.abc import Collection, Iterator

import attrs

from hookline.administration.actor import Actor, Change, Recorder
from hookline.administration.resources import check_files
from hookline.administration.tries import persist
from hookline.agents import Agent
from hookline.conditions import check_condition
from hookline.config import PolicyConfig
from hookline.documents import check_version
from hookline.errors import InvalidRequest, NotFound, VersionConflict
from hookline.grants import owner_grants
from hookline.policy import check_provider
from hookline.store import Store


class AgentAdministration:
    """Changes agents.

    Args:
        store: where they are.
        recorder: where changes are written down.
        policy: what no agent may do.
    """

    def __init__(self, store: Store, recorder: Recorder, policy: PolicyConfig):
        self._store = store
        self._recorder = recorder
        self._policy = policy

    async def create(
        self, actor: Actor, agent: Agent, *, together_with: Collection[str] = ()
    ) -> Agent:
        """Keep a new agent; its author gets all bits on it in the same step.

        The author is the actor, or, if that is no user of the server, whom the agent names; it may
        have none.

        Args:
            actor: who creates it.
            agent: as it shall be.
            together_with: ids of agents that are about to be created, which it may name.

        Raises:
            ProviderForbidden: a provider of the agent is not allowed.
            VersionConflict: an agent has this id.
            InvalidRequest: it names an agent that does not exist, or a file that the actor may
                not read; a condition is none; or it is too large.
        """
        check_provider(self._policy, agent)
        await check_team(self._store, agent, together_with)
        await check_files(self._store, actor, agent, None)
        at = self._recorder.clock()
        author = actor.user if actor.known else agent.author
        made = attrs.evolve(
            agent, author=author, updated_by=actor.user, created_at=at, updated_at=at
        )
        grants = [] if author is None else owner_grants(author, agent.id, at=at)
        kept = await self._store.agents.put(made, expected=0, grants=grants)
        await self._recorder.record(
            actor,
            [
                Change("agent", kept.id, None, kept, f"version {kept.version}"),
                *(Change("grant", grant.id, None, grant, _of(kept.id)) for grant in grants),
            ],
        )
        return kept

    async def replace(
        self,
        actor: Actor,
        agent: Agent,
        *,
        expected: int | None = None,
        together_with: Collection[str] = (),
    ) -> Agent:
        """Put an agent in the place of the one with its id, which keeps its author.

        Args:
            actor: who changes it.
            agent: as it shall be.
            expected: the version that is replaced; ``None`` for whatever is there.
            together_with: ids of agents that are about to be created, which it may name.

        Raises:
            NotFound: there is none.
            ProviderForbidden: a provider of the agent is not allowed.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: the config manages it; it names an agent that does not exist, or a
                file that the actor may not read; a condition is none; or it is too large.
        """
        check_provider(self._policy, agent)
        await check_team(self._store, agent, together_with)

        async def attempt() -> Agent:
            current = await self.find(agent.id)
            refuse_managed(current)
            check_version(agent.id, current, expected)
            await check_files(self._store, actor, agent, current)
            changed = attrs.evolve(
                agent, author=current.author, managed_by=current.managed_by, updated_by=actor.user
            )
            kept = await self._store.agents.put(changed, expected=current.version)
            if kept.version != current.version:
                detail = f"version {kept.version}"
                change = Change("agent", kept.id, current, kept, detail)
                await self._recorder.record(actor, [change])
            return kept

        return await attempt() if expected is not None else await persist(attempt)

    async def revert(
        self, actor: Actor, agent: str, version: int, *, expected: int | None = None
    ) -> Agent:
        """Make a new version that is like an earlier one.

        Raises:
            NotFound: there is no such agent or version.
            ProviderForbidden: a provider of that version is not allowed now.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: the config manages it, or that version names an agent that is gone.
        """
        earlier = await self.find_version(agent, version)
        return await self.replace(actor, earlier, expected=expected)

    async def delete(self, actor: Actor, agent: str, *, expected: int | None = None) -> None:
        """Remove an agent, the grants on it, and what other agents say of it. Seed 6.5.

        Raises:
            NotFound: there is none.
            VersionConflict: another version than ``expected`` is there.
            InvalidRequest: the config manages it.
        """
        current = await self.find(agent)
        refuse_managed(current)
        if not await self._store.agents.delete(agent, expected=expected):
            message = f"there is no agent {agent}"
            raise NotFound(message)
        changes = [Change("agent", agent, current, None), *await self._cut_out(agent)]
        await self._recorder.record(actor, changes)

    async def _cut_out(self, gone: str) -> list[Change]:
        """Take an agent that was deleted out of those that stay."""
        changes, after = list[Change](), ""
        while page := await self._store.agents.list(after=after):
            after = page[-1].id
            for agent in page:
                if _names(agent, gone):
                    changes += await self._cut(agent.id, gone)
        return changes

    async def _cut(self, agent: str, gone: str) -> list[Change]:
        """Take it out of one, again if somebody else changed that one meanwhile."""
        while True:
            current = await self._store.agents.get(agent)
            if current is None or not _names(current, gone):
                return []
            try:
                cut = _without(current, gone)
                kept = await self._store.agents.put(cut, expected=current.version)
            except VersionConflict:
                continue
            return [Change("agent", agent, current, kept, f"edges to {gone}, which was deleted")]

    async def find(self, agent: str) -> Agent:
        """The agent with this id.

        Raises:
            NotFound: there is none.
        """
        found = await self._store.agents.get(agent)
        if found is None:
            message = f"there is no agent {agent}"
            raise NotFound(message)
        return found

    async def find_version(self, agent: str, version: int) -> Agent:
        """The agent as it was in this version.

        Raises:
            NotFound: there is no such agent or version.
        """
        found = await self._store.agents.find_version(agent, version)
        if found is None:
            await self.find(agent)
            message = f"the agent {agent} has no version {version}"
            raise NotFound(message)
        return found


async def check_team(store: Store, agent: Agent, together_with: Collection[str] = ()) -> None:
    """Refuse an agent that cannot work together with those that it names.

    Raises:
        InvalidRequest: an edge or ``subagents`` name an agent that does not exist, the agent is
            among its own subagents, or a condition is none; ``param`` names it.
    """
    for number, edge in enumerate(agent.edges):
        if edge.condition:
            check_condition(edge.condition, f"edges[{number}].condition")
    if agent.id in agent.subagents:
        message = "subagents: an agent cannot be among its own"
        raise InvalidRequest(message, param="subagents")
    known = {agent.id, *together_with}
    for param, id_ in _named(agent):
        if id_ in known:
            continue
        if await store.agents.get(id_) is None:
            message = f"{param}: there is no agent {id_}; create it, or do not name it"
            raise InvalidRequest(message, param=param)
        known.add(id_)


def _named(agent: Agent) -> Iterator[tuple[str, str]]:
    """The agents that an agent names, with where it does."""
    for number, edge in enumerate(agent.edges):
        for field, ids in (("from", edge.from_), ("to", edge.to)):
            for id_ in ids:
                yield f"edges[{number}].{field}", id_
    for id_ in agent.subagents:
        yield "subagents", id_


def refuse_managed(agent: Agent) -> None:
    """Refuse to change what the config file decides.

    Raises:
        InvalidRequest: it does.
    """
    if agent.managed_by is not None:
        message = f"the agent {agent.id} is managed by the {agent.managed_by}; change it there"
        raise InvalidRequest(message, reason="managed_by_config")


def _names(agent: Agent, other: str) -> bool:
    return any(id_ == other for _, id_ in _named(agent))


def _without(agent: Agent, gone: str) -> Agent:
    """The agent without what it says of another one."""
    edges = (
        attrs.evolve(
            edge,
            from_=[id_ for id_ in edge.from_ if id_ != gone],
            to=[id_ for id_ in edge.to if id_ != gone],
        )
        for edge in agent.edges
    )
    return attrs.evolve(
        agent,
        edges=[edge for edge in edges if edge.from_ and edge.to],
        subagents=[id_ for id_ in agent.subagents if id_ != gone],
    )


def _of(agent: str) -> str:
    return f"on the agent {agent}, with its creation"
