"""The provider: one chat model of LangChain's for each model that agents name."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from functools import lru_cache
from typing import Any, cast

from langchain.chat_models import init_chat_model
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage
from langchain_core.runnables import Runnable

from hookline import ModelRequest
from hookline.providers import ModelDelta
from hookline_langchain import failures, messages
from hookline_langchain.chunks import Answer
from hookline_langchain.settings import LangChainSettings

MODELS = 64
"""How many models are kept open; the one that was not used for longest goes first."""


class LangChainProvider:
    """Streams from any chat model that ``init_chat_model`` can open."""

    def __init__(self, name: str, settings: LangChainSettings):
        self.name = name
        self.parameters = settings.honoured()
        self.vendor = settings.sold_by()
        self.images = settings.sees
        self._settings = settings
        self._cached = settings.cached
        self.model = lru_cache(maxsize=MODELS)(self._open)

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        """The answer, piece by piece; closing the iterator ends the upstream's work."""
        secrets = failures.secrets_of(self._settings.options)
        try:
            # In a thread: the first model of a package imports it, which takes a second.
            model = await asyncio.to_thread(self.model, request.model)
            secrets |= failures.secrets_of({}, model)
            answer = Answer(self._cached)
            async with aclosing(self._chunks(model, request)) as chunks:
                async for chunk in chunks:
                    for delta in answer.read(chunk):
                        yield delta
            yield answer.finished()
        except Exception as error:
            raise failures.translated(error, self.name, secrets) from error

    def _open(self, model: str) -> BaseChatModel:
        opened = init_chat_model(
            model, model_provider=self._settings.model_provider, **self._settings.arguments()
        )
        return cast("BaseChatModel", opened)

    def _chunks(
        self, model: BaseChatModel, request: ModelRequest
    ) -> AsyncGenerator[AIMessage, None]:
        arguments = self._settings.call(request.parameters)
        parallel = arguments.pop("parallel_tool_calls", None)
        bound: Runnable[Any, Any] = model
        if request.tools and request.tool_choice != "none":
            choice = messages.tool_choice(request.tool_choice) if request.tool_choice else None
            extra = {} if parallel is None else {"parallel_tool_calls": parallel}
            tools = [messages.tool_schema(spec) for spec in request.tools]
            bound = model.bind_tools(tools, tool_choice=choice, **extra)
        conversation = [messages.converted(message) for message in request.messages]
        return cast("AsyncGenerator[AIMessage, None]", bound.astream(conversation, **arguments))
