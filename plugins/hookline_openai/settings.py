"""What ``[providers.<name>]`` may hold when its kind is ``openai``."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from hookline_openai.vendors import vendor_at

Seconds = Annotated[float, Meta(gt=0)]
Pause = Annotated[float, Meta(ge=0)]
Count = Annotated[int, Meta(ge=0)]
BaseUrl = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?\Z")]
HeaderName = Annotated[str, Meta(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+\Z")]
Header = Annotated[str, Meta(pattern=r"^[^\r\n\x00]*\Z")]

SECRET = frozenset({"api_key", "headers"})


class OpenAISettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the upstream is, how to talk to it, and how patient to be. Times are in seconds.

    Args:
        base_url: up to and without ``/chat/completions``.
        api_key: sent as a bearer token; empty for an upstream that wants none.
        organization: sent as ``OpenAI-Organization``.
        project: sent as ``OpenAI-Project``.
        headers: sent with every request; they win over those that are sent anyway.
        connect_timeout: how long a new connection may take.
        first_token_timeout: how long the upstream may take from the request to the first token.
        token_timeout: how long it may pause between two tokens.
        retries: how often a request that got 429, 5xx or no connection is sent again.
        retry_wait_initial: about how long to wait before the first retry; doubled for each.
        retry_wait_max: the longest wait that the upstream has not asked for.
        retry_after_max: a longer ``Retry-After`` is not waited for; the run fails at once.
        max_connections: how many at a time; 0 means any number.
        max_event_bytes: the largest event of a stream, or answer that is not streamed.
        max_tokens_field: the name under which the limit of tokens is sent.
        replay_reasoning: the name under which earlier reasoning is sent back, if at all.
        developer_role: the role that developer messages are sent with.
        include_usage: whether to ask for token counts; without them, usage is estimated.
        cached_tokens: whether the input that the upstream reports includes cached tokens, as
            OpenAI's does, or they are to be added, as in Anthropic's own API.
        images: whether the models see images, so that they are shown those that tools make; unless
            given, models at OpenAI's own address do.
        vendor: who sells the models, as price lists call them; unless given, the one to whom the
            host of ``base_url`` belongs.
    """

    base_url: BaseUrl = "https://api.openai.com/v1"
    api_key: Header = ""
    organization: Header = ""
    project: Header = ""
    headers: Mapping[HeaderName, Header] = {}
    connect_timeout: Seconds = 5.0
    first_token_timeout: Seconds = 60.0
    token_timeout: Seconds = 60.0
    retries: Count = 2
    retry_wait_initial: Pause = 0.5
    retry_wait_max: Pause = 8.0
    retry_after_max: Pause = 20.0
    max_connections: Count = 0
    max_event_bytes: Annotated[int, Meta(ge=1024)] = 8 * 1024 * 1024
    max_tokens_field: Literal["max_tokens", "max_completion_tokens", "as_sent"] = "as_sent"
    replay_reasoning: Literal["none", "reasoning", "reasoning_content"] = "none"
    developer_role: Literal["developer", "system"] = "developer"
    include_usage: bool = True
    cached_tokens: Literal["included", "added"] = "included"
    images: bool | None = None
    vendor: str | None = None

    @property
    def sees(self) -> bool:
        """Whether the models see images."""
        if self.images is not None:
            return self.images
        return vendor_at(self.base_url) == "openai"

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The fields, without what must not be seen."""
        fields = [(name, getattr(self, name)) for name in self.__struct_fields__]
        return [(k, "[hidden]" if k in SECRET and v else v) for k, v in fields]

    def __repr__(self) -> str:
        """The fields, without what must not be seen."""
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"
