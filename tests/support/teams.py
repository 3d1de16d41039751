"""Teams of agents without HTTP: each agent says what the test lists for it."""

from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing, asynccontextmanager
from typing import Any

from hookline import ModelRequest
from hookline.events import Event, RunEnded, Text
from hookline.providers import ModelDelta, ToolCallPiece
from hookline.runtime import Runtime
from hookline.wire.chat import SystemMessage, UserMessage
from support.runtimes import STOP, ListedModel, Step, opened


class AgentsModel(ListedModel):
    """A model that goes through lists, one per call, for each agent its own.

    The agents are told apart by the model that they name; see ``team``.
    """

    def __init__(self, **lines: Sequence[Sequence[Step]]):
        super().__init__()
        self.models = {name: ListedModel(*turns) for name, turns in lines.items()}

    async def stream(self, request: ModelRequest) -> AsyncGenerator[ModelDelta, None]:
        self.requests.append(request)
        async with aclosing(self.models[request.model].stream(request)) as deltas:
            async for delta in deltas:
                yield delta

    def asked(self, agent: str) -> Sequence[ModelRequest]:
        """What an agent was asked, in order."""
        return self.models[agent].requests

    @property
    def order(self) -> Sequence[str]:
        """Which agents were asked, one after the other."""
        return [request.model for request in self.requests]


@asynccontextmanager
async def team(
    model: ListedModel,
    agents: Mapping[str, Mapping[str, Any]],
    *plugins: object,
    tables: Mapping[str, Any] | None = None,
) -> AsyncIterator[Runtime]:
    """A runtime with these agents, each of which names the model that is called as it is."""
    rows = {id_: {"provider": "local", "model": id_, **fields} for id_, fields in agents.items()}
    async with opened(model, *plugins, tables={"agents": rows, **(tables or {})}) as runtime:
        yield runtime


def says(*texts: str) -> Sequence[Step]:
    """A turn that says this and calls nothing."""
    return [*map(Text, texts), STOP]


def calls(*named: str | tuple[str, str], text: str = "") -> Sequence[Step]:
    """A turn that calls tools: their names, or names with arguments."""
    pairs = [(one, "{}") if isinstance(one, str) else one for one in named]
    pieces = [
        ToolCallPiece(number, f"up_{number}", name, arguments)
        for number, (name, arguments) in enumerate(pairs)
    ]
    return [*([Text(text)] if text else []), *pieces, STOP]


def transfers(*agents: str, text: str = "") -> Sequence[Step]:
    """A turn that hands over to agents."""
    return calls(*(f"lc_transfer_to_{agent}" for agent in agents), text=text)


def heard(events: Sequence[Event]) -> str:
    """What the caller reads."""
    return "".join(event.text for event in events if isinstance(event, Text))


def end(events: Sequence[Event]) -> RunEnded | None:
    """How a run has ended."""
    return next((event for event in events if isinstance(event, RunEnded)), None)


def told(request: ModelRequest) -> Sequence[Any]:
    """What users have said in what a model reads."""
    return [message.content for message in request.messages if isinstance(message, UserMessage)]


def instructed(request: ModelRequest) -> Sequence[Any]:
    """The instructions in what a model reads."""
    return [message.content for message in request.messages if isinstance(message, SystemMessage)]


def offered(request: ModelRequest) -> Sequence[str]:
    """The names of the tools that a model is offered."""
    return [tool.name for tool in request.tools]
