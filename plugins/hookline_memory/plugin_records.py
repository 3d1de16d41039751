"""Records of plugins, by collection and id."""

from collections.abc import Sequence
from datetime import datetime

from hookline.records import Record, check_version, checked, living, revise
from hookline_memory.documents import Clock, Kept, page


class MemoryPluginRecords:
    """What plugins keep of their own.

    Args:
        clock: this moment, in UTC.
    """

    def __init__(self, clock: Clock):
        self._clock = clock
        self.kept = Kept[tuple[str, str], Record]()

    async def get(self, collection: str, id_: str, /) -> Record | None:
        """The record with this id."""
        return self._living(collection, id_)

    async def put(self, record: Record, /, *, expected: int | None = None) -> Record:
        """Keep a record, in the place of the one with its id; what is kept is returned."""
        given, key = checked(record), (record.collection, record.id)
        current = self._living(*key)
        kept = revise(given, current, at=self._clock(), expected=expected)
        if current is None:
            self.kept.pop(key, None)
        self.kept[key] = kept
        return kept

    async def list(
        self, collection: str, *, owner: str | None = None, after: str = "", limit: int = 1000
    ) -> Sequence[Record]:
        """Records of a collection ordered by id, all or an owner's: those with an id above."""
        at = self._clock()
        found = {
            id_: kept
            for (where, id_), kept in self.kept.items()
            if where == collection and owner in {None, kept.owner} and living(kept, at)
        }
        return [found[id_] for id_ in page(found, after, limit)]

    async def delete(self, collection: str, id_: str, /, *, expected: int | None = None) -> bool:
        """Remove a record; false if there was none."""
        current = self._living(collection, id_)
        check_version(id_, current, expected)
        if current is None:
            return False
        del self.kept[collection, id_]
        return True

    async def expire(self, at: datetime) -> int:
        """Forget those that have expired by then; how many there were."""
        gone = [key for key, kept in self.kept.items() if living(kept, at) is None]
        for key in gone:
            del self.kept[key]
        return len(gone)

    def _living(self, collection: str, id_: str) -> Record | None:
        return living(self.kept.get((collection, id_)), self._clock())
