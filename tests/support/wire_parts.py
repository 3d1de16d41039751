"""Plugins and agents that the wire's cases talk to."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from hookline import (
    Agent,
    Artifact,
    Attachment,
    PluginContext,
    Principal,
    RunScope,
    StaticTools,
    Tool,
    ToolLoader,
    ToolResult,
    ToolSpec,
    hookimpl,
    tool,
)
from hookline.errors import AdmissionRefused, StoreUnavailable
from hookline.quotas import Quota, RateLimit
from hookline.usage import Admission, Closing, UsageEntry
from hookline_memory import MemoryStore


@tool
async def add(a: int, b: int) -> int:
    """Add two whole numbers."""
    return a + b


@tool
async def shout(text: str) -> str:
    """Repeat a text in capitals."""
    return text.upper()


@tool
async def explode() -> str:
    """Fail."""
    raise RuntimeError("the fuse is damp")


@tool
async def sleep() -> str:
    """Take for ever."""
    await asyncio.Event().wait()
    return "awake"


@tool
async def draw(subject: str) -> ToolResult:
    """Draw a picture."""
    picture = Artifact(kind="drawing", name=f"{subject}.svg", data="<svg/>")
    return ToolResult(f"I drew {subject}.", [picture])


@tool
async def scan(subject: str) -> ToolResult:
    """Scan a document that cannot be read."""
    page = Artifact(kind="drawing", name=f"{subject}.tiff", data=None)
    return ToolResult(f"I scanned {subject}.", [page])


class Pictures:
    """Makes an attachment of a drawing that has data."""

    def accepts(self, artifact: Artifact) -> bool:
        return artifact.kind == "drawing"

    async def process(self, artifact: Artifact, scope: RunScope) -> Attachment | None:
        if artifact.data is None:
            raise ValueError("there is nothing in it")
        data = {"mime": "image/svg+xml", "source": artifact.data}
        return Attachment(kind="image", name=artifact.name, data=data)


class LockedTools(ToolLoader):
    """Defines the tool ``locked`` and cannot load it."""

    async def definitions(self, agent: Agent, principal: Principal) -> Sequence[ToolSpec]:
        return [ToolSpec("locked", "Open a safe.")] if "locked" in agent.tools else []

    async def load(self, names: Sequence[str], scope: RunScope) -> Mapping[str, Tool]:
        raise PermissionError("the key is lost")


class Workshop:
    """A plugin with tools, and a processor of what they make."""

    @hookimpl
    def tool_loader(self, plugin: PluginContext) -> ToolLoader:
        return StaticTools(add, shout, explode, sleep, draw, scan)

    @hookimpl
    def artifact_processor(self) -> Pictures:
        return Pictures()


class Vault:
    """A plugin whose tool cannot be loaded."""

    @hookimpl
    def tool_loader(self) -> ToolLoader:
        return LockedTools()


class Recording:
    """A plugin with this usage recorder."""

    def __init__(self, recorder: object):
        self._recorder = recorder

    @hookimpl
    def usage_recorder(self) -> object:
        return self._recorder


class Limited:
    """A usage recorder under whose limits every run falls; without requests left it refuses.

    Args:
        remaining: how many requests are left.
    """

    def __init__(self, remaining: int):
        self._quota = Quota(
            requests=RateLimit(limit=60, remaining=remaining, reset=0.12),
            tokens=RateLimit(limit=150_000, remaining=149_984, reset=360.0),
        )

    async def admit(self, admission: Admission) -> Quota:
        if self._quota.requests and not self._quota.requests.remaining:
            message = "the limit is 60 requests a minute, and none is left"
            raise AdmissionRefused(message, retry_after=0.12, quota=self._quota)
        return self._quota

    async def record(self, entry: UsageEntry) -> None:
        """What is used does not matter."""

    async def close(self, closing: Closing) -> None:
        """Nothing was reserved."""


class BrokenPermissions:
    """A plugin whose permission backend fails."""

    @hookimpl
    def permission_backend(self) -> "BrokenPermissions":
        return self

    async def authenticate(self, credentials: object) -> None:
        raise ConnectionError("the directory does not answer")

    async def allowed(self, principal: object, permission: object, kind: object) -> None:
        raise ConnectionError("the directory does not answer")


class FailingAgents:
    """An agent store that takes agents and then does not answer."""

    async def put(
        self, agent: Agent, *, expected: int | None = None, grants: Sequence[object] = ()
    ) -> Agent:
        if expected is not None:
            raise StoreUnavailable("the database does not answer")
        return agent

    async def get(self, agent: str) -> Agent:
        raise StoreUnavailable("the database does not answer")

    async def list(self, *, after: str = "", limit: int = 0) -> Sequence[Agent]:
        raise StoreUnavailable("the database does not answer")


class FailingStore(MemoryStore):
    """A store whose agents cannot be read."""

    def __init__(self) -> None:
        super().__init__()
        self.agents: Any = FailingAgents()

    async def ping(self) -> None:
        raise StoreUnavailable("the database does not answer")


class FailingStores:
    """A plugin and a kind of store: ``failing://``."""

    scheme = "failing"

    @hookimpl
    def store(self) -> "FailingStores":
        return self

    def open(self, url: str) -> FailingStore:
        return FailingStore()


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    """A call in a rule of the scripted model."""
    return {"name": name, "arguments": arguments}


def scripted(*rules: Mapping[str, Any], **table: Any) -> dict[str, Any]:
    """A scripted agent with these rules; what is left of ``table`` are fields of the agent."""
    pace = {key: table.pop(key) for key in list(table) if key in PACE}
    parameters = {**table.pop("parameters", {}), "scripted": {"rules": list(rules), **pace}}
    return {"provider": "script", "model": "m", "model_parameters": parameters, **table}


PACE = frozenset(
    {
        "chunk_tokens",
        "delay",
        "first_delay",
        "status",
        "message",
        "reason",
        "retry_after",
        "stall_after",
        "cut_after",
        "malformed_after",
    }
)

TOOLS = ["add", "shout", "explode", "sleep", "draw", "scan"]

AGENTS: Mapping[str, dict[str, Any]] = {
    "echo": scripted(name="Echo", description="Says what was said."),
    "team/echo:1": scripted(),
    "instructed": scripted(instructions="Answer in one word."),
    "silent": scripted({"reply": ""}),
    "chunks": scripted({"reply": ["One\n", "“two” ", '"three"\u2028', "👩\u200d🚀 \\ \u0000"]}),
    "refuser": scripted({"refusal": "I will not do that."}),
    "filtered": scripted({"reply": "It began well", "finish_reason": "content_filter"}),
    "odd-finish": scripted({"reply": "Done.", "finish_reason": "end_turn"}),
    "thinker": scripted({"reasoning": "Two and two.", "reply": "Four."}),
    "audited": scripted(
        {
            "reply": "Counted.",
            "usage": {
                "input": 100,
                "output": 40,
                "cache_read": 60,
                "reasoning": 30,
                "audio_input": 5,
                "audio_output": 3,
            },
        }
    ),
    "uncounted": scripted({"reply": "Nobody counted this.", "usage": "none"}),
    "locked": scripted(
        locked=["temperature", "max_tokens"], parameters={"temperature": 0, "max_tokens": 2}
    ),
    "whole": scripted(parameters={"disableStreaming": True}),
    "libre": scripted(dialect="librechat"),
    "one-tool": scripted(
        {"tool_calls": [call("add", a=1, b=2)]}, {"turn": 2, "reply": "It is 3."}, tools=["add"]
    ),
    "parallel": scripted(
        {"tool_calls": [call("add", a=1, b=2), call("shout", text="hey"), call("add", a=3, b=4)]},
        {"turn": 2, "reply": "3, HEY and 7."},
        tools=["add", "shout"],
    ),
    "in-turn": scripted(
        {"reply": "First I add.", "tool_calls": [call("add", a=1, b=2)]},
        {
            "turn": 2,
            "reasoning": "Now louder.",
            "reply": "Then I shout.",
            "tool_calls": [call("shout", text="three")],
        },
        {"turn": 3, "reply": "THREE it is."},
        tools=["add", "shout"],
    ),
    "silent-tool": scripted(
        {"tool_calls": [call("add", a=1, b=2)]}, {"turn": 2, "reply": ""}, tools=["add"]
    ),
    "failing-tool": scripted(
        {"tool_calls": [call("explode")]}, {"turn": 2, "reply": "It failed."}, tools=["explode"]
    ),
    "unknown-tool": scripted(
        {"tool_calls": [call("teleport", to="Mars")]},
        {"turn": 2, "reply": "I cannot."},
        tools=["add"],
    ),
    "badly-called": scripted(
        {
            "tool_calls": [
                call("add", a="one"),
                {"name": "add", "arguments": "{broken"},
                {"name": "add", "arguments": "[1]"},
            ]
        },
        {"turn": 2, "reply": "I called it badly."},
        tools=["add"],
    ),
    "slow-tool": scripted(
        {"tool_calls": [call("sleep")]}, {"turn": 2, "reply": "It slept."}, tools=["sleep"]
    ),
    "long-tool": scripted(
        {"tool_calls": [call("shout", text="abcdefghijklmnopqrstuvwxyz")]},
        {"turn": 2, "reply": "That was long."},
        tools=["shout"],
    ),
    "restless": scripted(
        {"turn": "every", "reply": "Again.", "tool_calls": [call("add", a=1, b=1)]},
        tools=["add"],
        recursion_limit=4,
    ),
    "locked-out": scripted({"tool_calls": [call("locked")]}, tools=["locked"]),
    "locked-out-after-text": scripted(
        {"reply": "I try.", "tool_calls": [call("locked")]}, tools=["locked"]
    ),
    "locked-out-degraded": scripted(
        {"tool_calls": [call("locked")]},
        {"turn": 2, "reply": "It stays shut."},
        tools=["locked"],
        on_tool_failure="degrade",
    ),
    "toolless": scripted(tools=["no-such-tool"]),
    "toolless-degraded": scripted(tools=["no-such-tool"], on_tool_failure="degrade"),
    "toolbox": scripted(tools=TOOLS),
    "artist": scripted(
        {"tool_calls": [call("draw", subject="a cat")]},
        {"turn": 2, "first_delay": 0.05, "reply": "Here is a cat."},
        tools=["draw"],
    ),
    "scanner": scripted(
        {"tool_calls": [call("scan", subject="a page")]},
        {"turn": 2, "first_delay": 0.05, "reply": "It could not be read."},
        tools=["scan"],
    ),
    "mixed": scripted(
        {
            "reply": "Let me see.",
            "tool_calls": [
                call("add", a=1, b=2),
                call("weather", city="Paris"),
                call("shout", text="hey"),
                call("weather", city="Rome"),
            ],
        },
        tools=["add", "shout"],
    ),
    "cut-at-once": scripted(cut_after=0),
    "cut": scripted({"reply": "One two three"}, cut_after=3),
    "cut-in-call": scripted({"tool_calls": [call("add", a=1, b=2)]}, cut_after=4, tools=["add"]),
    "malformed": scripted({"reply": "One two three"}, malformed_after=2),
    "length-in-call": scripted(
        {"tool_calls": [call("add", a=1, b=2)], "finish_reason": "length"}, tools=["add"]
    ),
    "stalled": scripted({"reply": "One two three"}, stall_after=2),
    "stalled-at-once": scripted(stall_after=0),
    "unscripted": {
        "provider": "script",
        "model": "m",
        "model_parameters": {"scripted": {"rulez": []}},
    },
    "homeless": {"provider": "nowhere", "model": "m"},
}

TABLES: Mapping[str, Any] = {
    "providers": {"script": {"kind": "scripted"}},
    "agents": AGENTS,
    "runs": {"tool_deadline": 5.0},
}
