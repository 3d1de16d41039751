"""Hookline, as a plugin author sees it: what plugins offer, and what they are given."""

from hookline.agents import Agent
from hookline.artifacts import Artifact, ArtifactProcessor, Attachment
from hookline.context import PluginContext
from hookline.files import FileRecord
from hookline.filing import Files
from hookline.hooks import hookimpl
from hookline.log import EventLog, EventLogs
from hookline.permissions import Credentials, PermissionBackend, Principal, ResourceFilter
from hookline.providers import ModelProvider, ModelRequest, ProviderKind
from hookline.records import Record, RecordStore
from hookline.scope import CallScope, RunScope
from hookline.sinks import EventSink
from hookline.store import Store, StoreKind
from hookline.tools import StaticTools, Tool, ToolLoader, ToolResult, ToolSpec, tool
from hookline.usage import Admission, Closing, Price, PriceList, UsageEntry, UsageRecorder
from hookline.vault import Vault

__all__ = [
    "Admission",
    "Agent",
    "Artifact",
    "ArtifactProcessor",
    "Attachment",
    "CallScope",
    "Closing",
    "Credentials",
    "EventLog",
    "EventLogs",
    "EventSink",
    "FileRecord",
    "Files",
    "ModelProvider",
    "ModelRequest",
    "PermissionBackend",
    "PluginContext",
    "Price",
    "PriceList",
    "Principal",
    "ProviderKind",
    "Record",
    "RecordStore",
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
    "Vault",
    "hookimpl",
    "tool",
]
