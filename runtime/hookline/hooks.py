"""The extension points. A hook is called once, at start-up, is synchronous and does no I/O.

It returns a *part*, or ``None`` if it has nothing to offer; the part does the work. ``plugin`` may
be left out of an implementation that does not need it. What a part must do, and what happens when
it fails, stands in the docstring of its type.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import pluggy

from hookline.artifacts import ArtifactProcessor
from hookline.context import PluginContext
from hookline.log import EventLogs
from hookline.permissions import PermissionBackend
from hookline.providers import ProviderKind
from hookline.sinks import EventSink
from hookline.store import StoreKind
from hookline.tools import ToolLoader
from hookline.usage import PriceList, UsageRecorder

if TYPE_CHECKING:
    import click

API_VERSION = 1
"""The version of everything a plugin can touch. A plugin may ask for it: ``hookline_api = 1``."""

GROUP = "hookline"
"""The entry-point group, and the name of the pluggy project."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])
_spec = pluggy.HookspecMarker(GROUP)
_impl = pluggy.HookimplMarker(GROUP)


def hookimpl(function: FunctionT) -> FunctionT:
    """Mark a function as the implementation of the hook that has its name."""
    return _impl(function)


def hookspec(function: FunctionT) -> FunctionT:
    """Mark a function as a hook."""
    return _spec(function)


@hookspec
def tool_loader(plugin: PluginContext) -> ToolLoader | None:
    """Offer tools to agents.

    On failure the run fails with ``tool_unavailable``, unless the agent says
    ``on_tool_failure = "degrade"``.
    """


@hookspec
def artifact_processor(plugin: PluginContext) -> ArtifactProcessor | None:
    """Make attachments of artifacts. On failure the attachment carries the error."""


@hookspec
def usage_recorder(plugin: PluginContext) -> UsageRecorder | None:
    """Admit runs, and record what they consume.

    Admission fails closed; a record is retried until it lands. Without this part, once the plugin
    is installed, the server does not start.
    """


@hookspec
def price_list(plugin: PluginContext) -> PriceList | None:
    """Say what model calls and tool calls cost.

    Without this part, once the plugin is installed, the server does not start. A failure of the
    part leaves an entry without a price, and is logged.
    """


@hookspec
def permission_backend(plugin: PluginContext) -> PermissionBackend | None:
    """Decide who a caller is and what they may use.

    Fails closed with 503. Without this part, once the plugin is installed, the server does not
    start.
    """


@hookspec
def model_provider(plugin: PluginContext) -> ProviderKind | None:
    """Offer a kind of model provider. On failure the run fails with the provider's status."""


@hookspec
def store(plugin: PluginContext) -> StoreKind | None:
    """Offer a store for URLs of a scheme. On failure start-up stops with one line."""


@hookspec
def event_log(plugin: PluginContext) -> EventLogs | None:
    """Offer event logs for URLs of a scheme. On failure start-up stops with one line."""


@hookspec
def event_sink(plugin: PluginContext) -> EventSink | None:
    """Observe the events of every run. A failure is logged and changes nothing."""


@hookspec
def http_routes(plugin: PluginContext) -> Sequence[Any] | None:
    """Add Litestar route handlers to the server. On failure the plugin is quarantined."""


@hookspec
def cli_commands() -> "click.Command | None":
    """Add a command, or a group of them, to ``hookline``. On failure the command is missing."""


HOOKS: Sequence[str] = (
    "tool_loader",
    "artifact_processor",
    "usage_recorder",
    "price_list",
    "permission_backend",
    "model_provider",
    "store",
    "event_log",
    "event_sink",
    "http_routes",
    "cli_commands",
)
