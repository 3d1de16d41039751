"""Waiting runs: a run that must be approved of is written down, and goes on from there.

What is kept is all that the run was made of: what it has said, what each of its agents reads, where
the loop stopped. So it goes on after a restart, or on another server, with the same log of events.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count

import attrs
import msgspec
from msgspec import Struct

from hookline.branches import Appending
from hookline.effects import EffectIds
from hookline.errors import InvalidRequest, NotFound, RunBusy
from hookline.events import Event, PendingCall, ToolCallArguments, ToolCallStarted
from hookline.graph import Paused
from hookline.kept import (
    KeptAirtime,
    KeptBranch,
    airtime_of,
    branch_of,
    kept_airtime,
    kept_branch,
)
from hookline.records import Record
from hookline.run_context import RunContext
from hookline.team import Joins, Team
from hookline.toolbox import Decisions
from hookline.wire.chat import ChatCompletionRequest, Message, UserMessage

COLLECTION = "runs.waiting"
CLAIM = timedelta(seconds=60)
"""How long a run that somebody makes go on is theirs, should their server die in that moment."""

_SAID_BEFORE: list[Message] = [UserMessage("")]
"""Stands for the messages of a request, which are kept as the conversation."""


class WaitingRun(Struct, frozen=True, kw_only=True):
    """A run that waits.

    ``versions`` are those of the agents that take part, ``prefaces`` what they are told first.
    ``calls`` are those that have to be decided on, ``decisions`` what was decided so far.
    ``interrupts`` are the branches that wait, by the id that LangGraph knows them by. ``part``
    counts how often somebody has tried to make the run go on; until ``claimed`` nobody else may.
    """

    run: str
    user: str
    agent: str
    versions: dict[str, int]
    prefaces: dict[str, list[Message]]
    request: ChatCompletionRequest
    conversation: list[Message]
    resources: dict[str, list[str]]
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
    created: datetime
    claimed: datetime | None = None

    @property
    def version(self) -> int:
        """That of the agent which the request names."""
        return self.versions[self.agent]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(WaitingRun).decode


def record_of(waiting: WaitingRun, expires_at: datetime) -> Record:
    """The run as it is kept.

    Raises:
        InvalidRequest: a plugin or the caller put something into it that cannot be kept.
    """
    try:
        data = _encode(waiting)
    except (TypeError, ValueError, OverflowError, RecursionError) as error:
        message = f"the run cannot wait for approval, because it cannot be kept: {error}"
        raise InvalidRequest(message) from error
    return Record(
        collection=COLLECTION,
        id=waiting.run,
        owner=waiting.user,
        data=data,
        expires_at=expires_at,
    )


def waiting_of(record: Record) -> WaitingRun:
    """The run that was kept.

    Raises:
        NotFound: another version of Hookline kept it.
    """
    try:
        return _decode(record.data)
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        message = f"the run {record.id} waits for another version of Hookline: {error}"
        raise NotFound(message) from error


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
    airtime, conversation = context.airtime, list(context.conversation)
    return WaitingRun(
        run=scope.run,
        user=scope.principal.user,
        agent=scope.agent,
        versions={id_: member.agent.version for id_, member in team.members.items()},
        prefaces={id_: list(member.preface) for id_, member in team.members.items()},
        request=msgspec.structs.replace(request, messages=_SAID_BEFORE),
        conversation=conversation,
        resources={name: list(files) for name, files in scope.resources.items()},
        root=ids.root,
        seen=dict(ids.seen),
        turns={id_: dict(box.turns) for id_, box in boxes.items()},
        found={id_: sorted(box.found) for id_, box in boxes.items()},
        next_step=next(context.steps),
        part=context.part,
        airtime=kept_airtime(airtime, context.branches) if airtime is not None else None,
        joins=[dict(ended) for ended in context.joins.ended],
        branches=[kept_branch(branch, conversation) for branch in context.branches],
        events=[],
        checkpoint=paused.checkpoint,
        interrupts=dict(paused.branches),
        calls=pending(context, paused),
        decisions={},
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


def claim(waiting: WaitingRun, at: datetime) -> WaitingRun:
    """The run as that of one who is about to make it go on.

    Raises:
        RunBusy: somebody else is.
    """
    if waiting.claimed is not None and at < waiting.claimed:
        raise RunBusy(waiting.run)
    return msgspec.structs.replace(waiting, claimed=at + CLAIM, part=waiting.part + 1)


def undecided(waiting: WaitingRun) -> list[PendingCall]:
    """The calls that nobody has decided on."""
    return [call for call in waiting.calls if call.id not in waiting.decisions]


def open_calls(waiting: WaitingRun) -> Sequence[Event]:
    """The events of the calls that the caller has to make once the run has gone on."""
    turns = [waiting.branches[number].turn for number in waiting.interrupts.values()]
    ids = {call.public_id for turn in turns if turn is not None for call in turn.caller_calls}
    begun = [event for event in waiting.events if isinstance(event, ToolCallStarted)]
    indexes = {event.index for event in begun if event.id in ids}
    return [
        event
        for event in waiting.events
        if isinstance(event, ToolCallStarted | ToolCallArguments) and event.index in indexes
    ]


def answers(waiting: WaitingRun) -> Mapping[str, Decisions]:
    """What the loop is told: the decisions, by interrupt."""
    return dict.fromkeys(waiting.interrupts, waiting.decisions)


def as_before(team: Team, waiting: WaitingRun) -> Team:
    """The team as it was, with what each agent was told at the time.

    Raises:
        NotFound: an agent may not take part any more.
    """
    for id_ in waiting.versions:
        if id_ not in team.members:
            message = f"the run cannot go on: agent {id_} is not available any more"
            raise NotFound(message)
    members = {
        id_: attrs.evolve(member, preface=waiting.prefaces.get(id_, member.preface))
        for id_, member in team.members.items()
    }
    return attrs.evolve(team, members=members)


def restore(context: RunContext, waiting: WaitingRun) -> None:
    """Make a context what it was when the run began to wait."""
    team = context.team
    for id_, member in team.members.items():
        member.toolbox.go_on(waiting.turns.get(id_, {}), waiting.found.get(id_, []))
    context.steps = count(waiting.next_step)
    context.created = waiting.created
    context.asked = True
    context.part = waiting.part
    context.joins = Joins(team.direct, waiting.joins)
    conversation = list(context.conversation)
    channels: Mapping[int, Appending] = {}
    if waiting.airtime is not None:
        context.airtime, channels = airtime_of(waiting.airtime, context.log.append)
    context.branches = [
        branch_of(
            number,
            kept,
            team.members[kept.agent],
            channels.get(number, context.log),
            conversation,
        )
        for number, kept in enumerate(waiting.branches)
    ]
