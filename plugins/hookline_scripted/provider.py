"""The scripted model: says what the script decides, at the pace and with the faults asked for."""

import asyncio
import sys
from collections.abc import AsyncGenerator, Sequence

import msgspec
from msgspec import UNSET

from hookline.counting import TokenEstimate
from hookline.errors import ProviderBroken, ProviderRefused
from hookline.providers import ModelDelta, ModelFinished, ModelRequest, ModelUsage
from hookline.tools import ToolSpec
from hookline.usage import TokenCounts
from hookline.wire.chat import Message, Sampling
from hookline_scripted import conversation, settings
from hookline_scripted.answer import Answer, Shape, chunks, counted, limited, stopped
from hookline_scripted.script import Prompt, answer, rule_for
from hookline_scripted.settings import Pace, Rule, RuleUsage
from hookline_scripted.tokens import count_prompt

OBEYED = frozenset(
    {
        "max_tokens",
        "max_completion_tokens",
        "stop",
        "response_format",
        "reasoning_effort",
        "parallel_tool_calls",
        "logprobs",
        "top_logprobs",
    }
)
"""Parameters that change the answer."""

MET = frozenset(
    {
        "temperature",
        "top_p",
        "seed",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "verbosity",
        "service_tier",
        "prompt_cache_key",
        "safety_identifier",
        "user",
        "metadata",
    }
)
"""Parameters that are met without doing anything.

They shift probabilities, and there is but one answer, whose probability is 1; or they label the
request.
"""


class ScriptedModel:
    """A model provider that gives the same answer to the same request, every time."""

    parameters = OBEYED | MET

    def count_tokens(
        self, model: str, messages: Sequence[Message], tools: Sequence[ToolSpec]
    ) -> TokenEstimate:
        """What the prompt has, exactly: there is one tokenizer, whatever the model is called."""
        return TokenEstimate(count_prompt(messages, tools), approximate=False)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        """The answer: its chunks, why it ended, and what it used.

        Raises:
            ProviderRefused: a fault was asked for, or the parameters are wrong (status 400).
            ProviderBroken: a fault was asked for.
        """
        script, sampling = settings.read(request.parameters), _sampling(request)
        prompt = Prompt(request, sampling, conversation.read(request.messages))
        rule = rule_for(script.rules, prompt.conversation)
        pace = settings.pace_of(script, rule)
        await asyncio.sleep(pace.first_delay or 0)
        _refuse(pace)
        said = limited(stopped(answer(prompt, rule), _stops(sampling)), _limit(sampling))
        for sent, chunk in enumerate(chunks(said, _shape(pace, sampling))):
            await _fail(pace, sent)
            if sent:
                await asyncio.sleep(pace.delay or 0)
            yield chunk
        await _fail(pace, sys.maxsize)
        yield ModelFinished(said.finish_reason)
        usage = _usage(request, said, rule)
        if usage is not None:
            yield ModelUsage(usage)


def _sampling(request: ModelRequest) -> Sampling:
    try:
        return msgspec.convert(request.parameters, Sampling)
    except msgspec.ValidationError as error:
        message = f"model_parameters: {error}"
        raise ProviderRefused(message, status=400, reason="invalid_parameters") from error


def _limit(sampling: Sampling) -> int | None:
    limits = (sampling.max_tokens, sampling.max_completion_tokens)
    return min((limit for limit in limits if isinstance(limit, int)), default=None)


def _stops(sampling: Sampling) -> list[str]:
    if isinstance(sampling.stop, str):
        return [sampling.stop]
    return [] if sampling.stop is UNSET or sampling.stop is None else sampling.stop


def _shape(pace: Pace, sampling: Sampling) -> Shape:
    top = sampling.top_logprobs if isinstance(sampling.top_logprobs, int) else 0
    return Shape(pace.chunk_tokens or 1, top if sampling.logprobs is True else None)


def _refuse(pace: Pace) -> None:
    if pace.status is None:
        return
    message = f"The scripted model refuses with status {pace.status}."
    raise ProviderRefused(
        pace.message or message,
        status=pace.status,
        reason=pace.reason,
        retry_after=pace.retry_after,
    )


async def _fail(pace: Pace, sent: int) -> None:
    """Do what goes wrong after so many chunks, if it is now."""
    if pace.stall_after is not None and sent >= pace.stall_after:
        await asyncio.Event().wait()
    if pace.cut_after is not None and sent >= pace.cut_after:
        message = "The connection to the scripted model was lost before its answer ended."
        raise ProviderBroken(message)
    if pace.malformed_after is not None and sent >= pace.malformed_after:
        message = "The scripted model sent a chunk that is not JSON."
        raise ProviderBroken(message)


def _usage(request: ModelRequest, said: Answer, rule: Rule | None) -> TokenCounts | None:
    override = rule.usage if rule else None
    if override == "none":
        return None
    if isinstance(override, RuleUsage):
        return TokenCounts(**msgspec.structs.asdict(override))
    of_answer = counted(said)
    return TokenCounts(
        input=count_prompt(request.messages, request.tools),
        output=of_answer.output,
        reasoning=of_answer.reasoning,
    )
