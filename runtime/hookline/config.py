"""The config that a runtime is made from. The API adds its own tables."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from hookline.agents import DEFAULT_RECURSION_LIMIT, Agent, Dialect

Seconds = Annotated[float, Meta(gt=0)]
AGENT_ID = r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,255}(?!\n)$"


class StoreConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[store]``: where agents and keys are kept."""

    url: str = "sqlite:///./hookline.db"
    cache_seconds: Annotated[float, Meta(ge=0)] = 5.0


class EventLogConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[event_log]``: where the events of runs are kept while they are read."""

    url: str = "memory://"


class RunsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[runs]``: limits of a run. Times in seconds."""

    deadline: Seconds = 600.0
    tool_deadline: Seconds = 60.0
    part_deadline: Seconds = 10.0
    tool_concurrency: Annotated[int, Meta(ge=1)] = 16
    tool_result_limit: Annotated[int, Meta(ge=1)] = 400_000
    continuation_hours: Annotated[float, Meta(gt=0)] = 24.0
    part_deadlines: Mapping[str, Seconds] = {}


class RuntimeConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[runtime]``: which plugins are left alone, and which must not be missing."""

    disabled_plugins: list[str] = []
    required_plugins: list[str] = []


class AgentConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[agents.<id>]``: an agent as code."""

    provider: str
    model: str
    name: str = ""
    description: str = ""
    instructions: str = ""
    model_parameters: Mapping[str, Any] = {}
    tools: list[str] = []
    locked: list[str] = []
    recursion_limit: Annotated[int, Meta(ge=1, le=10_000)] = DEFAULT_RECURSION_LIMIT
    dialect: Dialect | None = None
    on_tool_failure: Literal["fail", "degrade"] = "fail"


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything the runtime reads from ``hookline.toml``."""

    store: StoreConfig = StoreConfig()
    event_log: EventLogConfig = EventLogConfig()
    runs: RunsConfig = RunsConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    providers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    agents: Mapping[Annotated[str, Meta(pattern=AGENT_ID)], AgentConfig] = field(
        default_factory=dict
    )
    plugins: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def agents_of(config: Config) -> list[Agent]:
    """The agents of the config, marked as managed by it."""
    return [
        Agent(
            id=id_,
            provider=table.provider,
            model=table.model,
            name=table.name,
            description=table.description,
            instructions=table.instructions,
            model_parameters=dict(table.model_parameters),
            tools=tuple(table.tools),
            locked=tuple(table.locked),
            recursion_limit=table.recursion_limit,
            dialect=table.dialect,
            on_tool_failure=table.on_tool_failure,
            managed_by="config",
        )
        for id_, table in config.agents.items()
    ]
