"""What a chat completion looks like: one JSON object, or chunks of a stream.

Shapes: OpenAI's published schemas ``CreateChatCompletionResponse`` and
``CreateChatCompletionStreamResponse``. ``reasoning`` and ``reasoning_content`` are the two names
under which servers other than OpenAI's give a model's reasoning. The server writes these structs,
and providers read them from their upstream: therefore nearly everything may be missing.
"""

from typing import Any, Literal

from msgspec import UNSET, Struct, UnsetType

from hookline.wire.chat import ToolCall

FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]


class TopLogprob(Struct, frozen=True):
    """A token that the model might have chosen, with its logarithmic probability."""

    token: str
    logprob: float
    bytes: list[int] | None = None


class TokenLogprob(Struct, frozen=True):
    """A token that the model chose, and the likeliest others."""

    token: str
    logprob: float
    bytes: list[int] | None = None
    top_logprobs: list[TopLogprob] = []


class Logprobs(Struct, frozen=True):
    """Logarithmic probabilities of the tokens of the text or of the refusal."""

    content: list[TokenLogprob] | None = None
    refusal: list[TokenLogprob] | None = None


class PromptTokensDetails(Struct, frozen=True):
    """Parts of ``prompt_tokens``."""

    cached_tokens: int | None = 0
    audio_tokens: int | None = 0


class CompletionTokensDetails(Struct, frozen=True):
    """Parts of ``completion_tokens``."""

    reasoning_tokens: int | None = 0
    audio_tokens: int | None = 0
    accepted_prediction_tokens: int | None = 0
    rejected_prediction_tokens: int | None = 0


class Usage(Struct, frozen=True):
    """Tokens used. ``prompt_tokens`` includes cached ones, ``completion_tokens`` reasoning."""

    prompt_tokens: int | None = 0
    completion_tokens: int | None = 0
    total_tokens: int | None = 0
    prompt_tokens_details: PromptTokensDetails | None | UnsetType = UNSET
    completion_tokens_details: CompletionTokensDetails | None | UnsetType = UNSET


class ResponseMessage(Struct, frozen=True, kw_only=True):
    """The answer."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    refusal: str | None | UnsetType = None
    reasoning: str | None | UnsetType = UNSET
    reasoning_content: str | None | UnsetType = UNSET
    tool_calls: list[ToolCall] | None | UnsetType = UNSET


class Choice(Struct, frozen=True, kw_only=True):
    """The only choice: ``n`` is always 1."""

    index: int = 0
    message: ResponseMessage
    logprobs: Logprobs | None | UnsetType = None
    finish_reason: FinishReason


class ChatCompletion(Struct, frozen=True, kw_only=True):
    """The body of an answer that is not streamed. ``created`` is in seconds since 1970."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage
    hookline: dict[str, Any] | UnsetType = UNSET


class FunctionDelta(Struct, frozen=True):
    """A piece of a function call: the name once, then more and more of the arguments."""

    name: str | None | UnsetType = UNSET
    arguments: str | None | UnsetType = UNSET


class ToolCallDelta(Struct, frozen=True):
    """A piece of a tool call. Upstreams leave out any of it."""

    index: int | None | UnsetType = UNSET
    id: str | None | UnsetType = UNSET
    type: str | None | UnsetType = UNSET
    function: FunctionDelta | None | UnsetType = UNSET


class Delta(Struct, frozen=True):
    """What is new since the last chunk."""

    role: str | None | UnsetType = UNSET
    content: str | None | UnsetType = UNSET
    refusal: str | None | UnsetType = UNSET
    reasoning: str | None | UnsetType = UNSET
    reasoning_content: str | None | UnsetType = UNSET
    tool_calls: list[ToolCallDelta] | None | UnsetType = UNSET


class ChunkChoice(Struct, frozen=True, kw_only=True):
    """The only choice of a chunk."""

    index: int = 0
    delta: Delta = Delta()
    logprobs: Logprobs | None | UnsetType = UNSET
    finish_reason: str | None = None


class ChatCompletionChunk(Struct, frozen=True, kw_only=True):
    """One event of a streamed answer."""

    id: str
    object: Literal["chat.completion.chunk"] = "chat.completion.chunk"
    created: int
    model: str
    choices: list[ChunkChoice]
    usage: Usage | None | UnsetType = UNSET
    hookline: dict[str, Any] | UnsetType = UNSET
