"""The part of the store contract that concerns what a newer Hookline wrote into a document."""

from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import attrs

from hookline.archive import ArchiveRecord, content_of, version_id
from hookline.grants import Bits
from hookline.store import Store
from hookline.testing.conversation_contract import talk
from hookline.testing.document_suite import CHANGES, SAMPLES, DocumentSuite
from hookline.testing.file_contract import file
from hookline.testing.grant_contract import grant
from hookline.testing.history_contract import FINISHED, RUNNING
from hookline.testing.ledger_suite import ACCOUNT, account
from hookline.testing.suite import AGENT, DAY, EARLIER, run, sample_key

NOVELTY: Mapping[str, Any] = {"novelty": {"a.b": [1, None], "$c": "x"}, "other_novelty": 2**40}
"""Top-level fields that this version of Hookline does not know. Unknown fields further down, such
as one of an edge, are not promised to survive."""


class NewerContract(DocumentSuite):
    """The part of the contract that concerns fields which this version does not know."""

    def test_what_a_newer_hookline_wrote_survives(self, tmp_path: Path) -> None:
        """Top-level fields that this version does not know are there after it changed others."""

        async def check(store: Store) -> None:
            for kind, sample in SAMPLES.items():
                port = getattr(store, kind)
                await port.put(sample)
                await write_novelty(store, kind)
                assert await port.get(sample.id) == sample
                await port.put(attrs.evolve(sample, **{CHANGES[kind]: "changed"}), expected=1)
                await port.put(attrs.evolve(sample, **{CHANGES[kind]: "again"}))

                content = await only(store, kind)
                assert content[CHANGES[kind]] == "again"
                assert novelty_of(content) == NOVELTY

        run(check, self.open(tmp_path))

    def test_a_replaced_version_keeps_what_was_written_into_it(self, tmp_path: Path) -> None:
        """A version of an agent never changes its meaning, to a newer Hookline neither."""

        async def check(store: Store) -> None:
            await store.agents.put(AGENT)
            await write_novelty(store, "agents")
            await store.agents.put(attrs.evolve(AGENT, name="second"))

            [kept] = await store.archive.read("agent_versions")
            assert kept.id == version_id(AGENT.id, 1)
            assert kept.content == {**content_of(AGENT), **NOVELTY}

        run(check, self.open(tmp_path))

    def test_what_was_written_goes_with_the_document(self, tmp_path: Path) -> None:
        """One that is made anew under the same id has nothing of it."""

        async def check(store: Store) -> None:
            for kind, sample in SAMPLES.items():
                port = getattr(store, kind)
                await port.put(sample)
                await write_novelty(store, kind)
                await port.delete(sample.id)
                await port.put(sample)
                assert novelty_of(await only(store, kind)) == {}
            await store.files.add(file())
            await write_novelty(store, "files")
            await store.files.delete(file().id)
            await store.files.add(file())
            assert novelty_of(await only(store, "files")) == {}

        run(check, self.open(tmp_path))

    def test_what_was_written_into_other_things_survives(self, tmp_path: Path) -> None:
        """A key that is used and revoked, a grant, a conversation, a run, an account, a file."""
        key = sample_key("secret")

        async def check(store: Store) -> None:
            await store.keys.add(key)
            await store.grants.apply([grant()])
            await store.conversations.keep([talk()])
            await store.runs.keep([RUNNING])
            await store.ledger.change(ACCOUNT, expected=0)
            await store.files.add(file())
            kinds = ("keys", "grants", "conversations", "runs", "accounts", "files")
            for kind in kinds:
                await write_novelty(store, kind)
            renamed = attrs.evolve(file(), name="renamed")
            later = attrs.evolve(talk(), updated_at=EARLIER + DAY)
            changes: list[Awaitable[Any]] = [
                store.keys.touch({key.id: EARLIER}),
                store.keys.revoke(key.id, EARLIER),
                store.grants.apply([grant(bits=Bits.ALL)]),
                store.conversations.keep([later]),
                store.runs.keep([FINISHED]),
                store.ledger.change(account(version=2), expected=1),
                store.files.put(renamed),
            ]
            for change in changes:
                await change

            used = attrs.evolve(key, last_used_at=EARLIER, revoked_at=EARLIER)
            granted = grant(bits=Bits.ALL)
            changed = (used, granted, later, FINISHED, account(version=2), renamed)
            for kind, thing in zip(kinds, changed, strict=True):
                assert await only(store, kind) == {**content_of(thing), **NOVELTY}

        run(check, self.open(tmp_path))


async def write_novelty(store: Store, kind: str) -> None:
    """Write what this version does not know into the only record of a kind."""
    [record] = await store.archive.read(kind)
    newer = ArchiveRecord(record.id, {**record.content, **NOVELTY})
    await store.archive.write(kind, [newer])


async def only(store: Store, kind: str) -> Mapping[str, Any]:
    """The content of the only record of a kind."""
    [record] = await store.archive.read(kind)
    return record.content


def novelty_of(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """What of a content this version does not know."""
    return {name: content[name] for name in NOVELTY if name in content}
