"""What a caller may do: all grants of all that it is, added up. Source: seed 5.5, 6.3."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

import attrs

from hookline.grants import (
    PUBLIC,
    RESOURCE_KINDS,
    Bits,
    Grant,
    Grantee,
    GrantStore,
    Resource,
    ResourceKind,
)
from hookline.permissions import BITS, NOTHING, Permission, ResourceFilter
from hookline_acl.effects import Effect, Effects, sooner

GIVEN: Sequence[Sequence[Permission]] = [
    [permission for permission, bit in BITS.items() if bits & bit] for bits in range(Bits.ALL + 1)
]
"""The permissions that each number of bits gives."""


@attrs.frozen
class Rights:
    """The answers to all questions about one caller.

    Args:
        filters: what is allowed, where anything is.
        until: when a grant ends, and with it the whole answer.
    """

    filters: Mapping[tuple[Permission, ResourceKind], ResourceFilter]
    until: datetime | None = None

    def allowed(self, permission: Permission, kind: ResourceKind) -> ResourceFilter:
        """Which resources of a kind the caller may use in this way."""
        return self.filters.get((permission, kind), NOTHING)

    def hold(self, at: datetime) -> bool:
        """Whether no grant has ended by this moment."""
        return self.until is None or at < self.until


def grantees(user: str, role: str, groups: Iterable[str]) -> frozenset[Grantee]:
    """All that a caller is: a user, one of a role, a member of groups, and anybody."""
    named = {Grantee("user", user), Grantee("role", role)}
    named |= {Grantee("group", group) for group in groups}
    return frozenset({grantee for grantee in named if grantee.id} | {PUBLIC})


async def find_grants(store: GrantStore, wanted: Collection[Grantee]) -> list[Grant]:
    """The grants of these grantees; what a store says beyond that is left out."""
    found = await store.of_grantees(wanted, RESOURCE_KINDS)
    return [grant for grant in found if grant.grantee in wanted]


async def look_up(store: GrantStore, wanted: Collection[Grantee], at: datetime) -> Rights:
    """What these grantees together may do at a moment."""
    grants = await find_grants(store, wanted)
    effects = await Effects(store, grants, at).of(grants)
    until = None
    for effect in effects:
        until = sooner(until, effect.until)
    return Rights(_filters(add_up(effects)), until)


def add_up(effects: Iterable[Effect]) -> Mapping[Resource, Bits]:
    """The bits on each resource. Who may share an agent may do everything with its calls, too."""
    total: dict[Resource, Bits] = {}
    for effect in effects:
        resource = effect.grant.resource
        total[resource] = total.get(resource, Bits.NONE) | effect.bits
    for resource, bits in list(total.items()):
        if resource.kind == "agent" and bits & Bits.SHARE:
            total[Resource("remoteAgent", resource.id)] = Bits.ALL
    return total


def _filters(
    total: Mapping[Resource, Bits],
) -> Mapping[tuple[Permission, ResourceKind], ResourceFilter]:
    ids: dict[tuple[Permission, ResourceKind], set[str]] = {}
    for resource, bits in total.items():
        for permission in GIVEN[bits]:
            ids.setdefault((permission, resource.kind), set()).add(resource.id)
    return {asked: ResourceFilter(frozenset(found)) for asked, found in ids.items()}
