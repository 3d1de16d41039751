"""Assembly: from an agent to the team of a run, with everything that each of them needs."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import attrs
import structlog

from hookline import attached
from hookline.access import Access
from hookline.agents import Agent, Edge
from hookline.branches import Member, Voice
from hookline.config import Config
from hookline.effects import EffectIds, Effects
from hookline.errors import AccessDenied, AgentNotFound, ProviderForbidden
from hookline.moments import now
from hookline.parameters import NOT_SENT, TOKEN_LIMITS, merge
from hookline.permissions import Principal
from hookline.policy import check_provider
from hookline.registry import Registry
from hookline.subagents import Ask, SubAgent
from hookline.summaries import LONGEST
from hookline.team import Team
from hookline.tool_calls import ToolLimits
from hookline.toolbox import Toolbox, open_toolbox
from hookline.variables import fill, zone_of
from hookline.wire.chat import ChatCompletionRequest, SystemMessage

log = structlog.get_logger("hookline.runs")


@attrs.frozen(kw_only=True)
class Order:
    """What a team is put together for.

    Args:
        principal: for whom it works.
        request: what the caller asked; ``None`` for an agent that another one asks.
        metadata: of the request.
        ids: of the effects of its tools.
        ask: has an agent that is called as a tool work; ``None`` where that goes no deeper.
        speaker: who goes on, if the caller has run tools for an agent of the team.
        versions: of agents, by id, where it shall not be the current one.
    """

    principal: Principal
    request: ChatCompletionRequest | None
    metadata: Mapping[str, str]
    ids: EffectIds
    ask: Callable[[Agent], Ask] | None
    speaker: str | None = None
    versions: Mapping[str, int] = attrs.field(factory=dict)


class Assembly:
    """Puts teams together.

    Args:
        registry: the parts of the server.
        access: who may call which agent.
        clock: this moment, in UTC.
    """

    def __init__(self, registry: Registry, access: Access, clock: Callable[[], datetime] = now):
        config = registry.config
        self._registry = registry
        self._access = access
        self._clock = clock
        self._config: Config = config
        self._effects = Effects(registry.store.records, config.runs.effects_kept, clock)
        self._limits = ToolLimits(
            deadline=config.runs.tool_deadline,
            result=config.runs.tool_result_limit,
            concurrency=config.runs.tool_concurrency,
        )

    async def team(self, agent: Agent, order: Order) -> Team:
        """The team of an agent: itself, and those that it may hand over to.

        Agents that the caller may not use, that are gone or whose provider is not allowed are left
        out with the edges to them, and named in the log.

        Raises:
            InvalidRequest: a parameter cannot be honoured.
            ToolUnavailable, ProviderBroken, AccessDenied: what an agent needs is not there.
        """
        agents, edges = {agent.id: agent}, tuple[Edge, ...]()
        if agent.edges:
            agents, edges = await self._discover(agent, order)
        members = {id_: await self._member(one, agent, order) for id_, one in agents.items()}
        return Team(
            first=agent.id,
            speaker=order.speaker if order.speaker in members else None,
            members=members,
            edges=edges,
            principal=order.principal,
            metadata=order.metadata,
        )

    async def _discover(
        self, first: Agent, order: Order
    ) -> tuple[dict[str, Agent], tuple[Edge, ...]]:
        """The agents that edges lead to, breadth first, and the edges that are left."""
        agents = {first.id: first}
        dropped: dict[str, str] = {}
        edges: list[Edge] = []
        queue = deque([first])
        while queue:
            agent = queue.popleft()
            edges += agent.edges
            for edge in agent.edges:
                for id_ in (*edge.from_, *edge.to):
                    if id_ in agents or id_ in dropped:
                        continue
                    if order.versions and id_ not in order.versions:
                        dropped[id_] = "the run began without it"
                        continue
                    found = await self._reach(id_, order, len(agents))
                    if isinstance(found, str):
                        dropped[id_] = found
                        continue
                    agents[id_] = found
                    queue.append(found)
        if dropped:
            log.warning("team.left_out", agent=first.id, agents=dropped)
        kept = _distinct(_cut(edge, agents) for edge in edges)
        reached = _reached(first.id, kept)
        edges_left = tuple(edge for edge in kept if reached.issuperset((*edge.from_, *edge.to)))
        return {id_: one for id_, one in agents.items() if id_ in reached}, edges_left

    async def _reach(self, id_: str, order: Order, count: int) -> Agent | str:
        """Another agent, or why it cannot take part."""
        if count >= self._config.runs.agents:
            return f"[runs] agents allows {self._config.runs.agents} agents in one run"
        try:
            version = order.versions.get(id_)
            model = id_ if version is None else f"{id_}@{version}"
            agent = await self._access.find_agent(order.principal, model)
            check_provider(self._config.policy, agent)
        except AgentNotFound:
            return "there is no such agent"
        except (AccessDenied, ProviderForbidden) as error:
            return str(error)
        if agent.provider not in self._registry.providers:
            return f"its provider {agent.provider} is not configured"
        return agent

    async def _member(self, agent: Agent, first: Agent, order: Order) -> Member:
        check_provider(self._config.policy, agent)
        request = order.request if agent.id == first.id else None
        toolbox = await open_toolbox(
            self._registry.tool_loaders,
            agent,
            order.principal,
            limits=self._limits,
            own=await self._subagents(agent, order),
            effects=self._effects,
            ids=order.ids,
        )
        return Member(
            agent=agent,
            voices=self._voices(agent, request),
            toolbox=toolbox,
            preface=await self._preface(agent, toolbox, order),
            limit=min(agent.recursion_limit, self._config.runs.recursion_limit),
            summary=self._summary(agent),
        )

    async def _subagents(self, agent: Agent, order: Order) -> Sequence[SubAgent]:
        """The agents that this one may call as tools."""
        if order.ask is None:
            return ()
        tools = []
        for id_ in agent.subagents:
            found = await self._reach(id_, order, 0)
            if isinstance(found, str):
                log.warning("team.left_out", agent=agent.id, agents={id_: found})
                continue
            tools.append(SubAgent(found, order.ask(found)))
        return tools

    async def _preface(
        self, agent: Agent, toolbox: Toolbox, order: Order
    ) -> Sequence[SystemMessage]:
        """What the model reads first, in the order of the seed's 8.3."""
        zone = zone_of(order.metadata, self._config.runs.time_zone)
        name = order.principal.name or None
        text = fill(agent.instructions, at=self._clock(), zone=zone, user_name=name)
        texts = [*toolbox.notes, text, await attached.context(agent, self._registry.files)]
        whole = "\n\n".join(filter(None, texts))
        return [SystemMessage(whole)] if whole else []

    def _voices(self, agent: Agent, request: ChatCompletionRequest | None) -> Sequence[Voice]:
        voices = [self._voice(agent, request)]
        for choice in agent.fallbacks:
            other = attrs.evolve(agent, provider=choice.provider, model=choice.model)
            honoured = self._registry.provider(other).part.parameters
            parameters = dict(voices[0].parameters)
            ignored = sorted(parameters.keys() - honoured)
            if ignored:
                log.warning(
                    "provider.parameters_left_out",
                    agent=agent.id,
                    provider=choice.provider,
                    parameters=ignored,
                )
            kept = {name: parameters[name] for name in parameters if name in honoured}
            voices.append(self._spoken(other, kept))
        return voices

    def _summary(self, agent: Agent) -> Voice | None:
        """The model that sums up, limited as far as its provider can be."""
        if agent.summary is None:
            return None
        other = attrs.evolve(agent, provider=agent.summary.provider, model=agent.summary.model)
        honoured = self._registry.provider(other).part.parameters
        limit = next((name for name in sorted(TOKEN_LIMITS) if name in honoured), None)
        return self._spoken(other, {} if limit is None else {limit: LONGEST})

    def _voice(self, agent: Agent, request: ChatCompletionRequest | None) -> Voice:
        honoured = self._registry.provider(agent).part.parameters
        if request is not None:
            return self._spoken(agent, merge(agent, request, honoured))
        own = {k: v for k, v in agent.model_parameters.items() if k not in NOT_SENT}
        return self._spoken(agent, own)

    def _spoken(self, agent: Agent, parameters: Mapping[str, Any]) -> Voice:
        limits = [parameters[name] for name in TOKEN_LIMITS if parameters.get(name)]
        return Voice(
            name=agent.provider,
            provider=self._registry.provider(agent),
            model=agent.model,
            parameters=parameters,
            expected_output=min(limits, default=self._config.usage.default_output),
            limited=bool(limits),
        )


def _cut(edge: Edge, agents: Mapping[str, Agent]) -> Edge:
    """The edge without the agents that are left out."""
    return attrs.evolve(
        edge,
        from_=[id_ for id_ in edge.from_ if id_ in agents],
        to=[id_ for id_ in edge.to if id_ in agents],
    )


def _distinct(edges: Any) -> list[Edge]:
    """Edges that lead somewhere, each way once. Source: seed 13.4, edges by their key."""
    ways: dict[tuple[object, ...], Edge] = {}
    for edge in edges:
        if edge.from_ and edge.to:
            key = (frozenset(edge.from_), frozenset(edge.to), edge.edge_type, edge.condition)
            ways.setdefault(key, edge)
    return list(ways.values())


def _reached(first: str, edges: Sequence[Edge]) -> set[str]:
    """Who can have their turn: those that ways from those who begin lead to."""
    led_to = {target for edge in edges for target in edge.to}
    reached = {first} | {source for edge in edges for source in edge.from_ if source not in led_to}
    while True:
        further = {t for edge in edges if reached & set(edge.from_) for t in edge.to} - reached
        if not further:
            return reached
        reached |= further
