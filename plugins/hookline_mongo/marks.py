"""Marks: what this process saw of versions that a server may lose.

A version that was read, or acknowledged by one member alone, may be gone after a server was killed
or replaced, and another one may come to have its number. A change that was made for the lost one
must not take the place of the other, so each version has a mark, and no number means two versions
to one process: see ``Accounts.row``.
"""

from collections import OrderedDict

import attrs

from hookline_mongo.driver import Document

REMEMBERED = 10_000
"""Documents of which the last version is remembered."""


@attrs.frozen
class Mark:
    """A version, and what tells it from another one with its number."""

    version: int
    text: str | None

    @classmethod
    def of(cls, row: Document) -> "Mark":
        """The mark of a document."""
        return cls(row["version"], row.get("mark"))

    def lost(self, seen: "Mark | None") -> bool:
        """Whether what was ``seen`` before this one was read is not what it came from."""
        if seen is None or self.version > seen.version:
            return False
        return self != seen


class Marks:
    """The last mark that was seen of each document, as far as they are remembered."""

    def __init__(self) -> None:
        self._seen: OrderedDict[str, Mark] = OrderedDict()

    def get(self, id_: str) -> Mark | None:
        """What was seen last."""
        return self._seen.get(id_)

    def saw(self, id_: str, mark: Mark) -> None:
        """Remember a mark, if no later one was seen meanwhile."""
        seen = self._seen.get(id_)
        if seen is None or seen.version <= mark.version:
            self._seen[id_] = mark
        self._seen.move_to_end(id_)
        if len(self._seen) > REMEMBERED:
            self._seen.popitem(last=False)

    def forget(self, id_: str) -> None:
        """Remember nothing of a document."""
        self._seen.pop(id_, None)
