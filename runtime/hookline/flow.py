"""The flow of a run: who has their turn after whom, and what they are given to read. Seed 13.4."""

from collections.abc import Sequence

import attrs

from hookline.agents import Agent, Edge
from hookline.airtime import Airtime, Channel
from hookline.branches import Branch, Member, Turn
from hookline.effects import Status
from hookline.events import AgentSwitched, ToolCallFinished
from hookline.handoffs import (
    Handoff,
    answer,
    introduction,
    taken_over,
    without_transfers,
)
from hookline.run_context import RunContext
from hookline.team import RESULTS, Joins, transfers
from hookline.wire.chat import AssistantMessage, Message, ToolMessage, UserMessage

GO_ON = "Go on with the conversation."
"""What an agent is told that takes over without instructions after another one has spoken."""

CALLER_FIRST = "Not transferred: the other tools of this turn have to answer first. Call it again."
"""What a model reads that hands over while the caller has tools to run."""


class RecursionLimitReached(Exception):
    """An agent took as many steps as it may."""


def begin(context: RunContext) -> None:
    """Open the branches that a run begins with."""
    team = context.team
    if not team.solo:
        context.airtime = Airtime(context.log.append)
        context.joins = Joins(team.direct)
    alone = len(team.starts) == 1
    for member in team.starts:
        known = context.conversation
        if team.speaker is not None:
            known = without_transfers(known, team.foreign_handoffs(member.agent.id))
        _open(context, member, member.preface, known, alone=alone)


def step(context: RunContext, branch: Branch) -> None:
    """Count a turn of the model or of its tools.

    Raises:
        RecursionLimitReached: the agent may have no more; what was said so far can be heard.
    """
    if branch.steps >= branch.member.limit:
        if context.airtime is not None:
            context.airtime.close()
        raise RecursionLimitReached
    branch.steps += 1


def hand_over(context: RunContext, branch: Branch) -> list[Branch]:
    """The branches of those to whom the last turn of this one hands over, if it does."""
    if context.team.solo or branch.turn is None:
        return []
    ways = transfers(branch.turn.server_calls, context.team.handoffs(branch))
    if not ways:
        return []
    _end(context, branch, muted=True)
    targets = {way.target: (way, way.told(call)) for call, way in ways}
    opened = []
    for way, told in targets.values():
        siblings = [context.team.members[id_].agent for id_ in targets if id_ != way.target]
        opened.append(_take_over(context, branch, way, told, siblings))
    return opened


def go_on(context: RunContext, branch: Branch) -> list[Branch]:
    """A branch has ended; the branches that follow on direct edges, if any do."""
    if context.team.solo:
        branch.ended = branch.final = True
        return []
    if branch.turn is not None and (branch.turn.caller_calls or branch.turn.stop_reason):
        _end(context, branch, muted=False)
        return []
    agent = branch.member.agent.id
    onward = any(
        agent in edge.from_ and context.team.open(edge, branch) for edge in context.team.direct
    )
    _end(context, branch, muted=onward)
    complete = [edge for edge in context.joins.end(agent) if context.team.open(edge, branch)]
    targets: dict[str, Edge] = {}
    for edge in complete:
        for target in edge.to:
            targets.setdefault(target, edge)
    alone = len(targets) == 1 and all(other.ended for other in context.branches)
    return [
        _follow(context, edge, context.team.members[target], alone=alone)
        for target, edge in targets.items()
    ]


def answer_transfers(context: RunContext, branch: Branch) -> None:
    """Answer the calls that hand over: that they do, or that the caller comes first."""
    turn = branch.turn
    if turn is None or context.team.solo:
        return
    for call, way in transfers(turn.server_calls, context.team.handoffs(branch)):
        text = answer(way, context.team.members[way.target].agent, way.told(call))
        if turn.caller_calls:
            text = CALLER_FIRST
        branch.add(ToolMessage(call.id, text))
        status: Status = "error" if turn.caller_calls else "success"
        branch.channel.append(ToolCallFinished(call.index, call.public_id, call.name, status, text))


def results(branches: Sequence[Branch]) -> str:
    """What agents have said so far, each under its name."""
    said = [
        f"{branch.member.agent.name or branch.member.agent.id}:\n{branch.words}"
        for branch in branches
        if branch.words
    ]
    return "\n\n".join(said)


def last_words(context: RunContext) -> str:
    """What those said in the end after whom nobody went on."""
    ends = [branch for branch in context.branches if branch.final] or context.branches[-1:]
    return "\n\n".join(filter(None, (branch.words for branch in ends)))


def last_turn(context: RunContext) -> Turn:
    """What a run that has ended came to: the turns of those after whom nobody went on."""
    ends = [b.turn for b in context.branches if b.turn is not None and b.final]
    ends = ends or [b.turn for b in context.branches if b.turn is not None][-1:]
    if not ends:
        message = "a run ends after a model had its turn"
        raise RuntimeError(message)
    calls = [call for turn in ends for call in turn.caller_calls]
    reasons = [turn.finish_reason for turn in ends]
    for reason in ("content_filter", "length"):
        if reason in reasons and not calls:
            turn = ends[reasons.index(reason)]
            return attrs.evolve(turn, server_calls=())
    return attrs.evolve(
        ends[-1],
        finish_reason="tool_calls" if calls else "stop",
        caller_calls=calls,
        server_calls=(),
    )


def _take_over(
    context: RunContext, source: Branch, way: Handoff, told: str, siblings: Sequence[Agent]
) -> Branch:
    """The branch of an agent to whom another one hands over."""
    member = context.team.members[way.target]
    names = context.team.handoff_names(source.member.agent.id)
    known = without_transfers(source.messages[source.preface : source.read], names)
    since = without_transfers(source.messages[source.read :], names)
    preface = taken_over(member.preface, introduction(source.member.agent, siblings))
    if told or isinstance([*known, *since][-1], AssistantMessage):
        since.append(UserMessage(told or GO_ON))
    alone = not siblings and all(other.ended for other in context.branches)
    branch = _open(context, member, preface, known, since, alone=alone)
    branch.channel.append(AgentSwitched(source.member.agent.id, member.agent.id))
    return branch


def _follow(context: RunContext, edge: Edge, member: Member, *, alone: bool) -> Branch:
    """The branch of an agent that a direct edge leads to."""
    exclude = edge.exclude_results
    if exclude is None:
        exclude = RESULTS in edge.prompt
    said = results(context.branches)
    texts = ["" if exclude else said, edge.prompt.replace(RESULTS, said)]
    text = "\n\n".join(filter(None, texts))
    since = [UserMessage(text)] if text else []
    branch = _open(context, member, member.preface, context.conversation, since, alone=alone)
    branch.channel.append(AgentSwitched(edge.from_[0], member.agent.id))
    return branch


def _open(
    context: RunContext,
    member: Member,
    preface: Sequence[Message],
    known: Sequence[Message],
    since: Sequence[Message] = (),
    *,
    alone: bool,
) -> Branch:
    """A new branch, which reads what the caller knows and what has been said since.

    An agent that has its turn again goes on counting its steps.
    """
    agent = member.agent.id
    before = [branch for branch in context.branches if branch.member.agent.id == agent]
    channel = context.log
    if context.airtime is not None:
        held = context.team.agent.hide_sequential_outputs and context.team.leads_on(agent)
        channel = context.airtime.open(held=held)
    branch = Branch(
        id=len(context.branches),
        member=member,
        messages=[*preface, *known, *since],
        preface=len(preface),
        read=len(preface) + len(known),
        channel=channel,
        alone=alone,
        steps=max((branch.steps for branch in before), default=0),
        before=tuple(other.member.agent.id for other in context.branches),
    )
    context.branches.append(branch)
    return branch


def _end(context: RunContext, branch: Branch, *, muted: bool) -> None:
    branch.ended = True
    branch.final = not muted
    if context.airtime is not None and isinstance(branch.channel, Channel):
        context.airtime.end(branch.channel, muted=muted)
