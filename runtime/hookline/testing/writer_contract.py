"""The part of the store contract that concerns many writers of one document at once."""

import asyncio
from pathlib import Path
from typing import Any

import attrs

from hookline.errors import VersionConflict
from hookline.testing.document_suite import DocumentSuite
from hookline.testing.suite import conflict


class WriterContract(DocumentSuite):
    """The part of the contract that concerns many writers at once. One of them is never lost."""

    def test_of_writers_for_one_version_one_wins(self, tmp_path: Path) -> None:
        """The others hear which version is there now; no change is lost."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            puts = (
                port.put(attrs.evolve(sample, **{field: f"n{i}"}), expected=1) for i in range(20)
            )
            answers = await asyncio.gather(*puts, return_exceptions=True)

            lost = [answer for answer in answers if isinstance(answer, VersionConflict)]
            won = [answer for answer in answers if isinstance(answer, type(sample))]
            assert ([document.version for document in won], len(lost)) == ([2], 19)
            assert {error.current for error in lost} == {2}
            assert await port.get(sample.id) == won[0]

        self.each(check, tmp_path)

    def test_of_creators_at_once_one_wins(self, tmp_path: Path) -> None:
        """An id is given to one alone, however close they are."""

        async def check(port: Any, sample: Any, field: str) -> None:
            puts = (
                port.put(attrs.evolve(sample, **{field: f"n{i}"}), expected=0) for i in range(10)
            )
            answers = await asyncio.gather(*puts, return_exceptions=True)

            lost = [answer for answer in answers if isinstance(answer, VersionConflict)]
            assert len(lost) == 9
            assert {error.current for error in lost} == {1}

        self.each(check, tmp_path)

    def test_writers_for_any_version_make_distinct_ones(self, tmp_path: Path) -> None:
        """Of many changes at the same moment none is lost and no two share a version."""

        async def check(port: Any, sample: Any, field: str) -> None:
            puts = (port.put(attrs.evolve(sample, **{field: f"n{i}"})) for i in range(20))
            kept = await asyncio.gather(*puts)

            assert list(range(1, 21)) == sorted(document.version for document in kept)
            last = max(kept, key=lambda document: document.version)
            assert last == await port.get(sample.id)

        self.each(check, tmp_path)

    def test_what_is_read_and_written_back_is_not_lost(self, tmp_path: Path) -> None:
        """Writers who read again after a conflict all find their change in the end."""
        marks = {f"<{i}>" for i in range(10)}

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(attrs.evolve(sample, **{field: ""}))

            async def add(mark: str) -> None:
                found: int | None = 0
                while found is not None:
                    current = await port.get(sample.id)
                    changed = attrs.evolve(current, **{field: getattr(current, field) + mark})
                    found = await conflict(port.put(changed, expected=current.version))

            await asyncio.gather(*map(add, marks))
            kept = await port.get(sample.id)

            assert kept.version == 1 + len(marks)
            assert all(getattr(kept, field).count(mark) == 1 for mark in marks)

        self.each(check, tmp_path)

    def test_a_document_is_deleted_once(self, tmp_path: Path) -> None:
        """Of many who delete it, or replace it, in the same version, one alone does."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            deletes = await asyncio.gather(*(port.delete(sample.id) for _ in range(10)))
            assert sorted(deletes) == [False] * 9 + [True]

            await port.put(sample, expected=0)
            other = attrs.evolve(sample, **{field: "other"})
            answers = await asyncio.gather(
                *(port.put(other, expected=2) for _ in range(10)),
                *(port.delete(sample.id, expected=2) for _ in range(10)),
                return_exceptions=True,
            )
            lost = [answer for answer in answers if isinstance(answer, VersionConflict)]
            assert len(lost) == 19
            assert {error.current for error in lost} <= {0, 3}

        self.each(check, tmp_path)
