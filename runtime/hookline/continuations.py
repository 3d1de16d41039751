"""Going on with a run whose caller has executed tools of its own.

A caller sees only its own tool calls. What else the run did before it handed them over (calls of
the server's tools, their results, the model's words in between) is kept under the ids of the
calls, and put back into the history when the caller returns with the results.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import attrs
import msgspec

from hookline.calls import Call
from hookline.moments import now
from hookline.scope import RunScope
from hookline.store import Continuation, ContinuationStore
from hookline.wire.chat import AssistantMessage, Message, ToolCall, ToolMessage


class _Kept(msgspec.Struct, frozen=True):
    """What a run produced, and which of its agents called the caller's tools."""

    speaker: str
    messages: list[Message]


_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(_Kept | list[Message]).decode


@attrs.frozen
class Restored:
    """A caller's history with what runs did unseen.

    Args:
        messages: all of it.
        speaker: the agent that goes on, if it is not the one that the request names.
        run: the id of the run that the request goes on with; ``None`` if it begins anew.
    """

    messages: Sequence[Message]
    speaker: str | None = None
    run: str | None = None


async def keep(
    store: ContinuationStore,
    scope: RunScope,
    speaker: str,
    produced: Sequence[Message],
    calls: Sequence[Call],
    *,
    hours: float,
) -> None:
    """Keep what a run produced, under the ids of the calls that it hands to the caller."""
    await store.put(
        Continuation(
            id=scope.run,
            user=scope.principal.user,
            agent=scope.agent,
            calls={call.public_id: call.id for call in calls},
            messages=_encode(_Kept(speaker, list(produced))),
            expires_at=now() + timedelta(hours=hours),
        )
    )


async def restore(
    store: ContinuationStore, messages: Sequence[Message], *, user: str, agent: str
) -> Restored:
    """The caller's history, with what runs did unseen put back in its place."""
    wanted = [
        call.id
        for message in messages
        if isinstance(message, AssistantMessage)
        for call in message.tool_calls or ()
    ]
    if not wanted:
        return Restored(messages)
    found: dict[str, Continuation] = {}
    for kept in await store.find(wanted, user=user, agent=agent):
        found |= dict.fromkeys(kept.calls, kept)
    if not found:
        return Restored(messages)
    restored: list[Message] = []
    for message in messages:
        match message:
            case AssistantMessage(tool_calls=list(calls)) if calls and calls[0].id in found:
                restored += _put_back(found[calls[0].id], calls)
            case ToolMessage(tool_call_id=id_) if id_ in found:
                restored.append(ToolMessage(found[id_].calls[id_], message.content))
            case _:
                restored.append(message)
    last = found.get(wanted[-1]) if isinstance(messages[-1], ToolMessage) else None
    if last is None:
        return Restored(restored)
    return Restored(restored, _kept(last).speaker or None, last.id)


def _kept(continuation: Continuation) -> _Kept:
    kept = _decode(continuation.messages)
    return kept if isinstance(kept, _Kept) else _Kept("", kept)


def _put_back(kept: Continuation, calls: Sequence[ToolCall]) -> list[Message]:
    """What the run produced; its last calls as the caller has them, should it have edited them."""
    current = {kept.calls[c.id]: c.function for c in calls if c.id in kept.calls}
    return [_updated(message, kept.calls, current) for message in _kept(kept).messages]


def _updated(message: Message, handed: Mapping[str, str], current: Mapping[str, object]) -> Message:
    if not isinstance(message, AssistantMessage) or not message.tool_calls:
        return message
    models_own = set(handed.values())
    calls = [
        msgspec.structs.replace(call, function=current.get(call.id, call.function))
        for call in message.tool_calls
        if call.id not in models_own or call.id in current
    ]
    return msgspec.structs.replace(message, tool_calls=calls)
