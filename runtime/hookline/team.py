"""The team of a run: the agents that may have their turn, and the ways between them. Seed 13.4."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import attrs

from hookline.agents import Agent, Edge
from hookline.branches import Branch, Member
from hookline.calls import Call
from hookline.conditions import holds
from hookline.handoffs import Handoff, Handoffs, handoff
from hookline.permissions import Principal
from hookline.tools import ToolSpec
from hookline.wire.chat import AssistantMessage

RESULTS = "{results}"
"""What stands in a prompt for what has been said so far."""


@attrs.frozen(kw_only=True, eq=False)
class Team:
    """The agents of a run; often there is one.

    Args:
        first: the id of the agent that the request names.
        members: the agents, by id.
        speaker: the id of the one that goes on, if the caller has run tools for it.
        edges: the ways between them, every end of which is a member.
        principal: for whom they work.
        metadata: of the request.
    """

    first: str
    members: Mapping[str, Member]
    edges: Sequence[Edge] = ()
    speaker: str | None = None
    principal: Principal
    metadata: Mapping[str, str] = attrs.field(factory=dict)

    @property
    def agent(self) -> Agent:
        """The agent that the request names."""
        return self.members[self.first].agent

    @property
    def solo(self) -> bool:
        """Whether nobody can take over."""
        return not self.edges

    @cached_property
    def starts(self) -> Sequence[Member]:
        """Who begins: who goes on; or the agent that is named, and those that no way leads to."""
        if self.speaker is not None:
            return [self.members[self.speaker]]
        led_to = {target for edge in self.edges for target in edge.to}
        others = [id_ for id_ in self.members if id_ not in led_to and id_ != self.first]
        return [self.members[id_] for id_ in (self.first, *others)]

    @cached_property
    def _handoffs(self) -> Mapping[str, Handoffs]:
        ways: dict[str, dict[str, Handoff]] = {id_: {} for id_ in self.members}
        for edge in self.edges:
            if edge.edge_type != "handoff":
                continue
            for source in edge.from_:
                for target in edge.to:
                    way = handoff(edge, self.members[target].agent)
                    ways[source].setdefault(way.spec.name, way)
        return ways

    @cached_property
    def direct(self) -> Sequence[Edge]:
        """The ways that are gone without being asked for."""
        return [edge for edge in self.edges if edge.edge_type == "direct"]

    def offers(self, branch: Branch) -> Sequence[str]:
        """The names of the tools with which the model of a branch may hand over in this turn."""
        ways = self._handoffs[branch.member.agent.id] if self.edges else {}
        return [name for name, way in ways.items() if self.open(way.edge, branch)]

    def handoffs(self, branch: Branch) -> Handoffs:
        """The ways that the model of a branch was offered in its last turn."""
        if not branch.offered:
            return {}
        ways = self._handoffs[branch.member.agent.id]
        return {name: ways[name] for name in branch.offered if name in ways}

    def handoff_specs(self, branch: Branch) -> Sequence[ToolSpec]:
        """The tools for them."""
        return [way.spec for way in self.handoffs(branch).values()]

    def handoff_names(self, agent: str) -> frozenset[str]:
        """The names of the tools with which an agent hands over, open or not."""
        return frozenset(self._handoffs[agent])

    def foreign_handoffs(self, agent: str) -> frozenset[str]:
        """The names of the tools with which others hand over; there are calls in a history."""
        others = frozenset(name for ways in self._handoffs.values() for name in ways)
        return others - self.handoff_names(agent)

    def leads_on(self, agent: str) -> bool:
        """Whether anybody may have their turn after this agent."""
        return any(agent in edge.from_ for edge in self.edges)

    def open(self, edge: Edge, branch: Branch) -> bool:
        """Whether the condition of an edge holds, as far as a branch has come."""
        return not edge.condition or holds(edge.condition, self._names(branch))

    def _names(self, branch: Branch) -> Mapping[str, Any]:
        called = [
            call.function.name
            for message in branch.produced
            if isinstance(message, AssistantMessage)
            for call in message.tool_calls or ()
        ]
        return {
            "output": branch.words,
            "tools": called,
            "agent": branch.member.agent.id,
            "agents": list(branch.before),
            "turns": branch.steps,
            "user": self.principal.user,
            "metadata": dict(self.metadata),
        }


class Joins:
    """Which direct edges can be gone: those whose agents have all ended.

    Args:
        edges: the direct ones.
        ended: how often each of their agents has ended since the edge was gone last.
    """

    def __init__(self, edges: Sequence[Edge], ended: Sequence[Mapping[str, int]] = ()):
        self._edges = edges
        self.ended = [Counter[str](one) for one in ended] or [Counter[str]() for _ in edges]

    def end(self, agent: str) -> list[Edge]:
        """An agent has ended; the edges that this completes."""
        complete = []
        for edge, ended in zip(self._edges, self.ended, strict=True):
            if agent not in edge.from_:
                continue
            ended[agent] += 1
            if all(ended[source] for source in edge.from_):
                ended.clear()
                complete.append(edge)
        return complete


def transfers(calls: Sequence[Call], ways: Handoffs) -> list[tuple[Call, Handoff]]:
    """The calls that hand over, with where they lead."""
    return [(call, ways[call.name]) for call in calls if call.name in ways]
