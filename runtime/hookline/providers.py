"""Model providers: where tokens come from."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import attrs
from msgspec import Struct

from hookline.events import Reasoning, Refusal, Text
from hookline.tools import ToolSpec
from hookline.usage import TokenCounts
from hookline.wire.chat import Message, ToolChoice

SettingsT = TypeVar("SettingsT", bound=Struct)


@attrs.frozen(kw_only=True)
class ModelRequest:
    """One call of a model.

    ``parameters`` are OpenAI's request fields (``temperature``, ``max_tokens``, ``stop``,
    ``response_format`` …) as plain JSON values, of the agent and of the request together.
    """

    model: str
    messages: Sequence[Message]
    tools: Sequence[ToolSpec] = ()
    tool_choice: ToolChoice | None = None
    parameters: Mapping[str, Any] = attrs.field(factory=dict)


class ToolCallPiece(Struct, frozen=True):
    """A piece of a tool call, in any form that upstreams send.

    A call is known by ``index`` (gaps are fine), else by ``id``, else by the arrival of a new
    name; a piece without any of them goes on with the last call.
    """

    index: int | None = None
    id: str | None = None
    name: str | None = None
    arguments: str = ""


class ModelUsage(Struct, frozen=True):
    """What the upstream says the call consumed. The last one counts."""

    tokens: TokenCounts


class ModelFinished(Struct, frozen=True):
    """Why the model stopped: OpenAI's ``finish_reason``, or a word of the upstream's own."""

    reason: str


ModelDelta = Text | Reasoning | Refusal | ToolCallPiece | ModelUsage | ModelFinished


class ModelProvider(Protocol):
    """Streams a model's answer. Raises ``ProviderError``; the run then fails with its status.

    ``parameters`` names the fields of a request that it honours. A request with another one is
    refused, so that nothing is silently ignored.

    It may have an attribute ``vendor`` as well: who sells the models, as price lists call them
    (``openai``). Without it, only prices in the config can say what its models cost. And an
    attribute ``images``: whether its models see images, so that those that tools make are shown to
    them; without it they are not.
    """

    parameters: frozenset[str]

    def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        """The answer, piece by piece; closing the generator ends the upstream's work."""


@attrs.frozen
class ProviderKind:
    """What a ``model_provider`` hook gives: how to open a ``[providers.<name>]`` of this kind.

    Args:
        kind: the value of ``kind`` in the config.
        settings: what the table may hold, besides ``kind``.
        open: makes the provider from its name and its settings; no I/O.
    """

    kind: str
    settings: type[Struct]
    open: Callable[[str, Any], ModelProvider]


def vendor_of(provider: ModelProvider) -> str | None:
    """Who sells the provider's models, as price lists call them, if it says so: ``vendor``."""
    vendor: str | None = getattr(provider, "vendor", None)
    return vendor


def sees_images(provider: ModelProvider) -> bool:
    """Whether the provider's models see images, as it says itself: ``images``."""
    return bool(getattr(provider, "images", False))
