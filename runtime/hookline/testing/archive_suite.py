"""A store that has something of every kind, and all that its archive says of a kind."""

import attrs

from hookline.archive import ArchiveRecord
from hookline.grants import owner_grants
from hookline.groups import Group
from hookline.roles import Role
from hookline.store import Store
from hookline.testing.audit_contract import record as change
from hookline.testing.conversation_contract import talk
from hookline.testing.file_contract import file
from hookline.testing.history_contract import FINISHED
from hookline.testing.ledger_suite import ACCOUNT, ENTRY, account, entry
from hookline.testing.outbox_suite import WHOLE, under_way
from hookline.testing.record_suite import record
from hookline.testing.suite import AGENT, DAY, EARLIER, sample_continuation, sample_key
from hookline.users import User


async def fill(store: Store) -> None:
    """Keep something of every kind, with versions and with something that was deleted."""
    await store.roles.put(Role(id="guest", features={"remote_agents.use"}, created_at=EARLIER))
    await store.users.put(User(id="ann", name="Ann"))
    await store.users.put(User(id="gone"))
    await store.users.delete("gone")
    await store.groups.put(Group(id="devs", members={"ann", "bob"}))
    grants = owner_grants("ann", AGENT.id, at=EARLIER)
    first = await store.agents.put(AGENT, grants=grants)
    await store.agents.put(attrs.evolve(first, name="second"))
    await store.agents.put(attrs.evolve(AGENT, id="gone"))
    await store.agents.delete("gone")
    key = attrs.evolve(sample_key("secret"), agents=frozenset({"b", "a"}), expires_at=EARLIER + DAY)
    await store.keys.add(key)
    await store.conversations.keep([talk(), talk('a"', 'b"')])
    await store.files.add(file())
    await store.runs.keep([FINISHED])
    await store.audit.add([change(1), change(2)])
    await store.continuations.put(sample_continuation("run_1", "call_b", "call_a"))
    await store.ledger.change(ACCOUNT, [entry("run_2:0", user="ann")], expected=0)
    await store.ledger.change(account(version=2), expected=1)
    await store.ledger.change(account("key:key_1"), expected=0)
    await store.ledger.add([ENTRY])
    await store.outbox.put([WHOLE, under_way("run_2", "two")], durable=True)
    gone = attrs.evolve(record("gone"), expires_at=EARLIER)
    for one in (record(data=b"\0\xff"), record("r/2", "tests", owner=""), gone):
        await store.records.put(one)


async def everything(store: Store, kind: str) -> list[ArchiveRecord]:
    """All records of a kind, in pages of two."""
    found: list[ArchiveRecord] = []
    while page := await store.archive.read(kind, after=found[-1].id if found else "", limit=2):
        found += page
    return found
