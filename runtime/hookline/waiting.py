"""Waiting runs: a run that must be approved of is written down, and goes on from there.

What is kept is all that the run was made of: what it has said, what each of its agents reads, where
the loop stopped. So it goes on after a restart, or on another server, with the same log of events.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import count

import msgspec
from msgspec import Struct

from hookline.airtime import Airtime, Channel
from hookline.branches import Appending, Branch, Turn
from hookline.calls import Call, Owner
from hookline.effects import EffectIds
from hookline.errors import InvalidRequest, NotFound
from hookline.events import Event, PendingCall, StopReason
from hookline.graph import Paused
from hookline.records import Record
from hookline.summaries import Digest
from hookline.team import Joins, Team
from hookline.toolbox import Decisions
from hookline.turns import RunContext
from hookline.wire.chat import ChatCompletionRequest, Message, UserMessage
from hookline.wire.completion import FinishReason

COLLECTION = "runs.waiting"


class KeptCall(Struct, frozen=True):
    """A call of a tool."""

    index: int
    owner: Owner
    name: str
    id: str
    public_id: str
    arguments: str


class KeptTurn(Struct, frozen=True):
    """The last turn of a model."""

    finish_reason: FinishReason
    stop_reason: StopReason | None
    server_calls: list[KeptCall]
    caller_calls: list[KeptCall]


class KeptChannel(Struct, frozen=True, kw_only=True):
    """What one branch has said that nobody has heard yet."""

    branch: int
    held: bool
    waiting: list[Event] | None
    base: int
    calls: int
    spoke: bool
    ended: bool
    muted: bool


class KeptBranch(Struct, frozen=True, kw_only=True):
    """One agent at work."""

    agent: str
    messages: list[Message]
    produced: list[Message]
    alone: bool
    call_count: int
    spoke: bool
    steps: int
    step: int
    turn: KeptTurn | None
    before: list[str]
    ended: bool
    final: bool
    digest: tuple[int, UserMessage] | None = None


class KeptAirtime(Struct, frozen=True):
    """The order in which agents are heard."""

    calls: int
    spoke: bool
    channels: list[KeptChannel]


class WaitingRun(Struct, frozen=True, kw_only=True):
    """A run that waits.

    ``calls`` are those that have to be decided on, ``decisions`` what was decided so far.
    ``interrupts`` are the branches that wait, by the id that LangGraph knows them by. ``part``
    counts how often the run has waited, this time included.
    """

    run: str
    user: str
    agent: str
    version: int
    request: ChatCompletionRequest
    conversation: list[Message]
    resources: dict[str, list[str]]
    conversation_id: str | None
    root: str
    seen: dict[str, int]
    turns: dict[str, dict[str, int]]
    found: dict[str, list[str]]
    next_step: int
    part: int
    airtime: KeptAirtime | None
    joins: list[dict[str, int]]
    branches: list[KeptBranch]
    events: list[Event]
    checkpoint: bytes
    interrupts: dict[str, int]
    calls: list[PendingCall]
    decisions: dict[str, str | None]
    first: str
    created: datetime


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WaitingRun).decode


def record_of(waiting: WaitingRun, expires_at: datetime) -> Record:
    """The run as it is kept."""
    return Record(
        collection=COLLECTION,
        id=waiting.run,
        owner=waiting.user,
        data=_encode(waiting),
        expires_at=expires_at,
    )


def waiting_of(record: Record) -> WaitingRun:
    """The run that was kept."""
    return _decode(record.data)


def pending(context: RunContext, paused: Paused) -> list[PendingCall]:
    """The calls that a run waits for."""
    calls = []
    for number in sorted(paused.branches.values()):
        branch = context.branches[number]
        for call in branch.turn.server_calls if branch.turn else ():
            if branch.member.toolbox.needs_approval(call):
                agent = branch.member.agent.id
                calls.append(PendingCall(call.public_id, call.name, call.text(), agent))
    return calls


def keep(
    context: RunContext, request: ChatCompletionRequest, ids: EffectIds, paused: Paused
) -> WaitingRun:
    """Everything that a run is made of; its events are put in by who writes the last one."""
    scope, team = context.scope, context.team
    boxes = {id_: member.toolbox for id_, member in team.members.items()}
    return WaitingRun(
        run=scope.run,
        user=scope.principal.user,
        agent=scope.agent,
        version=context.version,
        request=request,
        conversation=list(context.conversation),
        resources={name: list(files) for name, files in scope.resources.items()},
        conversation_id=scope.conversation,
        root=ids.root,
        seen=dict(ids.seen),
        turns={id_: dict(box.turns) for id_, box in boxes.items()},
        found={id_: sorted(box.found) for id_, box in boxes.items()},
        next_step=next(context.steps),
        part=context.part + 1,
        airtime=_airtime(context),
        joins=[dict(ended) for ended in context.joins.ended],
        branches=[_branch(branch) for branch in context.branches],
        events=[],
        checkpoint=paused.checkpoint,
        interrupts=dict(paused.branches),
        calls=pending(context, paused),
        decisions={},
        first=team.first,
        created=context.created,
    )


def decide(waiting: WaitingRun, decisions: Decisions | None) -> WaitingRun:
    """The run with these decisions added; ``None`` approves of all that is open.

    Raises:
        InvalidRequest: a call is none of those that it waits for, or was decided otherwise.
    """
    open_ = [call.id for call in waiting.calls]
    if decisions is None:
        decisions = {id_: None for id_ in open_ if id_ not in waiting.decisions}
    for number, (id_, decision) in enumerate(decisions.items()):
        param = f"decisions[{number}].tool_call_id"
        if id_ not in open_:
            message = f"the run waits for {', '.join(open_)}, and not for {id_}"
            raise InvalidRequest(message, param=param)
        if id_ in waiting.decisions and waiting.decisions[id_] != decision:
            message = f"{id_} was decided already"
            raise InvalidRequest(message, param=param)
    return msgspec.structs.replace(waiting, decisions={**waiting.decisions, **decisions})


def undecided(waiting: WaitingRun) -> list[PendingCall]:
    """The calls that nobody has decided on."""
    return [call for call in waiting.calls if call.id not in waiting.decisions]


def answers(waiting: WaitingRun) -> Mapping[str, Decisions]:
    """What the loop is told: the decisions, by interrupt."""
    return dict.fromkeys(waiting.interrupts, waiting.decisions)


def restore(context: RunContext, waiting: WaitingRun) -> None:
    """Make a context what it was when the run began to wait.

    Raises:
        NotFound: an agent that was at work may not take part any more.
    """
    team = context.team
    for kept in waiting.branches:
        if kept.agent not in team.members:
            message = f"the run cannot go on: agent {kept.agent} is not available any more"
            raise NotFound(message)
    for id_, member in team.members.items():
        member.toolbox.go_on(waiting.turns.get(id_, {}), waiting.found.get(id_, []))
    context.steps = count(waiting.next_step)
    context.asked = True
    context.part = waiting.part
    context.joins = Joins(team.direct, waiting.joins)
    channels = _channels(context, waiting.airtime)
    context.branches = [
        _restored(number, kept, team, channels.get(number, context.log))
        for number, kept in enumerate(waiting.branches)
    ]


def _airtime(context: RunContext) -> KeptAirtime | None:
    airtime = context.airtime
    if airtime is None:
        return None
    numbers = {id(branch.channel): branch.id for branch in context.branches}
    channels = [
        KeptChannel(
            branch=numbers[id(channel)],
            held=channel.held,
            waiting=channel.waiting,
            base=channel.base,
            calls=channel.calls,
            spoke=channel.spoke,
            ended=channel.ended,
            muted=channel.muted,
        )
        for channel in airtime.queue
    ]
    return KeptAirtime(airtime.calls, airtime.spoke, channels)


def _channels(context: RunContext, kept: KeptAirtime | None) -> dict[int, Channel]:
    if kept is None:
        return {}
    airtime = Airtime(context.log.append, calls=kept.calls, spoke=kept.spoke)
    context.airtime = airtime
    channels = {}
    for one in kept.channels:
        channel = Channel(airtime, held=one.held)
        channel.waiting = one.waiting
        channel.base, channel.calls = one.base, one.calls
        channel.spoke, channel.ended, channel.muted = one.spoke, one.ended, one.muted
        airtime.queue.append(channel)
        channels[one.branch] = channel
    return channels


def _branch(branch: Branch) -> KeptBranch:
    return KeptBranch(
        agent=branch.member.agent.id,
        messages=branch.messages,
        produced=branch.produced,
        alone=branch.alone,
        call_count=branch.call_count,
        spoke=branch.spoke,
        steps=branch.steps,
        step=branch.step,
        turn=_turn(branch.turn) if branch.turn is not None else None,
        before=list(branch.before),
        ended=branch.ended,
        final=branch.final,
        digest=(branch.digest.upto, branch.digest.message) if branch.digest else None,
    )


def _restored(number: int, kept: KeptBranch, team: Team, channel: Appending) -> Branch:
    return Branch(
        id=number,
        member=team.members[kept.agent],
        messages=kept.messages,
        channel=channel,
        produced=kept.produced,
        alone=kept.alone,
        call_count=kept.call_count,
        spoke=kept.spoke,
        steps=kept.steps,
        step=kept.step,
        turn=_taken(kept.turn) if kept.turn is not None else None,
        before=tuple(kept.before),
        ended=kept.ended,
        final=kept.final,
        digest=Digest(*kept.digest) if kept.digest else None,
    )


def _taken(kept: KeptTurn) -> Turn:
    return Turn(
        finish_reason=kept.finish_reason,
        stop_reason=kept.stop_reason,
        server_calls=_calls(kept.server_calls),
        caller_calls=_calls(kept.caller_calls),
    )


def _turn(turn: Turn) -> KeptTurn:
    return KeptTurn(
        turn.finish_reason, turn.stop_reason, _kept(turn.server_calls), _kept(turn.caller_calls)
    )


def _kept(calls: Iterable[Call]) -> list[KeptCall]:
    return [
        KeptCall(call.index, call.owner, call.name, call.id, call.public_id, call.text())
        for call in calls
    ]


def _calls(kept: Sequence[KeptCall]) -> list[Call]:
    return [
        Call(
            index=one.index,
            owner=one.owner,
            name=one.name,
            id=one.id,
            public_id=one.public_id,
            arguments=[one.arguments],
        )
        for one in kept
    ]
