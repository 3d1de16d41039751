"""One turn of the loop: the model speaks, then the tools that it called."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from typing import Any

import attrs
import msgspec
import structlog

from hookline.airtime import Airtime
from hookline.allowance import Allowance
from hookline.attachments import Attachments
from hookline.branches import Appending, Branch, Silence, Turn, Voice
from hookline.calls import Call, Owner
from hookline.errors import ContextOverflow, ContextTooLong, ProviderBroken, ProviderError
from hookline.events import Event, Text, ToolCallFinished, UsageReported
from hookline.fallbacks import worth_another
from hookline.listener import Listener
from hookline.meter import BudgetSpent, Meter
from hookline.moments import now
from hookline.prompting import prompt, shorter
from hookline.providers import ModelProvider, ModelRequest, sees_images, vendor_of
from hookline.reading import Reader
from hookline.scope import RunScope
from hookline.team import Joins, Team
from hookline.toolbox import Decisions, Outcome
from hookline.tools import ToolSpec
from hookline.usage import Admission, TokenCounts, UsageEntry, UsageType, estimate
from hookline.wire.chat import Message, TextPart, ToolChoice, ToolMessage, UserMessage
from hookline.wire.completion import FinishReason

log = structlog.get_logger("hookline.runs")
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


@dataclass(kw_only=True, slots=True, eq=False)
class RunContext:
    """What the turns of a run share.

    A dataclass, because that is what LangGraph takes as the context of a graph.

    Args:
        scope: whose run it is.
        log: where events go that belong to no branch.
        team: the agents that may have their turn.
        conversation: the caller's messages.
        caller_tools: what the caller declared, by name.
        tool_choice: of the first model call.
        metered: whether usage recorders want to know what it consumes.
        meter: what tells them.
        attachments: what becomes of artifacts.
        steps: the numbers of model calls to come.
        usage_type: what model calls are made for.
        admitted: the first model call, as the recorders have let it begin.
        branches: the agents that have worked or are at work.
        airtime: the order in which they are heard; ``None`` where there is one.
        joins: which direct edges can be gone.
        asked: whether a model has been asked yet.
        may_wait: whether it can wait until somebody approves of a call.
        part: how often the run has waited for approval; each part is billed on its own.
        version: of the agent that the request names.
        created: when the run began.
    """

    scope: RunScope
    log: Appending
    team: Team
    conversation: Sequence[Message]
    caller_tools: Mapping[str, ToolSpec]
    tool_choice: ToolChoice | None
    metered: bool
    meter: Meter
    attachments: Attachments
    steps: Iterator[int] = field(default_factory=count)
    usage_type: UsageType = "message"
    admitted: tuple[Admission, UsageEntry] | None = None
    branches: list[Branch] = field(default_factory=list)
    airtime: Airtime | None = None
    joins: Joins = field(default_factory=lambda: Joins(()))
    asked: bool = False
    may_wait: bool = True
    part: int = 0
    version: int = 1
    created: datetime = field(default_factory=now)

    @property
    def billed_as(self) -> str:
        """The id that usage is recorded under: the run's, with the number of a later part."""
        return f"{self.scope.run}.{self.part}" if self.part else self.scope.run

    def owner_of(self, name: str) -> Owner:
        """Who runs the tool with this name."""
        return "caller" if name in self.caller_tools else "server"


class _Unspoken(Exception):
    """The provider failed before the model had said anything."""

    def __init__(self, cause: ProviderError):
        super().__init__(str(cause))
        self.cause = cause


async def call_model(context: RunContext, branch: Branch) -> Turn:
    """Let the model of a branch speak once, or one that stands in for it.

    Raises:
        ProviderError: the provider failed.
        ContextTooLong: what the model has to read does not fit.
        PartUnavailable, StoreUnavailable: what it consumes cannot be noted or paid for.
    """
    *others, last = branch.member.voices
    for voice in others:
        try:
            return await _ask(context, branch, voice)
        except _Unspoken as error:
            if not worth_another(error.cause):
                raise error.cause from error
            log.warning(
                "provider.stood_in_for",
                run=context.scope.run,
                agent=branch.member.agent.id,
                provider=voice.name,
                model=voice.model,
                error=str(error.cause),
            )
    try:
        return await _ask(context, branch, last)
    except _Unspoken as error:
        raise error.cause from error


async def _ask(context: RunContext, branch: Branch, voice: Voice) -> Turn:
    """Ask a model; once more, with less to read, if that was too much for it."""
    tools = _tools(context, branch)

    async def sum_up(messages: Sequence[Message]) -> str:
        return await _sum_up(context, branch, messages)

    reader = Reader.of(branch.member.agent, voice, tools)
    fitted = await prompt(branch, reader, sum_up)
    try:
        return await _call(context, branch, _request(context, voice, fitted.messages, tools), voice)
    except _Unspoken as error:
        if not isinstance(error.cause, ContextOverflow):
            raise
        log.info("context.overflowed", run=context.scope.run, model=voice.model)
        try:
            fitted = shorter(branch, reader, fitted)
        except ContextTooLong:
            raise error from None
    return await _call(context, branch, _request(context, voice, fitted.messages, tools), voice)


async def _sum_up(context: RunContext, branch: Branch, messages: Sequence[Message]) -> str:
    """Have the model that sums up speak; what it consumes is the run's."""
    voice = branch.member.summary
    if voice is None:
        return ""
    aside = replace(context, usage_type="summarization", admitted=None, asked=True)
    member = attrs.evolve(branch.member, voices=[voice])
    side = Branch(id=-1, member=member, messages=list(messages), channel=Silence())
    try:
        await _call(aside, side, _request(aside, voice, messages, ()), voice)
    except _Unspoken as error:
        raise error.cause from error
    return side.words


async def _call(context: RunContext, branch: Branch, request: ModelRequest, voice: Voice) -> Turn:
    messages = request.messages
    listener = Listener(
        branch.channel.append, context.owner_of, calls=branch.call_count, spoke=branch.spoke
    )
    admission, entry = _admitted(context, branch, voice) or next_call(
        context, branch, voice, messages
    )
    branch.step = entry.step
    try:
        await context.meter.open(admission, entry, listener.count)
        async with Allowance(context.meter, admission, listener, limited=voice.limited) as most:
            await _measured(voice, request, listener, most)
    except BudgetSpent:
        if listener.began:
            branch.add(listener.message(()))
        return Turn(finish_reason="length", stop_reason="budget")
    except ProviderError as error:
        if listener.spoken:
            raise
        raise _Unspoken(error) from error
    finally:
        context.asked = True
        branch.spoke = branch.spoke or bool(listener.texts)
        if listener.began:
            _report(context, entry, messages, listener)
        context.meter.drop(entry.id)
    return _turn(branch, listener)


def _admitted(
    context: RunContext, branch: Branch, voice: Voice
) -> tuple[Admission, UsageEntry] | None:
    """The first call of the run, if it is this one."""
    admitted = context.admitted
    if admitted is None:
        return None
    entry = admitted[1]
    if (entry.agent, entry.model) != (branch.member.agent.id, voice.model):
        return None
    context.admitted = None
    return admitted


async def _measured(
    voice: Voice, request: ModelRequest, listener: Listener, most: Allowance
) -> None:
    began = time.perf_counter()
    calls = voice.provider.calls
    calls.count += 1
    try:
        await _listen(voice.provider.part, request, listener, most)
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


def _tools(context: RunContext, branch: Branch) -> Sequence[ToolSpec]:
    """What the model of a branch is shown: its own tools, ways to others, and the caller's."""
    tools = [*branch.member.toolbox.specs, *context.team.handoff_specs(branch)]
    if branch.alone:
        tools += context.caller_tools.values()
    return tools


def _request(
    context: RunContext, voice: Voice, messages: Sequence[Message], tools: Sequence[ToolSpec]
) -> ModelRequest:
    choice = context.tool_choice
    if context.asked and choice not in {None, "none", "auto"}:
        choice = "auto"  # what had to be called has been; a second time would never end
    return ModelRequest(
        model=voice.model,
        messages=list(messages),
        tools=tools,
        tool_choice=choice,
        parameters=voice.parameters,
    )


def _turn(branch: Branch, listener: Listener) -> Turn:
    calls = listener.calls.finish()
    branch.call_count += len(calls)
    if listener.reason is None:
        message = "the model's answer ended before the model had finished"
        raise ProviderBroken(message)
    finish = FINISH_REASONS.get(listener.reason.lower(), "stop")
    if finish in {"length", "content_filter"}:
        branch.add(listener.message(()))
        return Turn(finish_reason=finish)  # calls that were cut off are not executed
    branch.add(listener.message(calls))
    if not calls:
        return Turn(finish_reason="stop")
    return Turn(
        finish_reason="tool_calls",
        server_calls=[call for call in calls if call.owner == "server"],
        caller_calls=[call for call in calls if call.owner == "caller"],
    )


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


def _tool_entry(context: RunContext, branch: Branch, call: Call) -> UsageEntry:
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


async def call_tools(
    context: RunContext, branch: Branch, decisions: Decisions | None = None
) -> None:
    """Execute the server's tools of a branch's turn; their results become messages.

    Raises:
        ToolUnavailable: a tool could not be loaded, and the agent does not say "degrade".
        StoreUnavailable: what a tool gave back could not be kept.
    """
    append, toolbox, turn = branch.channel.append, branch.member.toolbox, branch.turn
    if turn is None:
        return

    def tell(outcome: Outcome) -> None:
        append(_finished(outcome))
        if context.metered and outcome.call.name in toolbox.names:
            context.meter.record(_tool_entry(context, branch, outcome.call))

    handing = context.team.handoffs(branch)
    calls = [call for call in turn.server_calls if call.name not in handing]
    outcomes = await toolbox.call_all(calls, context.scope, tell, decisions)
    for outcome in outcomes:
        branch.add(ToolMessage(outcome.call.id, outcome.result.text))
        for artifact in outcome.result.artifacts:
            context.attachments.process(artifact, outcome.call.public_id)
    _show_images(branch, outcomes)


def _show_images(branch: Branch, outcomes: Sequence[Outcome]) -> None:
    """Give a model that sees the pictures that tools gave back; a tool message holds text alone."""
    sees = sees_images(branch.member.voices[0].provider.part)
    if not sees or (branch.turn is not None and branch.turn.caller_calls):
        return  # the caller's results have to come right after the call
    for outcome in outcomes:
        if outcome.images:
            text = TextPart(f"Images that {outcome.call.name} gave back:")
            branch.add(UserMessage([text, *outcome.images]))


def _finished(outcome: Outcome) -> ToolCallFinished:
    return ToolCallFinished(
        index=outcome.call.index,
        id=outcome.call.public_id,
        name=outcome.call.name,
        status=outcome.status,
        content=outcome.result.text,
    )
