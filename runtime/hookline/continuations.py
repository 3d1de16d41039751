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
    open_: Continuation | None = None
    for message in messages:
        match message:
            case AssistantMessage():
                open_ = _handed(message, found)
                restored += _put_back(open_, message) if open_ is not None else [message]
            case ToolMessage(tool_call_id=id_) if open_ is not None and id_ in open_.calls:
                restored.append(ToolMessage(open_.calls[id_], message.content))
            case _:
                restored.append(message)
    if open_ is None:
        return Restored(restored)
    return Restored(restored, _kept(open_).speaker or None, open_.id)


def _handed(message: AssistantMessage, found: Mapping[str, Continuation]) -> Continuation | None:
    """The run that handed these calls to the caller; the caller may have added some of its own."""
    calls = message.tool_calls or ()
    return next((found[call.id] for call in calls if call.id in found), None)


def _kept(continuation: Continuation) -> _Kept:
    kept = _decode(continuation.messages)
    return kept if isinstance(kept, _Kept) else _Kept("", kept)


def _put_back(kept: Continuation, caller: AssistantMessage) -> list[Message]:
    """What the run produced; its last calls as the caller has them, should it have edited them."""
    messages = list(_kept(kept).messages)
    for number in reversed(range(len(messages))):
        message = messages[number]
        if isinstance(message, AssistantMessage):
            messages[number] = _edited(message, kept.calls, caller.tool_calls or ())
            break
    return messages


def _edited(
    message: AssistantMessage, handed: Mapping[str, str], callers: Sequence[ToolCall]
) -> AssistantMessage:
    """The calls of the last turn: the server's own as they were, the others as the caller says."""
    current = {handed[call.id]: call.function for call in callers if call.id in handed}
    models_own = set(handed.values())
    calls = [
        msgspec.structs.replace(call, function=current.get(call.id, call.function))
        for call in message.tool_calls or ()
        if call.id not in models_own or call.id in current
    ]
    calls += [call for call in callers if call.id not in handed]
    return msgspec.structs.replace(message, tool_calls=calls)
