"""Copying all that one store holds into another, and making sure that it is there."""

import hashlib
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing

import attrs

from hookline.archive import KINDS, Archive, ArchiveRecord
from hookline.errors import HooklineError

PAGE = 500
"""Records that are read at a time."""

BATCH = 200
"""Records that are written at a time."""

BATCH_SIZE = 4_000_000
"""Characters, about, after which they are written though they are fewer."""


class CopyRefused(HooklineError):
    """The store that would be written into holds what would be mixed with the copy."""

    code = "copy_refused"


@attrs.frozen(kw_only=True)
class Copied:
    """What came of one kind.

    Args:
        kind: of documents.
        count: how many the first store holds.
        written: how many of them the second one did not hold as they are.
        digest: one SHA-256 over all that the first store holds of it, as hex.
        equal: whether the second store's is the same afterwards.
    """

    kind: str
    count: int
    written: int
    digest: str
    equal: bool


Progress = Callable[[str, int, int], None]
"""Called with a kind, how many records of it are done, and how many there are."""

Pair = tuple[ArchiveRecord | None, ArchiveRecord | None]


async def copy(
    origin: Archive, target: Archive, *, into_existing: bool, progress: Progress
) -> Sequence[Copied]:
    """Write into one archive what the other one holds, kind by kind, and compare them.

    Only what differs is written, so a copy that was interrupted goes on quickly when it is begun
    again. Nobody may write into either store meanwhile.

    Args:
        origin: is read.
        target: is written; what it holds besides stays.
        into_existing: whether it may hold something that ``origin`` does not.
        progress: is told how far the copy is.

    Raises:
        CopyRefused: the target holds something else, and may not; nothing was written.
    """
    if not into_existing:
        for kind in KINDS:
            await _refuse_others(kind, origin, target)
    return [await _copy_kind(kind, origin, target, progress) for kind in KINDS]


async def _refuse_others(kind: str, origin: Archive, target: Archive) -> None:
    async with aclosing(_pairs(kind, origin, target)) as pairs:
        async for here, there in pairs:
            if here is None and there is not None:
                message = (
                    f"the store to copy into holds {kind} that the other one does not, such as "
                    f"{there.id}; take an empty one, or say --into-existing to keep them"
                )
                raise CopyRefused(message)


async def _copy_kind(kind: str, origin: Archive, target: Archive, progress: Progress) -> Copied:
    total, done, written = await origin.count(kind), 0, 0
    batch: list[ArchiveRecord] = []
    size = 0
    progress(kind, done, total)
    async with aclosing(_pairs(kind, origin, target)) as pairs:
        async for here, there in pairs:
            if here is None:
                continue
            done += 1
            if there is None or here.digest != there.digest:
                batch.append(here)
                size += len(repr(here.content))
            if len(batch) >= BATCH or size >= BATCH_SIZE:
                await target.write(kind, batch)
                written, batch, size = written + len(batch), [], 0
                progress(kind, done, total)
    if batch:
        await target.write(kind, batch)
    progress(kind, done, total)
    one, other = await _digests(kind, origin, target)
    return Copied(
        kind=kind, count=done, written=written + len(batch), digest=one, equal=one == other
    )


async def _digests(kind: str, origin: Archive, target: Archive) -> tuple[str, str]:
    """One digest over all of a kind that the origin holds, and over the same ids in the target."""
    one, other = hashlib.sha256(), hashlib.sha256()
    async with aclosing(_pairs(kind, origin, target)) as pairs:
        async for here, there in pairs:
            if here is not None:
                one.update(here.digest)
                other.update(b"" if there is None else there.digest)
    return one.hexdigest(), other.hexdigest()


async def _pairs(kind: str, origin: Archive, target: Archive) -> AsyncGenerator[Pair, None]:
    """The records of two archives side by side, by id; ``None`` where one has none."""
    async with aclosing(_all(kind, origin)) as mine, aclosing(_all(kind, target)) as theirs:
        here, there = await anext(mine, None), await anext(theirs, None)
        while here is not None or there is not None:
            first = min(record.id for record in (here, there) if record is not None)
            left = here if here is not None and here.id == first else None
            right = there if there is not None and there.id == first else None
            yield left, right
            here = await anext(mine, None) if left is not None else here
            there = await anext(theirs, None) if right is not None else there


async def _all(kind: str, archive: Archive) -> AsyncGenerator[ArchiveRecord, None]:
    """All records of a kind, by id."""
    after = ""
    while page := await archive.read(kind, after=after, limit=PAGE):
        for record in page:
            yield record
        after = page[-1].id
