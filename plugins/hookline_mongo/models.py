"""What stands in the database: a model for each collection, with its indexes.

A model says what a document of this Hookline has; one that a newer Hookline wrote may have more.
Moments are integers, microseconds since 1970: MongoDB's own dates know milliseconds alone. What
may have any keys is JSON text: not every key can be a field's name, nor be asked for. Models
never leave this package.
"""

from collections.abc import Sequence
from typing import Any

from odmantic import EmbeddedModel, Field, Index, Model
from odmantic.query import desc

from hookline_mongo.driver import IndexModel

_NEWEST = (("at", -1), ("_id", -1))


class Schema(Model):
    """The version of the schema, in the only document of its collection."""

    id: str = Field(primary_field=True)
    version: int

    model_config = {"collection": "hookline"}


class AgentModel(Model):
    """An agent, or what is left of a deleted one.

    Args:
        deleted: true for what is left: the id goes on counting versions.
        unfinished: what is to be done before grants are read: ``grants`` of a new agent are to be
            moved to their own collection, or ``clearing``: a deleted agent's are to be removed.
        pending_grants: those that are to be moved.
        moves: counts who began to move them; of two who do it at once, the later one is right.
        unknown: JSON of what a newer Hookline wrote and a copy of the store brought here.
    """

    id: str = Field(primary_field=True)
    version: int
    provider: str
    model: str
    name: str
    description: str
    instructions: str
    model_parameters: str
    tools: list[str]
    locked: list[str]
    recursion_limit: int
    dialect: str | None
    on_tool_failure: str
    edges: list[dict[str, Any]]
    category: str
    avatar: str | None
    conversation_starters: list[str]
    support_contact: dict[str, str] | None
    tool_options: str
    tool_resources: str
    subagents: list[str]
    fallbacks: list[dict[str, Any]]
    max_context_tokens: int | None
    summary: dict[str, Any] | None
    hide_sequential_outputs: bool
    end_after_tools: bool
    author: str | None
    updated_by: str | None
    managed_by: str | None
    created_at: int
    updated_at: int
    deleted: bool | None = None
    unfinished: str | None = None
    pending_grants: list[dict[str, Any]] | None = None
    moves: int | None = None
    unknown: str | None = None

    model_config = {
        "collection": "agents",
        "indexes": lambda: [IndexModel([("unfinished", 1)], name="unfinished", sparse=True)],
    }


class AgentVersionModel(Model):
    """A version of an agent that was replaced; ``document`` is what stood in ``agents``."""

    id: str = Field(primary_field=True)
    agent: str
    version: int
    document: dict[str, Any]

    model_config = {
        "collection": "agent_versions",
        "indexes": lambda: [
            Index(AgentVersionModel.agent, desc(AgentVersionModel.version), name="by_agent")
        ],
    }


class UserModel(Model):
    """A user, or what is left of a deleted one."""

    id: str = Field(primary_field=True)
    version: int
    name: str
    email: str
    role: str
    disabled: bool
    created_at: int
    updated_at: int
    deleted: bool | None = None
    unknown: str | None = None

    model_config = {"collection": "users"}


class GroupModel(Model):
    """A group, or what is left of a deleted one."""

    id: str = Field(primary_field=True)
    version: int
    name: str
    description: str
    source: str
    members: list[str]
    created_at: int
    updated_at: int
    deleted: bool | None = None
    unknown: str | None = None

    model_config = {
        "collection": "groups",
        "indexes": lambda: [Index(GroupModel.members, name="by_member")],
    }


class RoleModel(Model):
    """A role, or what is left of a deleted one."""

    id: str = Field(primary_field=True)
    version: int
    description: str
    features: list[str]
    managed_by: str | None
    created_at: int
    updated_at: int
    deleted: bool | None = None
    unknown: str | None = None

    model_config = {"collection": "roles"}


class KeyModel(Model):
    """An API key."""

    id: str = Field(primary_field=True)
    user: str
    digest: str
    shown: str
    name: str
    agents: list[str] | None
    read_only: bool
    created_at: int
    expires_at: int | None
    revoked_at: int | None
    last_used_at: int | None
    unknown: str | None = None

    model_config = {
        "collection": "keys",
        "indexes": lambda: [
            Index(KeyModel.digest, name="by_digest", unique=True),
            Index(desc(KeyModel.created_at), desc(KeyModel.id), name="by_age"),
            Index(KeyModel.user, desc(KeyModel.created_at), desc(KeyModel.id), name="by_user"),
        ],
    }


class GranteeModel(EmbeddedModel):
    """Whom a grant is for."""

    kind: str
    id: str


class ResourceModel(EmbeddedModel):
    """What a grant is on."""

    kind: str
    id: str


class GrantModel(Model):
    """A grant. ``move`` is ``moves`` of its agent, as of when the grant was written last."""

    id: str = Field(primary_field=True)
    grantee: GranteeModel
    resource: ResourceModel
    bits: int
    role: str | None
    inherited_from: str | None
    granted_by: str
    granted_at: int
    expires_at: int | None
    move: int | None = None
    unknown: str | None = None

    model_config = {
        "collection": "grants",
        "indexes": lambda: [
            IndexModel(
                [("grantee.kind", 1), ("grantee.id", 1), ("resource.kind", 1)], name="by_grantee"
            ),
            IndexModel([("resource.kind", 1), ("resource.id", 1)], name="by_resource"),
        ],
    }


class ConversationModel(Model):
    """A conversation; ``conversation`` is the id that its owner knows it by."""

    id: str = Field(primary_field=True)
    conversation: str
    owner: str
    agent: str
    created_at: int
    updated_at: int
    unknown: str | None = None

    model_config = {
        "collection": "conversations",
        "indexes": lambda: [
            Index(ConversationModel.owner, ConversationModel.conversation, name="by_owner")
        ],
    }


class FileModel(Model):
    """What is known of a file."""

    id: str = Field(primary_field=True)
    owner: str
    name: str
    media_type: str
    size: int
    digest: str
    purpose: str
    conversation: str | None
    metadata: str
    created_at: int
    expires_at: int | None
    unknown: str | None = None

    model_config = {
        "collection": "files",
        "indexes": lambda: [
            Index(FileModel.owner, FileModel.id, name="by_owner"),
            Index(
                FileModel.owner,
                FileModel.conversation,
                FileModel.name,
                FileModel.id,
                name="by_name",
            ),
            Index(FileModel.owner, FileModel.size, name="by_size"),
            Index(FileModel.digest, name="by_digest"),
            Index(FileModel.expires_at, FileModel.id, name="by_end"),
        ],
    }


class RunModel(Model):
    """A run of the history."""

    id: str = Field(primary_field=True)
    user: str
    key: str | None
    agent: str
    version: int
    conversation: str | None
    state: str
    reason: str
    started_at: int
    ended_at: int | None
    unknown: str | None = None

    model_config = {
        "collection": "runs",
        "indexes": lambda: [
            Index(RunModel.user, RunModel.id, name="by_user"),
            Index(RunModel.ended_at, name="by_end"),
        ],
    }


class AuditModel(Model):
    """A record of the audit."""

    id: str = Field(primary_field=True)
    at: int
    actor: str
    key: str | None
    action: str
    kind: str
    subject: str
    before: str
    after: str
    detail: str
    unknown: str | None = None

    model_config = {
        "collection": "audit",
        "indexes": lambda: [
            Index(AuditModel.kind, AuditModel.subject, AuditModel.id, name="by_subject")
        ],
    }


class ContinuationModel(Model):
    """A run that waits; ``call_ids`` are the keys of ``calls``, so that it is found by them."""

    id: str = Field(primary_field=True)
    user: str
    agent: str
    calls: str
    call_ids: list[str]
    messages: bytes
    expires_at: int
    unknown: str | None = None

    model_config = {
        "collection": "continuations",
        "indexes": lambda: [
            Index(ContinuationModel.call_ids, name="by_call"),
            Index(ContinuationModel.expires_at, name="by_end"),
        ],
    }


class AccountModel(Model):
    """An account, and what is on its way to the ledger.

    Args:
        mark: tells two versions with the same number apart: one of them was lost with a server.
        unfinished: there are ``pending`` entries; how often somebody began to move them.
        pending: entries that this version came with, until they are in ``ledger``.
    """

    id: str = Field(primary_field=True)
    version: int
    balance: int | None
    reservations: str
    refill: str | None
    refilled_at: int | None
    limits: str | None
    day: str | None
    month: str | None
    requests: str | None
    tokens: str | None
    created_at: int
    updated_at: int
    mark: str | None = None
    unfinished: int | None = None
    pending: list[dict[str, Any]] | None = None
    unknown: str | None = None

    model_config = {
        "collection": "accounts",
        "indexes": lambda: [IndexModel([("unfinished", 1)], name="unfinished", sparse=True)],
    }


class TokensModel(EmbeddedModel):
    """Tokens of one model call."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int
    audio_input: int
    audio_output: int


class LedgerEntryModel(Model):
    """An entry of the ledger; ``corrects`` is left out where there is none."""

    id: str = Field(primary_field=True)
    kind: str
    account: str | None
    amount: int
    at: int
    corrects: str | None = None
    run: str | None
    step: int | None
    agent: str | None
    provider: str | None
    vendor: str | None
    model: str | None
    user: str | None
    key: str | None
    conversation: str | None
    tool: str | None
    usage_type: str | None
    tokens: TokensModel
    estimated: bool
    incomplete: bool
    unpriced: bool
    price_version: str
    rates: str
    detail: str
    unknown: str | None = None

    model_config = {
        "collection": "ledger",
        "indexes": lambda: [
            IndexModel([("account", 1), *_NEWEST], name="by_account"),
            IndexModel([("user", 1), *_NEWEST], name="by_user"),
            IndexModel([("key", 1), *_NEWEST], name="by_key"),
            IndexModel([("run", 1)], name="by_run"),
            IndexModel(_NEWEST, name="by_age"),
            IndexModel([("corrects", 1)], name="by_corrected", sparse=True),
        ],
    }


class OutboxModel(Model):
    """A run that recorders have not been told of.

    Args:
        at_rest: nobody is to be told anything but what is parked.
        parked_items: how many of ``parked`` there are.
        claim: which claim brought it to its server, until that one puts it.
    """

    id: str = Field(primary_field=True)
    server: str
    recorders: list[str]
    closing: str
    entries: str
    open: str
    ended: bool
    taken: str
    parked: str
    updated_at: int
    at_rest: bool
    parked_items: int
    claim: str | None = None
    unknown: str | None = None

    model_config = {
        "collection": "outbox",
        "indexes": lambda: [
            Index(OutboxModel.server, OutboxModel.id, name="by_server"),
            Index(OutboxModel.at_rest, OutboxModel.server, OutboxModel.id, name="by_rest"),
            Index(OutboxModel.parked_items, OutboxModel.id, name="by_parked"),
        ],
    }


class ServerModel(Model):
    """A server process, which has its runs of the outbox until a moment."""

    id: str = Field(primary_field=True)
    until: int

    model_config = {"collection": "outbox_servers"}


class PluginRecordModel(Model):
    """A plugin's record; ``record`` is the id that it has in its ``collection``."""

    id: str = Field(primary_field=True)
    collection: str
    record: str
    owner: str
    data: bytes
    version: int
    updated_at: int
    expires_at: int | None
    unknown: str | None = None

    model_config = {
        "collection": "records",
        "indexes": lambda: [
            Index(PluginRecordModel.owner, PluginRecordModel.id, name="by_owner"),
            Index(PluginRecordModel.expires_at, name="by_end"),
        ],
    }


MODELS: Sequence[type[Model]] = (
    AgentModel,
    AgentVersionModel,
    UserModel,
    GroupModel,
    RoleModel,
    KeyModel,
    GrantModel,
    ConversationModel,
    FileModel,
    RunModel,
    AuditModel,
    ContinuationModel,
    AccountModel,
    LedgerEntryModel,
    OutboxModel,
    ServerModel,
    PluginRecordModel,
)
"""The model of each collection that keeps something."""
