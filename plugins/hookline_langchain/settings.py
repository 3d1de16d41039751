"""What ``[providers.<name>]`` may hold when its kind is ``langchain``."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated, Any

from msgspec import Meta, Struct

from hookline.usage_blocks import Cached

COMMON = frozenset({"max_completion_tokens", "max_tokens", "stop", "temperature", "top_p"})
"""The fields of a request that every chat model of LangChain takes."""

OPENAI = COMMON | {
    "frequency_penalty",
    "logit_bias",
    "logprobs",
    "metadata",
    "parallel_tool_calls",
    "presence_penalty",
    "prompt_cache_key",
    "reasoning_effort",
    "response_format",
    "safety_identifier",
    "seed",
    "service_tier",
    "top_logprobs",
    "user",
    "verbosity",
}
"""Those that LangChain's models for OpenAI's API send on as they are."""

_TOKEN_LIMITS = ("max_completion_tokens", "max_tokens")
OPENAI_PROVIDERS = frozenset({"azure_openai", "openai"})

ADDING_BEFORE: Mapping[str, tuple[str, tuple[int, int]]] = {
    "bedrock": ("langchain-aws", (1, 9)),
    "bedrock_converse": ("langchain-aws", (1, 5)),
}
"""Integrations that left cached tokens out of the input, as Bedrock does, and since which release
they include them, as all others do."""

VENDORS: Mapping[str, str] = {
    "anthropic": "anthropic",
    "anthropic_bedrock": "aws",
    "azure_openai": "azure",
    "bedrock": "aws",
    "bedrock_converse": "aws",
    "cohere": "cohere",
    "deepseek": "deepseek",
    "fireworks": "fireworks",
    "google_anthropic_vertex": "google",
    "google_genai": "google",
    "google_vertexai": "google",
    "groq": "groq",
    "mistralai": "mistral",
    "openai": "openai",
    "openrouter": "openrouter",
    "perplexity": "perplexity",
    "together": "together",
    "xai": "x-ai",
}
"""What price lists call the vendors, by the names that ``init_chat_model`` gives them."""


SEEING = frozenset({"anthropic", "google", "openai"})
"""Vendors whose models see images, all but a few old ones."""


class LangChainSettings(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Which of LangChain's models to open, and how.

    Args:
        model_provider: as ``init_chat_model`` calls it, such as ``anthropic``; its package must be
            installed. The agent's ``model`` is the name of the model.
        options: arguments of the model's class, such as ``api_key``, ``base_url``, ``timeout`` in
            seconds and ``max_retries``.
        parameters: the fields of a request that this model honours, where the plugin knows too
            little about it; a request with another one is refused.
        cached_tokens: whether the input that the model reports includes cached tokens
            (``included``) or they are to be added (``added``), where the plugin is wrong about it.
        images: whether the models see images, so that they are shown those that tools make; unless
            given, those of Anthropic, Google and OpenAI do.
        vendor: who sells the models, as price lists call them, where that is somebody else.
    """

    model_provider: Annotated[str, Meta(min_length=1)]
    options: Mapping[str, Any] = {}
    parameters: list[str] | None = None
    cached_tokens: Cached | None = None
    images: bool | None = None
    vendor: str | None = None

    @property
    def sees(self) -> bool:
        """Whether the models see images."""
        if self.images is not None:
            return self.images
        return self.sold_by() in SEEING

    @property
    def cached(self) -> Cached:
        """Whether the input that the models report includes cached tokens.

        LangChain's ``UsageMetadata`` does, and so do its integrations, of Anthropic (the seed's
        11.3) as of others; those of Bedrock do in newer releases.
        """
        if self.cached_tokens is not None:
            return self.cached_tokens
        if self.model_provider not in ADDING_BEFORE:
            return "included"
        package, since = ADDING_BEFORE[self.model_provider]
        try:
            return counting(version(package), since)
        except PackageNotFoundError:
            return "included"

    def sold_by(self) -> str | None:
        """Who sells the models, as price lists call them.

        Anybody may be behind an address that is given to OpenAI's client.
        """
        if self.model_provider == "openai" and "base_url" in self.options:
            return self.vendor
        return self.vendor or VENDORS.get(self.model_provider)

    def honoured(self) -> frozenset[str]:
        """The fields of a request that the models honour."""
        if self.parameters is not None:
            return frozenset(self.parameters)
        return OPENAI if self.model_provider in OPENAI_PROVIDERS else COMMON

    def arguments(self) -> dict[str, Any]:
        """The arguments of the model's class."""
        if self.model_provider not in OPENAI_PROVIDERS:
            return dict(self.options)
        # Without it, usage is not asked for where base_url is set.
        return {"stream_usage": True, **self.options}

    def call(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters of a request as arguments of one call of a model."""
        arguments = {name: value for name, value in parameters.items() if value is not None}
        if isinstance(arguments.get("stop"), str):
            arguments["stop"] = [arguments["stop"]]
        limits = [arguments.pop(name) for name in _TOKEN_LIMITS if name in arguments]
        if limits:
            arguments["max_tokens"] = limits[0]
        form = arguments.get("response_format")
        responses_api = self.options.get("use_responses_api")
        if form is not None and self.model_provider in OPENAI_PROVIDERS and not responses_api:
            # As an argument, it makes OpenAI's client parse the answer: one that was cut short by
            # the limit of tokens then raises, and so do tools that are not strict.
            del arguments["response_format"]
            extra = {**self.options.get("extra_body", {}), "response_format": form}
            arguments["extra_body"] = extra
        return arguments

    def __rich_repr__(self) -> list[tuple[str, Any]]:
        """The fields, without what must not be seen: options hold keys."""
        return [
            ("model_provider", self.model_provider),
            ("options", sorted(self.options)),
            ("parameters", self.parameters),
        ]

    def __repr__(self) -> str:
        """The fields, without what must not be seen."""
        fields = ", ".join(f"{name}={value!r}" for name, value in self.__rich_repr__())
        return f"{type(self).__name__}({fields})"


def counting(release: str, since: tuple[int, int]) -> Cached:
    """How an integration of this release counts, if it includes cached tokens since another one."""
    major, minor = (int(part) for part in release.split(".")[:2])
    return "included" if (major, minor) >= since else "added"
