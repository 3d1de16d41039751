"""What is kept of agents at work: what each reads and has said, and who is heard after whom."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from hookline.airtime import Airtime, Channel
from hookline.branches import Appending, Branch, Member, Turn
from hookline.calls import Call, Owner
from hookline.events import Event, StopReason
from hookline.summaries import Digest
from hookline.wire.chat import Message, UserMessage
from hookline.wire.completion import FinishReason


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
    """One agent at work.

    ``messages`` are without the conversation, which is kept once; it stands at ``conversation``.
    """

    agent: str
    messages: list[Message]
    conversation: int | None
    preface: int
    read: int
    produced: list[Message]
    alone: bool
    call_count: int
    spoke: bool
    steps: int
    step: int
    turn: KeptTurn | None
    offered: list[str]
    before: list[str]
    ended: bool
    final: bool
    digest: tuple[int, UserMessage] | None = None


class KeptAirtime(Struct, frozen=True):
    """The order in which agents are heard."""

    calls: int
    spoke: bool
    channels: list[KeptChannel]


def kept_airtime(airtime: Airtime, branches: Iterable[Branch]) -> KeptAirtime:
    """The order in which these branches are heard, as it is kept."""
    numbers = {id(branch.channel): branch.id for branch in branches}
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


def airtime_of(
    kept: KeptAirtime, append: Callable[[Event], None]
) -> tuple[Airtime, Mapping[int, Channel]]:
    """The order as it was, and the channels by the branches whose words are still to be heard."""
    airtime = Airtime(append, calls=kept.calls, spoke=kept.spoke)
    channels = {}
    for one in kept.channels:
        channel = Channel(airtime, held=one.held)
        channel.waiting = one.waiting
        channel.base, channel.calls = one.base, one.calls
        channel.spoke, channel.ended, channel.muted = one.spoke, one.ended, one.muted
        airtime.queue.append(channel)
        channels[one.branch] = channel
    return airtime, channels


def kept_branch(branch: Branch, conversation: Sequence[Message]) -> KeptBranch:
    """A branch as it is kept."""
    messages, at = _apart(branch, conversation)
    return KeptBranch(
        agent=branch.member.agent.id,
        messages=messages,
        conversation=at,
        preface=branch.preface,
        read=branch.read,
        produced=branch.produced,
        alone=branch.alone,
        call_count=branch.call_count,
        spoke=branch.spoke,
        steps=branch.steps,
        step=branch.step,
        turn=_turn(branch.turn) if branch.turn is not None else None,
        offered=list(branch.offered),
        before=list(branch.before),
        ended=branch.ended,
        final=branch.final,
        digest=(branch.digest.upto, branch.digest.message) if branch.digest else None,
    )


def _apart(branch: Branch, conversation: Sequence[Message]) -> tuple[list[Message], int | None]:
    """What a branch reads without the conversation, and where that stands if it does."""
    messages, at = branch.messages, branch.preface
    end = at + len(conversation)
    if len(messages) < end or any(
        one is not other for one, other in zip(messages[at:end], conversation, strict=True)
    ):
        return messages, None
    return [*messages[:at], *messages[end:]], at


def branch_of(
    number: int,
    kept: KeptBranch,
    member: Member,
    channel: Appending,
    conversation: Sequence[Message],
) -> Branch:
    """The branch as it was."""
    messages, at = kept.messages, kept.conversation
    if at is not None:
        messages = [*messages[:at], *conversation, *messages[at:]]
    return Branch(
        id=number,
        member=member,
        messages=messages,
        preface=kept.preface,
        read=kept.read,
        channel=channel,
        produced=kept.produced,
        alone=kept.alone,
        call_count=kept.call_count,
        spoke=kept.spoke,
        steps=kept.steps,
        step=kept.step,
        turn=_taken(kept.turn) if kept.turn is not None else None,
        offered=kept.offered,
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
