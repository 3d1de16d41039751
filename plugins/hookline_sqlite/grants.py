"""Grants, found by grantee or by resource."""

from collections.abc import Collection, Sequence
from typing import Any

import aiosqlite

from hookline.grants import Applied, Grant, Grantee, Resource, ResourceKind
from hookline_sqlite.columns import text
from hookline_sqlite.database import Database
from hookline_sqlite.records import SqliteRecords

_OF_GRANTEES = """
id IN (
    SELECT grants.id
    FROM json_each(?) AS asked
    CROSS JOIN json_each(?) AS kind
    CROSS JOIN grants
        ON grants.grantee_kind = json_extract(asked.value, '$[0]')
        AND grants.grantee = json_extract(asked.value, '$[1]')
        AND grants.resource_kind = kind.value
)
ORDER BY id
"""
_OF_RESOURCE = "resource_kind = ? AND resource = ? ORDER BY id"
_DROP = "DELETE FROM grants WHERE resource_kind = ? AND resource = ?"


class SqliteGrants(SqliteRecords[Grant]):
    """Grants in the table ``grants``."""

    def __init__(self, database: Database):
        columns = ("grantee_kind", "grantee", "resource_kind", "resource")
        super().__init__(database, "grants", Grant, columns)

    async def get(self, grant: str, /) -> Grant | None:
        """The grant with this id."""
        return await self.at(grant)

    async def list(self, *, after: str = "", limit: int = 1000) -> Sequence[Grant]:
        """All grants, ordered by id: those with an id above ``after``."""
        return await self.find("id > ? ORDER BY id LIMIT ?", [after, limit])

    async def of_grantees(
        self, grantees: Collection[Grantee], kinds: Collection[ResourceKind]
    ) -> Sequence[Grant]:
        """The grants that these have on resources of these kinds, ordered by id."""
        asked = text(sorted({(one.kind, one.id) for one in grantees}), "the list of grantees")
        return await self.find(_OF_GRANTEES, [asked, text(sorted(set(kinds)), "the kinds")])

    async def of_resource(self, resource: Resource) -> Sequence[Grant]:
        """The grants on one resource, ordered by id."""
        return await self.find(_OF_RESOURCE, [resource.kind, resource.id])

    async def apply(self, put: Sequence[Grant], remove: Collection[str] = ()) -> Applied:
        """Keep grants, and take others away by id, in one transaction."""
        new = {grant.id: grant for grant in self.checked(put)}
        gone = sorted(frozenset(remove) - new.keys())

        async def work(connection: aiosqlite.Connection) -> Applied:
            updated = await self.keep(connection, list(new.values()))
            revoked = 0
            for id_ in gone:
                async with connection.execute("DELETE FROM grants WHERE id = ?", [id_]) as cursor:
                    revoked += cursor.rowcount
            return Applied(granted=len(new) - updated, updated=updated, revoked=revoked)

        return await self.database.write(work)

    async def keep(self, connection: aiosqlite.Connection, grants: Sequence[Grant]) -> int:
        """Keep grants, within a transaction; how many took the place of another."""
        updated = 0
        for grant in grants:
            old, known = await self.known(connection, grant.id)
            await self.place(connection, grant, known)
            updated += old is not None
        return updated

    async def drop(self, connection: aiosqlite.Connection, resource: Resource) -> None:
        """Take away all grants on a resource, within a transaction."""
        await connection.execute_fetchall(_DROP, [resource.kind, resource.id])

    def id_of(self, record: Grant) -> str:
        """The grant's id."""
        return record.id

    def columns_of(self, record: Grant) -> Sequence[Any]:
        """Grantee and resource."""
        grantee, resource = record.grantee, record.resource
        return (grantee.kind, grantee.id, resource.kind, resource.id)
