"""The config that a runtime is made from. The API adds its own tables."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from hookline.agents import Agent
from hookline.errors import ConfigError, InvalidRequest
from hookline.specs import AGENT_ID, AgentSpec, agent_of

Seconds = Annotated[float, Meta(gt=0)]
CONFIG = "config"
"""What ``managed_by`` says of that which the config file made."""


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
    history_days: Annotated[float, Meta(ge=0)] = 30.0
    approval_hours: Annotated[float, Meta(gt=0)] = 24.0
    effect_hours: Annotated[float, Meta(gt=0)] = 24.0
    agents: Annotated[int, Meta(ge=1, le=1_000)] = 32
    subagent_depth: Annotated[int, Meta(ge=0, le=16)] = 3
    recursion_limit: Annotated[int, Meta(ge=1, le=10_000)] = 1_000
    artifact_patience: Annotated[float, Meta(ge=0)] = 1.0
    time_zone: str = "UTC"

    @property
    def effects_kept(self) -> timedelta:
        """How long it is remembered what a call of a tool gave back."""
        return timedelta(hours=self.effect_hours)

    part_deadlines: Mapping[str, Seconds] = {}


class UsageConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[usage]``: how usage is counted and handed to recorders. Times in seconds.

    ``default_output`` is in tokens: what a model call is expected to have at most where neither
    request nor agent sets a limit.
    """

    default_output: Annotated[int, Meta(ge=1)] = 1000
    interval: Annotated[float, Meta(gt=0, le=60)] = 1.0
    lease: Annotated[float, Meta(ge=1)] = 15.0
    write_patience: Seconds = 30.0
    park_after: Seconds = 3600.0
    grace: Annotated[float, Meta(ge=0)] = 10.0
    concurrency: Annotated[int, Meta(ge=1)] = 64
    waiting: Annotated[int, Meta(ge=1)] = 10_000


class FilesConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[files]``: where the bytes of files are kept, and how many. Sizes in bytes.

    ``url`` is any that fsspec knows: a folder, or ``s3://bucket/prefix`` with ``hookline[s3]``;
    ``options`` are that filesystem's own. ``quota`` is what the files of one user may have
    together, ``days`` how long what tools made is kept; 0 is for ever.
    """

    url: str = "file://./hookline-files"
    options: Mapping[str, Any] = {}
    limit: Annotated[int, Meta(ge=1)] = 100_000_000
    quota: Annotated[int, Meta(ge=0)] = 5_000_000_000
    days: Annotated[float, Meta(ge=0)] = 0.0


class SecretsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[secrets]``: the key that secrets in the store are sealed with, and those it replaced."""

    key: str = ""
    former_keys: list[str] = []

    @property
    def keys(self) -> list[str]:
        """All keys there are, the one that seals first."""
        return [key for key in (self.key, *self.former_keys) if key]


class PolicyConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[policy]``: what no agent may do, whoever wrote it. ``None`` allows all providers."""

    allowed_providers: list[str] | None = None


class RuntimeConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[runtime]``: which plugins are left alone, and which must not be missing."""

    disabled_plugins: list[str] = []
    required_plugins: list[str] = []


class PermissionsConfig(Struct, frozen=True, forbid_unknown_fields=True):
    """``[permissions]``: what callers learn of what they may not do. Times in seconds."""

    hide_forbidden: bool = False
    keys_per_user: Annotated[int, Meta(ge=1)] = 100
    revocation_interval: Annotated[float, Meta(gt=0, le=60)] = 0.5


class AgentConfig(AgentSpec, frozen=True, forbid_unknown_fields=True):
    """``[agents.<id>]``: an agent as code. ``public``: whether all who are let in may call it."""

    public: bool = True


class Config(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Everything the runtime reads from ``hookline.toml``."""

    store: StoreConfig = StoreConfig()
    event_log: EventLogConfig = EventLogConfig()
    runs: RunsConfig = RunsConfig()
    runtime: RuntimeConfig = RuntimeConfig()
    permissions: PermissionsConfig = PermissionsConfig()
    usage: UsageConfig = UsageConfig()
    files: FilesConfig = FilesConfig()
    secrets: SecretsConfig = SecretsConfig()
    policy: PolicyConfig = PolicyConfig()
    providers: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    agents: Mapping[Annotated[str, Meta(pattern=AGENT_ID)], AgentConfig] = field(
        default_factory=dict
    )
    plugins: Mapping[str, dict[str, Any]] = field(default_factory=dict)


def agents_of(config: Config) -> list[Agent]:
    """The agents of the config, marked as managed by it.

    Raises:
        ConfigError: one of them cannot be kept; the message names it.
    """
    agents = []
    for id_, table in config.agents.items():
        try:
            agents.append(agent_of(id_, table, managed_by=CONFIG))
        except InvalidRequest as error:
            message = f"agents.{id_}.{error}"
            raise ConfigError(message) from error
    return agents
