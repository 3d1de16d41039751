"""A shelf: what was made with effort is kept, until there is no room for it."""

from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Shelf(Generic[Value]):
    """Values by key, of a size together; those that were not used for longest go first.

    Args:
        room: bytes that all values may have together. A value that has more is not kept.
    """

    def __init__(self, room: int):
        self._room = room
        self._kept: OrderedDict[Hashable, tuple[Value, int]] = OrderedDict()
        self.size = 0

    def get(self, key: Hashable) -> Value | None:
        """The value, which is now the one that was used last."""
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: Hashable, value: Value, size: int) -> None:
        """Keep a value of so many bytes, and let go of others if need be."""
        self._drop(key)
        if size > self._room:
            return
        self._kept[key] = (value, size)
        self.size += size
        while self.size > self._room:
            self._drop(next(iter(self._kept)))

    def _drop(self, key: Hashable) -> None:
        if key in self._kept:
            self.size -= self._kept.pop(key)[1]
