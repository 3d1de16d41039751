"""The part of the store contract that concerns documents: agents, users, groups and roles alike."""

from pathlib import Path
from typing import Any

import attrs

from hookline.documents import LIMIT
from hookline.moments import now
from hookline.testing.document_suite import DocumentSuite
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, conflict, refused


class DocumentContract(DocumentSuite):
    """The part of the contract that concerns documents of all kinds."""

    def test_a_document_comes_back_as_it_was_put(self, tmp_path: Path) -> None:
        """Every field survives, in every kind of document."""

        async def check(port: Any, sample: Any, _: str) -> None:
            assert await port.put(sample) == sample
            assert await port.get(sample.id) == sample

        self.each(check, tmp_path)

    def test_an_unknown_document_is_none(self, tmp_path: Path) -> None:
        """Neither a get nor a delete of what is not there is an error."""

        async def check(port: Any, _: Any, __: str) -> None:
            assert await port.get("nobody") is None
            assert await port.delete("nobody") is False
            assert await port.delete("nobody", expected=0) is False
            assert list(await port.list()) == []

        self.each(check, tmp_path)

    def test_ids_are_told_apart(self, tmp_path: Path) -> None:
        """By case, and whatever characters they have."""

        async def check(port: Any, sample: Any, _: str) -> None:
            for id_ in ODD_IDS:
                await port.put(attrs.evolve(sample, id=id_))

            for id_ in ODD_IDS:
                found = await port.get(id_)
                assert (found and found.id) == id_

        self.each(check, tmp_path)

    def test_documents_are_listed_in_pages(self, tmp_path: Path) -> None:
        """The order is that of the ids, character by character; each page goes on after one."""

        async def check(port: Any, sample: Any, _: str) -> None:
            for id_ in ODD_IDS:
                await port.put(attrs.evolve(sample, id=id_))
            found, sizes, after = list[str](), list[int](), ""
            while page := await port.list(after=after, limit=5):
                sizes.append(len(page))
                after = page[-1].id
                found += [document.id for document in page]

            assert sorted(ODD_IDS) == found
            assert {*sizes[:-1]} == {5}
            assert sorted(ODD_IDS) == [document.id for document in await port.list()]
            above = [document.id for document in await port.list(after="a0", limit=2)]
            assert [id_ for id_ in sorted(ODD_IDS) if id_ > "a0"][:2] == above

        self.each(check, tmp_path)

    def test_a_change_makes_a_version(self, tmp_path: Path) -> None:
        """It goes up by one, ``created_at`` stays, ``updated_at`` moves."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            changed = attrs.evolve(sample, **{field: "other"}, created_at=now(), version=9)
            kept = await port.put(changed)

            assert kept == await port.get(sample.id)
            assert (kept.version, getattr(kept, field), kept.created_at) == (2, "other", EARLIER)
            assert kept.updated_at > EARLIER

        self.each(check, tmp_path)

    def test_the_same_again_makes_no_version(self, tmp_path: Path) -> None:
        """Putting what is there leaves it as it is, whatever its times and version say."""

        async def check(port: Any, sample: Any, _: str) -> None:
            await port.put(sample)
            again = attrs.evolve(sample, version=5, updated_at=now(), created_at=now())

            assert await port.put(again) == sample
            assert await port.put(again, expected=1) == sample
            assert await port.get(sample.id) == sample

        self.each(check, tmp_path)

    def test_a_change_for_another_version_is_refused(self, tmp_path: Path) -> None:
        """The conflict names the version that is there, and nothing is changed."""

        async def check(port: Any, sample: Any, field: str) -> None:
            changed = attrs.evolve(sample, **{field: "other"})
            assert await conflict(port.put(sample, expected=1)) == 0
            await port.put(sample, expected=0)
            assert await conflict(port.put(changed, expected=0)) == 1
            assert await conflict(port.put(sample, expected=0)) == 1
            assert await conflict(port.put(changed, expected=2)) == 1
            assert await conflict(port.delete(sample.id, expected=2)) == 1
            assert await port.get(sample.id) == sample

            assert (await port.put(changed, expected=1)).version == 2
            assert await port.delete(sample.id, expected=2) is True
            assert await conflict(port.delete(sample.id, expected=2)) == 0

        self.each(check, tmp_path)

    def test_a_version_number_is_never_used_twice(self, tmp_path: Path) -> None:
        """A document that is made anew goes on counting where the deleted one ended."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            await port.put(attrs.evolve(sample, **{field: "other"}))

            assert await port.delete(sample.id) is True
            assert await port.get(sample.id) is None
            assert list(await port.list()) == []
            assert await port.delete(sample.id) is False

            created = attrs.evolve(sample, created_at=EARLIER + DAY)
            kept = await port.put(created, expected=0)
            assert (kept.version, kept.created_at) == (3, EARLIER + DAY)

        self.each(check, tmp_path)

    def test_what_is_too_large_is_refused(self, tmp_path: Path) -> None:
        """Sixteen million bytes are too many in every store, and nothing is changed."""

        async def check(port: Any, sample: Any, field: str) -> None:
            await port.put(sample)
            large = attrs.evolve(sample, **{field: "x" * (LIMIT + 1)})

            assert await refused(port.put(large)) == "document_too_large"
            new = attrs.evolve(large, id="new")
            assert await refused(port.put(new, expected=0)) == "document_too_large"
            assert [sample] == list(await port.list())

        self.each(check, tmp_path)

    def test_what_is_almost_too_large_is_kept(self, tmp_path: Path) -> None:
        """The limit is the same in every store, so that a document can move to any other."""

        async def check(port: Any, sample: Any, field: str) -> None:
            for letter in "ab":
                large = attrs.evolve(sample, **{field: letter * (LIMIT - 10_000)})
                kept = await port.put(large)
                assert await port.get(sample.id) == kept

        self.each(check, tmp_path)
