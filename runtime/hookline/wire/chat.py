"""What a caller sends to ``POST /v1/chat/completions``, and what is sent on to a model.

Shapes and limits: OpenAI's published schema ``CreateChatCompletionRequest``. A field that is left
out is ``UNSET`` and is not written out again, so a request can be passed on as it came.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

MESSAGE_LIMIT = 10_000
TOOL_LIMIT = 512

# In Python, "$" alone would also match before a line break at the end.
ToolName = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9_-]{1,64}(?!\n)$")]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class ImageUrl(Struct, frozen=True):
    """An image by URL or as a ``data:`` URL."""

    url: str
    detail: Literal["auto", "low", "high"] | UnsetType = UNSET


class InputAudio(Struct, frozen=True):
    """Sound as base64."""

    data: str
    format: Literal["wav", "mp3"]


class FileData(Struct, frozen=True):
    """A file as base64, or by the id it was uploaded under."""

    filename: str | UnsetType = UNSET
    file_data: str | UnsetType = UNSET
    file_id: str | UnsetType = UNSET


class TextPart(Struct, frozen=True, tag_field="type", tag="text"):
    """A piece of text. ``cache_control`` is an extension that some upstreams know."""

    text: str
    cache_control: dict[str, Any] | None | UnsetType = UNSET


class ImagePart(Struct, frozen=True, tag_field="type", tag="image_url"):
    """An image."""

    image_url: ImageUrl


class AudioPart(Struct, frozen=True, tag_field="type", tag="input_audio"):
    """Sound."""

    input_audio: InputAudio


class FilePart(Struct, frozen=True, tag_field="type", tag="file"):
    """A file, such as a PDF."""

    file: FileData


class RefusalPart(Struct, frozen=True, tag_field="type", tag="refusal"):
    """What the model said instead of an answer."""

    refusal: str


UserPart = TextPart | ImagePart | AudioPart | FilePart


class FunctionCall(Struct, frozen=True):
    """A call that a model made. ``arguments`` is JSON text, as the model wrote it."""

    name: str
    arguments: str


class ToolCall(Struct, frozen=True, kw_only=True):
    """A call of a function tool, with the id that its result refers to."""

    id: str
    type: Literal["function"] = "function"
    function: FunctionCall


class SystemMessage(Struct, frozen=True, tag_field="role", tag="system"):
    """Instructions."""

    content: str | list[TextPart] | None = ""
    name: str | None | UnsetType = UNSET


class DeveloperMessage(Struct, frozen=True, tag_field="role", tag="developer"):
    """Instructions, under the name that newer models use."""

    content: str | list[TextPart] | None = ""
    name: str | None | UnsetType = UNSET


class UserMessage(Struct, frozen=True, tag_field="role", tag="user"):
    """What the user said."""

    content: str | list[UserPart] | None = ""
    name: str | None | UnsetType = UNSET


class AssistantMessage(Struct, frozen=True, tag_field="role", tag="assistant"):
    """What the model said or called earlier."""

    content: str | list[TextPart | RefusalPart] | None = None
    name: str | None | UnsetType = UNSET
    refusal: str | None | UnsetType = UNSET
    tool_calls: list[ToolCall] | None | UnsetType = UNSET
    reasoning: str | None | UnsetType = UNSET
    reasoning_content: str | None | UnsetType = UNSET


class ToolMessage(Struct, frozen=True, tag_field="role", tag="tool"):
    """The result of a tool call."""

    tool_call_id: str
    content: str | list[TextPart] | None = ""


Message = SystemMessage | DeveloperMessage | UserMessage | AssistantMessage | ToolMessage


class FunctionDefinition(Struct, frozen=True):
    """A function that the model may call. ``parameters`` is a JSON schema of an object."""

    name: ToolName
    description: str | None | UnsetType = UNSET
    parameters: dict[str, Any] | None | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class FunctionTool(Struct, frozen=True, tag_field="type", tag="function"):
    """A tool of the only kind that is served: a function."""

    function: FunctionDefinition


class FunctionName(Struct, frozen=True):
    """The name of a function."""

    name: str


class NamedToolChoice(Struct, frozen=True, tag_field="type", tag="function"):
    """The model must call this function."""

    function: FunctionName


ToolChoice = Literal["none", "auto", "required"] | NamedToolChoice


class TextFormat(Struct, frozen=True, tag_field="type", tag="text"):
    """The answer is text."""


class JsonObjectFormat(Struct, frozen=True, tag_field="type", tag="json_object"):
    """The answer is a JSON object."""


class JsonSchema(Struct, frozen=True):
    """A named JSON schema."""

    name: ToolName
    description: str | None | UnsetType = UNSET
    schema: dict[str, Any] | UnsetType = UNSET
    strict: bool | None | UnsetType = UNSET


class JsonSchemaFormat(Struct, frozen=True, tag_field="type", tag="json_schema"):
    """The answer is JSON that follows a schema."""

    json_schema: JsonSchema


ResponseFormat = TextFormat | JsonObjectFormat | JsonSchemaFormat


class StreamOptions(Struct, frozen=True):
    """What a stream carries besides the answer."""

    include_usage: bool | None = None
    include_obfuscation: bool | None | UnsetType = UNSET


Penalty = Annotated[float, Meta(ge=-2, le=2)]
Int64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
Tokens = Annotated[int, Meta(ge=1, le=2**53)]


class Sampling(Struct, frozen=True, omit_defaults=True):
    """The fields that say how the model answers; each may also be a parameter of the agent.

    ``UNSET`` and ``null`` both mean "as the agent says, or else as the model does by default".
    """

    max_tokens: Tokens | None | UnsetType = UNSET
    max_completion_tokens: Tokens | None | UnsetType = UNSET
    temperature: Annotated[float, Meta(ge=0, le=2)] | None | UnsetType = UNSET
    top_p: Annotated[float, Meta(ge=0, le=1)] | None | UnsetType = UNSET
    stop: str | Annotated[list[str], Meta(max_length=4)] | None | UnsetType = UNSET
    presence_penalty: Penalty | None | UnsetType = UNSET
    frequency_penalty: Penalty | None | UnsetType = UNSET
    seed: Int64 | None | UnsetType = UNSET
    logit_bias: dict[str, Annotated[float, Meta(ge=-100, le=100)]] | None | UnsetType = UNSET
    logprobs: bool | None | UnsetType = UNSET
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None | UnsetType = UNSET
    response_format: ResponseFormat | None | UnsetType = UNSET
    reasoning_effort: ReasoningEffort | None | UnsetType = UNSET
    parallel_tool_calls: bool | None | UnsetType = UNSET
    verbosity: Literal["low", "medium", "high"] | None | UnsetType = UNSET
    service_tier: str | None | UnsetType = UNSET
    prompt_cache_key: str | None | UnsetType = UNSET
    safety_identifier: str | None | UnsetType = UNSET
    user: str | None | UnsetType = UNSET


ContextId = Annotated[str, Meta(max_length=256)]
MetadataText = Annotated[str, Meta(max_length=512)]


class ChatCompletionRequest(Sampling, frozen=True, omit_defaults=True, kw_only=True):
    """The body of ``POST /v1/chat/completions``. ``model`` is the id of an agent.

    Fields that are not named here are accepted and ignored, as OpenAI's clients expect.
    """

    model: Annotated[str, Meta(min_length=1)]
    messages: Annotated[list[Message], Meta(min_length=1, max_length=MESSAGE_LIMIT)]
    stream: bool | None | UnsetType = UNSET
    stream_options: StreamOptions | None | UnsetType = UNSET
    tools: Annotated[list[FunctionTool], Meta(max_length=TOOL_LIMIT)] | None | UnsetType = UNSET
    tool_choice: ToolChoice | None | UnsetType = UNSET
    metadata: (
        Annotated[dict[Annotated[str, Meta(max_length=64)], MetadataText], Meta(max_length=16)]
        | None
        | UnsetType
    ) = UNSET
    conversation_id: ContextId | UnsetType = UNSET
    parent_message_id: ContextId | UnsetType = UNSET
    n: int | None | UnsetType = UNSET
    store: bool | None | UnsetType = UNSET
    modalities: list[str] | None | UnsetType = UNSET
    audio: Any = UNSET
    functions: Any = UNSET
    function_call: Any = UNSET
    prediction: Any = UNSET
    web_search_options: Any = UNSET
    moderation: Any = UNSET
