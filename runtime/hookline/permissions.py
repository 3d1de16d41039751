"""Who is calling, and what they may use."""

from typing import Literal, Protocol

import attrs

Permission = Literal["view", "edit", "delete", "share"]
ResourceKind = Literal["agent"]


@attrs.frozen(kw_only=True)
class Principal:
    """Who is calling. A projection that is safe to hand to plugins: it holds no secret."""

    user: str
    key: str | None = None
    role: str = "user"
    groups: frozenset[str] = frozenset()
    agents: frozenset[str] | None = None
    """The agents that the credentials are limited to; ``None`` if they are not."""


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
    """Decides who a caller is and what they may use. It fails closed: an exception means 503."""

    async def authenticate(self, credentials: Credentials) -> Principal | None:
        """Who shows these credentials; ``None`` if this backend does not know them."""

    async def allowed(
        self, principal: Principal, permission: Permission, kind: ResourceKind
    ) -> ResourceFilter:
        """Which resources of a kind the principal may use in this way."""
