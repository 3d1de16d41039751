"""Runtimes without HTTP: a model that says what the test lists, and whatever plugins it adds."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import msgspec

import hookline_memory
from hookline import (
    Agent,
    Credentials,
    ModelRequest,
    PluginContext,
    Principal,
    ProviderKind,
    ResourceFilter,
    RunScope,
    StaticTools,
    ToolLoader,
    hookimpl,
    tool,
)
from hookline.config import Config
from hookline.events import Event
from hookline.permissions import EVERYTHING, NOTHING
from hookline.plugins import Plugins
from hookline.providers import ModelDelta, ModelFinished
from hookline.registry import Registry
from hookline.runs import Run
from hookline.runtime import Runtime
from hookline.testing import RecordingRecorder
from hookline.wire.chat import ChatCompletionRequest, UserMessage

ResultT = TypeVar("ResultT")
ALICE = Principal(user="alice", key="key_1")
SECONDS = 20
STOP = ModelFinished("stop")
Step = ModelDelta | BaseException | Callable[[], Awaitable[object]]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing can be set."""


class ListedModel:
    """A model that goes through lists, one per call; the last one serves all further calls.

    An exception in a list is raised, and a function is called and waited for.
    """

    parameters = frozenset({"temperature", "max_tokens", "max_completion_tokens", "metadata"})

    def __init__(self, *turns: Sequence[Step]):
        self.turns = turns
        self.requests: list[ModelRequest] = []
        self.closed = 0

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        turn = self.turns[min(len(self.requests), len(self.turns) - 1)]
        self.requests.append(request)
        try:
            for step in turn:
                if isinstance(step, BaseException):
                    raise step
                if callable(step):
                    await step()
                else:
                    yield step
        finally:
            self.closed += 1


class Model:
    """A plugin with this model, as the kind ``listed``."""

    def __init__(self, model: ListedModel):
        self._model = model

    @hookimpl
    def model_provider(self) -> ProviderKind:
        return ProviderKind("listed", Settings, lambda name, settings: self._model)


class OpenDoor:
    """A plugin that knows ``alice`` alone and lets her call every agent."""

    @hookimpl
    def permission_backend(self) -> "OpenDoor":
        return self

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        return ALICE if credentials.token == "alice" else None

    async def allowed(self, principal: Principal, permission: str, kind: str) -> ResourceFilter:
        return EVERYTHING if principal.user == "alice" else NOTHING


class Adder:
    """A plugin with a tool."""

    @hookimpl
    def tool_loader(self, plugin: PluginContext) -> ToolLoader:
        @tool
        async def add(a: int, b: int) -> int:
            """Add."""
            return a + b

        return StaticTools(add)


class Recorder:
    """A plugin that records usage."""

    def __init__(self) -> None:
        self.recorder = RecordingRecorder()

    @hookimpl
    def usage_recorder(self) -> RecordingRecorder:
        return self.recorder


@asynccontextmanager
async def opened(
    model: ListedModel, *plugins: object, tables: Mapping[str, Any] | None = None, **agent: Any
) -> AsyncIterator[Runtime]:
    """A runtime with the agent ``helper``, which speaks through this model."""
    helper = {"provider": "local", "model": "m", **agent}
    config = msgspec.convert(
        {
            "store": {"url": "memory://"},
            "providers": {"local": {"kind": "listed"}},
            "agents": {"helper": helper},
            **(tables or {}),
        },
        Config,
    )
    found = Plugins(config.plugins, "test.toml")
    found.add("memory", hookline_memory)
    found.add("door", OpenDoor())
    found.add("model", Model(model))
    for number, plugin in enumerate(plugins):
        found.add(f"plugin{number}", plugin)
    async with Runtime(Registry(config, found, "test.toml")) as runtime:
        yield runtime


async def start(runtime: Runtime, content: str = "Hi", **fields: Any) -> Run:
    """Begin a run of ``helper``; ``fields`` are the request's."""
    messages = fields.pop("messages", [UserMessage(content)])
    request = ChatCompletionRequest(model="helper", messages=messages, **fields)
    agent = await runtime.access.find_agent(ALICE, "helper")
    return await runtime.start(ALICE, agent, request)


async def finished(run: Run) -> Sequence[Event]:
    """All events of a run, once it has ended."""
    await run.wait()
    return await run.log.read(0) or ()


async def answer(runtime: Runtime, content: str = "Hi", **fields: Any) -> Sequence[Event]:
    """All events of a new run of ``helper``."""
    return await finished(await start(runtime, content, **fields))


def run(work: Callable[[], Awaitable[ResultT]]) -> ResultT:
    """The result of a coroutine function, which may take 20 seconds."""

    async def bounded() -> ResultT:
        async with asyncio.timeout(SECONDS):
            return await work()

    return asyncio.run(bounded())


def scope(run: str = "run_1") -> RunScope:
    """The scope of some run of alice's."""
    return RunScope(run=run, agent="helper", principal=ALICE, deadline=float("inf"))


HELPER = Agent(id="helper", provider="local", model="m")
