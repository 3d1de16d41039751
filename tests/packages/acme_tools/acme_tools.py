"""A tool, what becomes of its artifacts, a command, a route and an observer, in one module."""

from collections.abc import Sequence
from typing import Any

import attrs
import click
import structlog
from litestar import get

from hookline import (
    Artifact,
    ArtifactProcessor,
    Attachment,
    EventSink,
    PluginContext,
    RunScope,
    StaticTools,
    ToolLoader,
    ToolResult,
    hookimpl,
    tool,
)
from hookline.events import Event


@tool
async def weather(city: str, scope: RunScope) -> ToolResult:
    """Tell the weather in a city."""
    text = f"It rains in {city}, {scope.principal.user}."
    return ToolResult(text, [Artifact(kind="acme.map", data={"city": city}, name=f"{city}.map")])


class Maps(ArtifactProcessor):
    """Makes a link of a map."""

    def accepts(self, artifact: Artifact) -> bool:
        """Maps only."""
        return artifact.kind == "acme.map"

    async def process(self, artifact: Artifact, scope: RunScope) -> Attachment | None:
        """A link to the map of the city."""
        link = f"/acme/weather/{artifact.data['city']}"
        return Attachment(kind="acme.map", name=artifact.name, data={"url": link})


@attrs.frozen
class Watch(EventSink):
    """Logs how many events a run has had."""

    logger: structlog.typing.FilteringBoundLogger

    async def write(self, scope: RunScope, position: int, events: Sequence[Event]) -> None:
        """Log it."""
        self.logger.info("acme.events_seen", run=scope.run, count=position + len(events))


@hookimpl
def tool_loader() -> ToolLoader:
    """Offer ``weather``."""
    return StaticTools(weather)


@hookimpl
def artifact_processor() -> ArtifactProcessor:
    """Offer links to maps."""
    return Maps()


@hookimpl
def event_sink(plugin: PluginContext) -> EventSink:
    """Watch all runs."""
    return Watch(plugin.logger)


@hookimpl
def http_routes() -> Sequence[Any]:
    """Offer ``GET /acme/weather/{city}``."""

    @get("/acme/weather/{city:str}")
    async def weather_map(city: str) -> dict[str, str]:
        return {"city": city, "map": "rain"}

    return [weather_map]


@hookimpl
def cli_commands() -> click.Command:
    """Offer ``hookline acme``."""

    @click.group()
    def acme() -> None:
        """Ask the Acme company."""

    @acme.command()
    @click.argument("city")
    def forecast(city: str) -> None:
        """Print the weather of tomorrow."""
        click.echo(f"It will rain in {city}.")

    return acme
