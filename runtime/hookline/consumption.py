"""Consumption: what the calls of a run need, and what is recorded of them."""

from collections.abc import Sequence
from typing import Any

import attrs
import msgspec

from hookline.branches import Branch, Voice
from hookline.calls import Call
from hookline.events import Event, UsageReported
from hookline.listener import Listener
from hookline.moments import now
from hookline.providers import vendor_of
from hookline.run_context import RunContext
from hookline.usage import Admission, TokenCounts, UsageEntry, estimate
from hookline.wire.chat import Message


def next_call(
    context: RunContext, branch: Branch, voice: Voice, messages: Sequence[Message]
) -> tuple[Admission, UsageEntry]:
    """What the next model call may need, and what is recorded of it if nobody hears more of it."""
    size = estimate(msgspec.json.encode(messages)) if context.metered else 0
    entry = _entry(
        context,
        branch,
        voice,
        step=next(context.steps),
        tokens=TokenCounts(input=size),
        estimated=True,
        incomplete=True,
    )
    scope = context.scope
    admission = Admission(
        scope=attrs.evolve(scope, run=context.billed_as) if context.part else scope,
        agent=branch.member.agent,
        step=entry.step,
        estimated_input=size,
        expected_output=voice.expected_output,
    )
    return admission, entry


def _entry(context: RunContext, branch: Branch, voice: Voice, **fields: Any) -> UsageEntry:
    """Who consumes something, and of which model; ``fields`` say what, and how much."""
    scope = context.scope
    principal = scope.principal
    return UsageEntry(
        run=context.billed_as,
        usage_type=context.usage_type,
        agent=branch.member.agent.id,
        provider=voice.name,
        vendor=vendor_of(voice.provider.part),
        model=voice.model,
        user=principal.user,
        groups=sorted(principal.groups),
        key=principal.key,
        conversation=scope.conversation,
        **fields,
    )


def tool_entry(context: RunContext, branch: Branch, call: Call) -> UsageEntry:
    """What is recorded of a tool call, if tools of that name have a price."""
    return _entry(
        context,
        branch,
        branch.member.voices[0],
        step=branch.step,
        tokens=TokenCounts(),
        call=call.index,
        tool=call.name,
    )


def report(
    context: RunContext, entry: UsageEntry, messages: Sequence[Message], listener: Listener
) -> None:
    """Say what the call consumed; count it ourselves where the upstream did not."""
    tokens = listener.usage or TokenCounts(
        input=entry.tokens.input or estimate(msgspec.json.encode(messages)),
        output=listener.count(),
        reasoning=estimate(*listener.thoughts) if listener.thoughts else 0,
    )
    entry = attrs.evolve(
        entry,
        tokens=tokens,
        estimated=listener.usage is None,
        incomplete=listener.reason is None,
        at=now(),
    )
    context.meter.record(entry)
    context.log.append(_usage_event(entry))


def _usage_event(entry: UsageEntry) -> Event:
    tokens = entry.tokens
    return UsageReported(
        step=entry.step,
        input_tokens=tokens.input,
        output_tokens=tokens.output,
        cache_read_tokens=tokens.cache_read,
        cache_write_tokens=tokens.cache_write,
        reasoning_tokens=tokens.reasoning,
        audio_input_tokens=tokens.audio_input,
        audio_output_tokens=tokens.audio_output,
        estimated=entry.estimated,
    )
