"""A turn of the model: it speaks, or one that stands in for it."""

import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import replace

import attrs
import structlog

from hookline.allowance import Allowance
from hookline.branches import Branch, Silence, Turn, Voice
from hookline.consumption import next_call, report
from hookline.errors import (
    ContextOverflow,
    ContextTooLong,
    HooklineError,
    ProviderBroken,
    ProviderError,
)
from hookline.events import Text
from hookline.fallbacks import worth_another
from hookline.listener import Listener
from hookline.meter import BudgetSpent
from hookline.prompting import prompt, shorter
from hookline.providers import ModelProvider, ModelRequest
from hookline.reading import Reader
from hookline.run_context import RunContext
from hookline.tools import ToolSpec
from hookline.usage import Admission, UsageEntry
from hookline.wire.chat import Message
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
            why: HooklineError = error.cause
        except ContextTooLong as error:  # another model may be able to read more
            why = error
        log.warning(
            "provider.stood_in_for",
            run=context.scope.run,
            agent=branch.member.agent.id,
            provider=voice.name,
            model=voice.model,
            error=str(why),
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
            report(context, entry, messages, listener)
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
