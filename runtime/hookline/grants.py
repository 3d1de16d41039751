"""Grants: who may do what to which resource. Source: seed 6."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import IntFlag
from typing import Literal, Protocol, get_args

import attrs
import msgspec

from hookline.moments import now

GranteeKind = Literal["user", "group", "role", "public"]
ResourceKind = Literal["agent", "remoteAgent", "mcpServer", "file"]
RESOURCE_KINDS: Sequence[ResourceKind] = get_args(ResourceKind)
OF_AGENTS: Sequence[ResourceKind] = ("agent", "remoteAgent")
"""The kinds that are about an agent: the document itself, and calling it over the API."""


class Bits(IntFlag):
    """What a grant allows."""

    NONE = 0
    VIEW = 1
    EDIT = 2
    DELETE = 4
    SHARE = 8
    ALL = 15


@attrs.frozen
class AccessRole:
    """A name for some bits on one kind of resource, such as ``agent_viewer``."""

    id: str
    kind: ResourceKind
    bits: Bits


def _access_roles() -> Mapping[str, AccessRole]:
    words = {"viewer": Bits.VIEW, "editor": Bits.VIEW | Bits.EDIT, "owner": Bits.ALL}
    roles = (
        AccessRole(f"{kind}_{word}", kind, bits)
        for kind in RESOURCE_KINDS
        for word, bits in words.items()
    )
    return {role.id: role for role in roles}


ACCESS_ROLES: Mapping[str, AccessRole] = _access_roles()
"""All of them, by id: viewer, editor and owner of each kind."""


@attrs.frozen
class Grantee:
    """To whom something is granted. ``public`` is everybody who is let in, and has no id."""

    kind: GranteeKind
    id: str = ""


PUBLIC = Grantee("public")


@attrs.frozen
class Resource:
    """What something is granted on."""

    kind: ResourceKind
    id: str


@attrs.frozen(kw_only=True)
class Grant:
    """Some bits on a resource for a grantee. There is at most one for each pair of them.

    A grant that is ``inherited_from`` another one (its id) holds no more than that one does at
    the moment: nothing, once it is gone.
    """

    grantee: Grantee
    resource: Resource
    bits: Bits
    role: str | None = None
    inherited_from: str | None = None
    granted_by: str = ""
    granted_at: datetime = attrs.field(factory=now)
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """The id that this pair of grantee and resource always has."""
        return grant_id(self.grantee, self.resource)

    def valid(self, at: datetime) -> bool:
        """Whether it has not expired at this moment."""
        return self.expires_at is None or at < self.expires_at


@attrs.frozen
class Applied:
    """What a change of grants did: how many came to be, were replaced, and were taken away."""

    granted: int = 0
    updated: int = 0
    revoked: int = 0


class GrantStore(Protocol):
    """Where grants are kept. Every method may raise ``StoreUnavailable``."""

    async def get(self, grant: str, /) -> Grant | None:
        """The grant with this id."""

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Grant]:
        """All grants, ordered by id: those with an id above ``after``."""

    async def of_grantees(
        self, grantees: Collection[Grantee], kinds: Collection[ResourceKind]
    ) -> Sequence[Grant]:
        """The grants that these have on resources of these kinds, ordered by id."""

    async def of_resource(self, resource: Resource) -> Sequence[Grant]:
        """The grants on one resource, ordered by id."""

    async def apply(self, put: Sequence[Grant], remove: Collection[str] = ()) -> Applied:
        """Keep grants, each in the place of the one with its id, and take others away by id.

        All of it or nothing, where the database has transactions. A grant that is in both lists
        is kept.
        """


def grant_id(grantee: Grantee, resource: Resource) -> str:
    """The id of the grant on this resource for this grantee: ``grt_`` and a hash of both."""
    text = msgspec.json.encode([grantee.kind, grantee.id, resource.kind, resource.id])
    return "grt_" + hashlib.sha256(text).hexdigest()[:32]


def owner_grants(user: str, agent: str, *, at: datetime) -> Sequence[Grant]:
    """What the author of an agent gets with it: all bits on it, and on calling it. Seed 6.5."""
    return [
        Grant(
            grantee=Grantee("user", user),
            resource=Resource(kind, agent),
            bits=Bits.ALL,
            role=f"{kind}_owner",
            granted_by=user,
            granted_at=at,
        )
        for kind in OF_AGENTS
    ]
