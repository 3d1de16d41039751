"""Who is calling, and what they may use."""

from typing import Literal, Protocol, runtime_checkable

import attrs

from hookline.grants import Bits, ResourceKind
from hookline.roles import USE, Feature

Permission = Literal["view", "edit", "delete", "share"]
BITS: dict[Permission, Bits] = {
    "view": Bits.VIEW,
    "edit": Bits.EDIT,
    "delete": Bits.DELETE,
    "share": Bits.SHARE,
}
"""The bit that each permission asks for."""


@attrs.frozen(kw_only=True)
class Principal:
    """Who is calling. A projection that is safe to hand to plugins: it holds no secret.

    Args:
        user: the user's id.
        key: the id of the API key it came with, if it came with one.
        role: the name of its role; ``admin`` may use ``/admin/v1``.
        groups: the ids of its groups.
        features: what its role may do; without ``remote_agents.use`` it may call no agent.
        agents: the agents that the credentials are limited to; ``None`` if they are not.
        read_only: whether the credentials may only list and read.
        name: what the user is called; empty if nobody knows.
    """

    user: str
    key: str | None = None
    role: str = "user"
    groups: frozenset[str] = frozenset()
    features: frozenset[Feature] = frozenset({USE})
    agents: frozenset[str] | None = None
    read_only: bool = False
    name: str = ""


@attrs.frozen
class Credentials:
    """What a caller showed: the token of ``Authorization: Bearer <token>``."""

    token: str = attrs.field(repr=False)


@attrs.frozen
class ResourceFilter:
    """An answer for listing and for a single check: everything, or a set of ids."""

    ids: frozenset[str] | None

    def __contains__(self, resource: object) -> bool:
        """Whether the resource with this id is allowed."""
        return self.ids is None or resource in self.ids

    def __or__(self, other: "ResourceFilter") -> "ResourceFilter":
        """What either of the two allows."""
        if self.ids is None or other.ids is None:
            return EVERYTHING
        return ResourceFilter(self.ids | other.ids)

    def __and__(self, other: "ResourceFilter") -> "ResourceFilter":
        """What both of the two allow."""
        if self.ids is None:
            return other
        if other.ids is None:
            return self
        return ResourceFilter(self.ids & other.ids)


EVERYTHING = ResourceFilter(None)
NOTHING = ResourceFilter(frozenset())


class PermissionBackend(Protocol):
    """Decides who a caller is and what they may use. It fails closed: an exception means 503.

    With several backends, the first that knows the credentials says who calls, and what any of
    them allows is allowed, within what the credentials are limited to.
    """

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Who shows these credentials; ``None`` if this backend does not know them.

        Raises:
            Unauthenticated: it knows them, and they are not good; no other backend is asked.
        """

    async def allowed(
        self, principal: Principal, permission: Permission, kind: ResourceKind
    ) -> ResourceFilter:
        """Which resources of a kind the principal may use in this way.

        Agents are called over the API by those who may ``view`` them as a ``remoteAgent``.
        """


@runtime_checkable
class Forgetful(Protocol):
    """A permission backend that remembers what a store said, and can be told that it changed."""

    def forget(self) -> None:
        """Users, groups, roles, keys or grants changed in this process: ask the store again."""
