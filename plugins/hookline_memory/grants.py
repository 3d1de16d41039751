"""Grants, by their ids."""

from collections.abc import Collection, Iterable, Sequence

from hookline.grants import Applied, Grant, Grantee, Resource, ResourceKind
from hookline.moments import in_utc
from hookline_memory.documents import Kept, page


class MemoryGrants:
    """Grants in a dictionary."""

    def __init__(self) -> None:
        self.kept = Kept[str, Grant]()

    async def get(self, grant: str, /) -> Grant | None:
        """The grant with this id."""
        return self.kept.get(grant)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Grant]:
        """All grants, ordered by id: those with an id above ``after``."""
        return [self.kept[id_] for id_ in page(self.kept, after, limit)]

    async def of_grantees(
        self, grantees: Collection[Grantee], kinds: Collection[ResourceKind]
    ) -> Sequence[Grant]:
        """The grants that these have on resources of these kinds, ordered by id."""
        wanted = frozenset(grantees)
        return self._ordered(
            grant
            for grant in self.kept.values()
            if grant.grantee in wanted and grant.resource.kind in kinds
        )

    async def of_resource(self, resource: Resource) -> Sequence[Grant]:
        """The grants on one resource, ordered by id."""
        return self._ordered(grant for grant in self.kept.values() if grant.resource == resource)

    async def apply(self, put: Sequence[Grant], remove: Collection[str] = ()) -> Applied:
        """Keep grants, and take others away by id."""
        new = {grant.id: in_utc(grant) for grant in put}
        updated = len(new.keys() & self.kept.keys())
        gone = (frozenset(remove) & self.kept.keys()) - new.keys()
        self.kept.update(new)
        for id_ in gone:
            del self.kept[id_]
        return Applied(granted=len(new) - updated, updated=updated, revoked=len(gone))

    def keep(self, grants: Sequence[Grant]) -> None:
        """Keep grants whose times are in UTC, each in the place of the one with its id."""
        self.kept.update((grant.id, grant) for grant in grants)

    def drop(self, resource: Resource) -> None:
        """Take away all grants on a resource."""
        for id_ in [id_ for id_, grant in self.kept.items() if grant.resource == resource]:
            del self.kept[id_]

    def _ordered(self, grants: Iterable[Grant]) -> Sequence[Grant]:
        return sorted(grants, key=lambda grant: grant.id)
