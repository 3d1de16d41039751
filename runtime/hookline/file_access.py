"""Who may see and remove which files: their owners, and those whom something was granted."""

from collections.abc import Mapping, Sequence
from typing import Literal

import attrs

from hookline.access import Access
from hookline.errors import NotFound
from hookline.files import FileRecord, FileStore
from hookline.filing import Files
from hookline.permissions import Permission, Principal

Order = Literal["asc", "desc"]
PAGE = 1000
"""Files that are asked for at a time."""


@attrs.frozen(kw_only=True)
class FileQuery:
    """Which files are listed, and from where on.

    Args:
        purpose: only those with it.
        order: ``asc`` is the oldest first.
        after: the id of the last file that was listed before.
        limit: how many at most.
    """

    purpose: str | None = None
    order: Order = "desc"
    after: str = ""
    limit: int = 10_000


class FileAccess:
    """Finds files for principals.

    Args:
        access: who may do what.
        files: those that have not expired.
        records: all that are known.
    """

    def __init__(self, access: Access, files: Files, records: FileStore):
        self._access = access
        self._files = files
        self._records = records

    async def find(
        self, principal: Principal, file: str, permission: Permission = "view"
    ) -> FileRecord:
        """The file with this id, if it is the principal's own, or this was granted on it.

        Raises:
            NotFound: there is none, or none that the principal may know of.
            PartUnavailable, StoreUnavailable: it cannot be found out now.
        """
        found = await self._files.get(file)
        if found is not None and found.owner == principal.user:
            return found
        if found is None or file not in await self._access.allowed(principal, permission, "file"):
            message = f"No such File object: {file}"
            raise NotFound(message)
        return found

    async def list(self, principal: Principal, query: FileQuery) -> Sequence[FileRecord]:
        """The files that a principal may see, its own and others; one more than the limit.

        Raises:
            PartUnavailable, StoreUnavailable: it cannot be found out now.
        """
        allowed = await self._access.allowed(principal, "view", "file")
        shared = await self._shared(principal.user, allowed.ids or frozenset())
        owner = principal.user if allowed.ids is not None else None
        found: list[FileRecord] = []
        after = query.after
        while len(found) <= query.limit:
            page = await self._page(owner, after, query)
            last = page[-1].id if len(page) == PAGE else None
            merged = {file.id: file for file in page} | {
                id_: file for id_, file in shared.items() if _between(id_, after, last, query.order)
            }
            ordered = sorted(merged, reverse=query.order == "desc")
            found += [merged[id_] for id_ in ordered if self._wanted(merged[id_], query)]
            if last is None:
                break
            after = last
        return found[: query.limit + 1]

    async def _page(self, owner: str | None, after: str, query: FileQuery) -> Sequence[FileRecord]:
        if query.order == "asc":
            return await self._records.list(owner=owner, after=after, limit=PAGE)
        return await self._records.latest(owner=owner, before=after, limit=PAGE)

    async def _shared(self, user: str, ids: frozenset[str]) -> Mapping[str, FileRecord]:
        """Files of others that were shared with a user, one by one: they are few."""
        found = [await self._files.get(id_) for id_ in sorted(ids)]
        return {file.id: file for file in found if file is not None and file.owner != user}

    def _wanted(self, file: FileRecord, query: FileQuery) -> bool:
        return query.purpose in {None, file.purpose} and not self._files.expired(file)


def _between(id_: str, after: str, last: str | None, order: Order) -> bool:
    """Whether an id comes behind one, and not behind the other."""
    if order == "asc":
        return id_ > after and (last is None or id_ <= last)
    return (not after or id_ < after) and (last is None or id_ >= last)
