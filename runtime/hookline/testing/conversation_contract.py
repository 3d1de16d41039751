"""The part of the store contract that concerns conversations."""

import asyncio
from pathlib import Path

import attrs

from hookline.conversations import Conversation
from hookline.store import Store
from hookline.testing.suite import DAY, EARLIER, ODD_IDS, StoreSuite, run


def talk(id_: str = "talk", owner: str = "alice") -> Conversation:
    """A conversation of a moment that is known."""
    return Conversation(id=id_, owner=owner, agent="helper", created_at=EARLIER, updated_at=EARLIER)


class ConversationContract(StoreSuite):
    """The part of the contract that concerns conversations."""

    def test_a_conversation_belongs_to_its_owner(self, tmp_path: Path) -> None:
        """Two owners may choose the same id, and nobody finds another's."""

        async def check(store: Store) -> None:
            mine, theirs = talk(), attrs.evolve(talk(owner="bob"), agent="other")
            odd = talk('"a",', 'b"]\N{SNOWMAN}')
            await store.conversations.keep([mine, theirs, odd])
            get = store.conversations.get

            assert [await get("alice", "talk"), await get("bob", "talk")] == [mine, theirs]
            assert await get(odd.owner, odd.id) == odd
            assert await get("eve", "talk") is None
            assert await store.conversations.delete("eve", "talk") is False
            assert await store.conversations.delete("bob", "talk") is True
            assert [await get("alice", "talk"), await get("bob", "talk")] == [mine, None]

        run(check, self.open(tmp_path))

    def test_a_conversation_moves_on(self, tmp_path: Path) -> None:
        """Agent and time do, ``created_at`` stays, and nothing goes back."""

        async def check(store: Store) -> None:
            later = attrs.evolve(
                talk(), agent="other", created_at=EARLIER + DAY, updated_at=EARLIER + DAY
            )
            await store.conversations.keep([talk()])
            await store.conversations.keep([later])
            await store.conversations.keep([talk()])

            expected = attrs.evolve(later, created_at=EARLIER)
            assert await store.conversations.get("alice", "talk") == expected
            await store.conversations.keep([])

        run(check, self.open(tmp_path))

    def test_conversations_are_listed_in_pages(self, tmp_path: Path) -> None:
        """The owner's, ordered by id."""

        async def check(store: Store) -> None:
            ids = ["b", "a", "Z", "é", "a1"]
            await store.conversations.keep([*map(talk, ids), talk("c", "bob")])
            found, after = list[str](), ""
            while page := await store.conversations.list("alice", after=after, limit=2):
                after = page[-1].id
                found += [one.id for one in page]

            assert found == sorted(ids)
            assert list(await store.conversations.list("eve")) == []

        run(check, self.open(tmp_path))

    def test_odd_conversations_are_told_apart(self, tmp_path: Path) -> None:
        """By owner and id, both of any characters, however the two are put together."""

        async def check(store: Store) -> None:
            kept = [talk(id_, owner) for id_ in ODD_IDS for owner in ODD_IDS[:8]]
            await store.conversations.keep(kept)

            for one in kept:
                assert await store.conversations.get(one.owner, one.id) == one
            found = await store.conversations.list(ODD_IDS[0])
            assert [one.id for one in found] == sorted(ODD_IDS)

        run(check, self.open(tmp_path))

    def test_the_latest_of_writers_at_once_stays(self, tmp_path: Path) -> None:
        """In whichever order they come, and when one batch has a conversation twice."""

        async def check(store: Store) -> None:
            later = [
                attrs.evolve(talk(), agent=f"a{i}", updated_at=EARLIER + i * DAY) for i in range(20)
            ]
            await store.conversations.keep([talk()])
            await asyncio.gather(*(store.conversations.keep([one]) for one in later[::-1]))
            assert await store.conversations.get("alice", "talk") == later[-1]

            twice = [talk("twice"), attrs.evolve(talk("twice"), agent="other")]
            await store.conversations.keep(twice)
            assert await store.conversations.get("alice", "twice") == twice[1]

        run(check, self.open(tmp_path))
