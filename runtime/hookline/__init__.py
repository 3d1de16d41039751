"""Hookline, as a plugin author sees it: what plugins offer, and what they are given."""

from hookline.agents import Agent
from hookline.artifacts import Artifact, ArtifactProcessor, Attachment
from hookline.context import PluginContext
from hookline.hooks import hookimpl
from hookline.log import EventLog, EventLogs
from hookline.permissions import Credentials, PermissionBackend, Principal, ResourceFilter
from hookline.providers import ModelProvider, ModelRequest, ProviderKind
from hookline.scope import RunScope
from hookline.sinks import EventSink
from hookline.store import Store, StoreKind
from hookline.tools import StaticTools, Tool, ToolLoader, ToolResult, ToolSpec, tool
from hookline.usage import Admission, Closing, Price, PriceList, UsageEntry, UsageRecorder

__all__ = [
    "Admission",
    "Agent",
    "Artifact",
    "ArtifactProcessor",
    "Attachment",
    "Closing",
    "Credentials",
    "EventLog",
    "EventLogs",
    "EventSink",
    "ModelProvider",
    "ModelRequest",
    "PermissionBackend",
    "PluginContext",
    "Price",
    "PriceList",
    "Principal",
    "ProviderKind",
    "ResourceFilter",
    "RunScope",
    "StaticTools",
    "Store",
    "StoreKind",
    "Tool",
    "ToolLoader",
    "ToolResult",
    "ToolSpec",
    "UsageEntry",
    "UsageRecorder",
    "hookimpl",
    "tool",
]
