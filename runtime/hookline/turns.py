"""One turn of the loop: the model speaks, then the tools that it called."""

import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import attrs
import msgspec

from hookline.agents import Agent
from hookline.allowance import Allowance
from hookline.attachments import Attachments
from hookline.calls import Call, Owner
from hookline.errors import ProviderBroken
from hookline.events import (
    Event,
    StopReason,
    Text,
    ToolCallFinished,
    UsageReported,
)
from hookline.listener import Listener
from hookline.log import EventLog
from hookline.meter import BudgetSpent, Meter
from hookline.moments import now
from hookline.parts import Part
from hookline.providers import (
    ModelProvider,
    ModelRequest,
    vendor_of,
)
from hookline.scope import RunScope
from hookline.toolbox import Outcome, Toolbox
from hookline.tools import ToolSpec
from hookline.usage import Admission, TokenCounts, UsageEntry, estimate
from hookline.wire.chat import Message, ToolChoice, ToolMessage
from hookline.wire.completion import FinishReason

FINISH_REASONS: Mapping[str, FinishReason] = {
    "stop": "stop",
    "eos": "stop",
    "end_turn": "stop",
    "stop_sequence": "stop",
    "complete": "stop",
    "tool_calls": "tool_calls",
    "tool_use": "tool_calls",
    "function_call": "tool_calls",
    "length": "length",
    "max_tokens": "length",
    "model_length": "length",
    "content_filter": "content_filter",
    "safety": "content_filter",
    "refusal": "content_filter",
}


@attrs.frozen(kw_only=True)
class Turn:
    """What the model did: why it stopped, and what the server has to execute."""

    finish_reason: FinishReason
    stop_reason: StopReason | None = None
    server_calls: Sequence[Call] = ()
    caller_calls: Sequence[Call] = ()


@dataclass(kw_only=True, slots=True)
class RunContext:
    """What the turns of a run share.

    A dataclass, because that is what LangGraph takes as the context of a graph.

    Args:
        metered: whether usage recorders want to know what it consumes.
        meter: what tells them.
        expected_output: tokens that a model call may have.
        limited: whether the provider was told so.
        admitted: the first model call, as the recorders have let it begin.
        produced: the messages that the run has made.
        turn: the last turn.
    """

    scope: RunScope
    agent: Agent
    log: EventLog
    provider: Part[ModelProvider]
    toolbox: Toolbox
    caller_tools: Mapping[str, ToolSpec]
    tool_choice: ToolChoice | None
    parameters: Mapping[str, Any]
    metered: bool
    meter: Meter
    expected_output: int
    limited: bool
    attachments: Attachments
    admitted: tuple[Admission, UsageEntry] | None = None
    produced: list[Message] = field(default_factory=list)
    turn: Turn | None = None
    step: int = 0
    call_count: int = 0
    spoke: bool = False
    complete: bool = False

    def owner_of(self, name: str) -> Owner:
        """Who runs the tool with this name."""
        return "caller" if name in self.caller_tools else "server"


async def call_model(context: RunContext, messages: Sequence[Message]) -> Turn:
    """Let the model speak once.

    Raises:
        ProviderError: the provider failed.
        PartUnavailable, StoreUnavailable: what it consumes cannot be noted or paid for.
    """
    request = _request(context, messages)
    listener = Listener(context)
    admission, entry = context.admitted or next_call(context, messages)
    context.admitted = None
    try:
        await context.meter.open(admission, entry, listener.count)
        async with Allowance(context.meter, admission, listener, limited=context.limited) as most:
            await _measured(context, request, listener, most)
    except BudgetSpent:
        if listener.began:
            context.produced.append(listener.message(()))
        return Turn(finish_reason="length", stop_reason="budget")
    finally:
        context.spoke = context.spoke or bool(listener.texts)
        if listener.began:
            _report(context, entry, messages, listener)
        context.meter.drop(entry.id)
    return _turn(context, listener)


async def _measured(
    context: RunContext, request: ModelRequest, listener: Listener, most: Allowance
) -> None:
    began = time.perf_counter()
    calls = context.provider.calls
    calls.count += 1
    try:
        await _listen(context.provider.part, request, listener, most)
    except BaseException:
        calls.failures += 1
        raise
    finally:
        calls.seconds += time.perf_counter() - began


async def _listen(
    provider: ModelProvider, request: ModelRequest, listener: Listener, most: Allowance
) -> None:
    """The token path: text goes straight to the log."""
    texts, append, take = listener.texts, listener.append, listener.take
    async with aclosing(provider.stream(request)) as deltas:
        async for delta in deltas:
            if type(delta) is Text and texts:
                texts.append(delta.text)
                append(delta)
                if len(texts) >= most.look_at:
                    await most.look()
            else:
                take(delta)
                if listener.pieces >= most.look_at:
                    await most.look()


def _request(context: RunContext, messages: Sequence[Message]) -> ModelRequest:
    choice = context.tool_choice
    if context.step and choice not in {None, "none", "auto"}:
        choice = "auto"  # what had to be called has been; a second time would never end
    return ModelRequest(
        model=context.agent.model,
        messages=messages,
        tools=(*context.toolbox.specs, *context.caller_tools.values()),
        tool_choice=choice,
        parameters=context.parameters,
    )


def _turn(context: RunContext, listener: Listener) -> Turn:
    calls = listener.calls.finish()
    context.call_count += len(calls)
    if listener.reason is None:
        message = "the model's answer ended before the model had finished"
        raise ProviderBroken(message)
    finish = FINISH_REASONS.get(listener.reason.lower(), "stop")
    if finish in {"length", "content_filter"}:
        context.produced.append(listener.message(()))
        return Turn(finish_reason=finish)  # calls that were cut off are not executed
    context.produced.append(listener.message(calls))
    if not calls:
        return Turn(finish_reason="stop")
    return Turn(
        finish_reason="tool_calls",
        server_calls=[call for call in calls if call.owner == "server"],
        caller_calls=[call for call in calls if call.owner == "caller"],
    )


def next_call(context: RunContext, messages: Sequence[Message]) -> tuple[Admission, UsageEntry]:
    """What the next model call may need, and what is recorded of it if nobody hears more of it."""
    entry = _call_entry(context, messages)
    admission = Admission(
        scope=context.scope,
        agent=context.agent,
        step=context.step,
        estimated_input=entry.tokens.input,
        expected_output=context.expected_output,
    )
    return admission, entry


def _call_entry(context: RunContext, messages: Sequence[Message]) -> UsageEntry:
    scope, agent = context.scope, context.agent
    principal = scope.principal
    size = estimate(msgspec.json.encode(messages)) if context.metered else 0
    return UsageEntry(
        run=scope.run,
        step=context.step,
        agent=agent.id,
        provider=agent.provider,
        vendor=vendor_of(context.provider.part),
        model=agent.model,
        user=principal.user,
        groups=sorted(principal.groups),
        key=principal.key,
        conversation=scope.conversation,
        tokens=TokenCounts(input=size),
        estimated=True,
        incomplete=True,
    )


def _tool_entry(context: RunContext, call: Call, step: int) -> UsageEntry:
    """What is recorded of a tool call, if tools of that name have a price."""
    return attrs.evolve(
        _call_entry(context, ()),
        step=step,
        call=call.index,
        tool=call.name,
        tokens=TokenCounts(),
        estimated=False,
        incomplete=False,
    )


def _report(
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
    context.step += 1
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


async def call_tools(context: RunContext, calls: Sequence[Call]) -> None:
    """Execute the server's tools of a turn; their results become messages.

    Raises:
        ToolUnavailable: a tool could not be loaded, and the agent does not say "degrade".
    """
    append, asked_by = context.log.append, context.step - 1

    def tell(outcome: Outcome) -> None:
        append(_finished(outcome))
        if context.metered and outcome.call.name in context.toolbox.names:
            context.meter.record(_tool_entry(context, outcome.call, asked_by))

    for outcome in await context.toolbox.call_all(calls, context.scope, tell):
        context.produced.append(ToolMessage(outcome.call.id, outcome.result.content))
        for artifact in outcome.result.artifacts:
            context.attachments.process(artifact, outcome.call.public_id)


def _finished(outcome: Outcome) -> ToolCallFinished:
    return ToolCallFinished(
        index=outcome.call.index,
        id=outcome.call.public_id,
        name=outcome.call.name,
        status="error" if outcome.failed else "success",
        content=outcome.result.content,
    )
